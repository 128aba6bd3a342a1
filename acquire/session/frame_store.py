"""Frames are compressed outside the session file, then written into it, one frame a chunk.

HDF5 compresses while it writes a chunk, and then a slow processor cannot be told from a slow disk.
So a frame is compressed in a scratch file in memory, by the same filter, and its bytes are written
to the session unchanged. Each step is timed, and where compression is the slow step, frames can be
stored raw: HDF5 notes with each chunk which filters were skipped, so that the dataset stays one
ordinary array which any reader decodes.
"""

import time
from collections import deque

import h5py
import numpy as np

_RECENT_FRAMES = 10       # frames in a mean of late
_RECONSIDER_S = 1.0       # between two decisions while the queue grows
_STAY_RAW_S = 5.0         # at least; what makes a processor slow seldom ends within a second
_FILTER_SKIPPED = 1       # bit 0 of a chunk's mask: the first filter, the only one


class FrameStore:
    """Append frames to their dataset, compressed or raw, and measure what that costs.

    Parameters
    ----------
    dataset : (0, H*3/2, W) or (0, H, W, 3) uint8, chunks of one frame, one filter
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset = dataset
        self.raw = False                 # store the next frames without compression
        self.raw_frames = 0              # stored so
        self.costs = StorageCosts()
        self._scratch = h5py.File(
            f"{dataset.file.filename}-scratch", "w", driver="core", backing_store=False,
            rdcc_nbytes=0,
        )
        shape = (1, *dataset.shape[1:])
        space = h5py.h5s.create_simple(shape)
        plist = dataset.id.get_create_plist()
        self._scratch_frame = h5py.Dataset(
            h5py.h5d.create(self._scratch.id, b"frame", h5py.h5t.NATIVE_UINT8, space, plist)
        )
        self._origin = (0,) * (len(shape) - 1)

    def append(self, image: np.ndarray) -> None:
        """Store one frame.

        Raises
        ------
        OSError, RuntimeError : the disk is full or gone
        """
        start_s = time.perf_counter()
        mask, data = (_FILTER_SKIPPED, image.tobytes()) if self.raw else self._compress(image)
        compressed_s = time.perf_counter()
        self._write(data, mask)
        self.costs.add(
            None if self.raw else compressed_s - start_s, time.perf_counter() - compressed_s,
            size_ratio=len(data) / image.nbytes,
        )
        self.raw_frames += bool(mask)

    def _compress(self, image: np.ndarray) -> tuple[int, bytes]:
        self._scratch_frame[0] = image
        return self._scratch_frame.id.read_direct_chunk((0, *self._origin))

    def _write(self, data: bytes, mask: int) -> None:
        count = len(self.dataset)
        self.dataset.resize(count + 1, axis=0)
        self.dataset.id.write_direct_chunk((count, *self._origin), data, mask)

    def close(self) -> None:
        """Free the scratch memory; the dataset stays open."""
        self._scratch.close()


class RecentMean:
    """Mean of the last ten values without the largest of them.

    One value may hold a pause of this process; a disk that stalls again and again still counts.
    """

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=_RECENT_FRAMES)

    @property
    def value(self) -> float:
        """The mean; 0 before the first value."""
        values = sorted(self._values)
        kept = values[:-1] or values
        return sum(kept) / len(kept) if kept else 0.0

    def add(self, value: float) -> None:
        """Add the next value."""
        self._values.append(value)


class StorageCosts:
    """What storing a frame has cost lately."""

    def __init__(self) -> None:
        self.compress_s = RecentMean()
        self.write_s = RecentMean()         # of what was written, compressed or raw
        self.written_ratio = RecentMean()   # size of what was written, relative to a raw frame
        self.compressed_ratio = RecentMean()    # the same of compressed frames only

    def add(self, compress_s: float | None, write_s: float, *, size_ratio: float) -> None:
        """Add one frame's times [s]; `compress_s` is None where it was stored raw."""
        if compress_s is not None:
            self.compress_s.add(compress_s)
            self.compressed_ratio.add(size_ratio)
        self.write_s.add(write_s)
        self.written_ratio.add(size_ratio)

    @property
    def raw_is_quicker(self) -> bool:
        """Whether a raw frame, some 3 times as large, is stored quicker than a compressed one."""
        if not self.written_ratio.value:     # nothing measured yet
            return False
        raw_write_s = self.write_s.value / self.written_ratio.value
        return raw_write_s < self.compress_s.value + raw_write_s * self.compressed_ratio.value

    def __str__(self) -> str:
        return (
            f"compressing takes {self.compress_s.value * 1e3:.1f} ms a frame, writing "
            f"{self.write_s.value * 1e3:.1f} ms"
        )


class RawFallback:
    """Decide when frames are stored raw: while they queue up and raw is quicker.

    Parameters
    ----------
    queue_frames : frames that the queue can hold
    """

    def __init__(self, queue_frames: int) -> None:
        self.raw = False
        self._too_many_waiting = queue_frames // 2
        self._few_waiting = queue_frames // 20
        self._changed_s = float("-inf")

    def update(self, waiting: int, costs: StorageCosts, now_s: float) -> bool:
        """Decide on the next frame; return whether `raw` has changed.

        Parameters
        ----------
        waiting : frames in the queue
        now_s : any clock that does not jump [s]
        """
        raw = self.raw
        unchanged_s = now_s - self._changed_s
        if waiting >= self._too_many_waiting and unchanged_s >= _RECONSIDER_S:
            raw = costs.raw_is_quicker
        elif waiting <= self._few_waiting and unchanged_s >= _STAY_RAW_S:
            raw = False
        has_changed = raw != self.raw
        if has_changed:
            self.raw, self._changed_s = raw, now_s
        return has_changed
