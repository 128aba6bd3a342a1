"""Frames on their way into the file: compressed beside it, then written in one piece, one frame a
chunk.

HDF5 compresses when it writes a chunk, and then nobody can tell a slow processor from a slow disk.
So the frame is compressed in a scratch file in memory, by the same filter, and its bytes are put
into the session as they are. Each step is timed, and where compressing is what takes long, a frame
can be stored raw: HDF5 keeps with each chunk which filters were skipped, so that the dataset stays
one ordinary array and any reader decodes it.
"""

import time

import h5py
import numpy as np

_LATELY = 10              # frames that a mean goes back
_THINK_AGAIN_S = 1.0      # while the queue grows
_STAY_RAW_S = 5.0  # once it has drained: what made the processor slow is seldom gone in a second
_FILTER_SKIPPED = 1       # bit 0 of a chunk's mask: the first filter, the only one


class FrameStore:
    """The frames' dataset, growing.

    Parameters
    ----------
    dataset : (0, H*3/2, W) or (0, H, W, 3) uint8, chunks of one frame, one filter
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset = dataset
        self.raw = False                 # store the next ones as they are
        self.raw_frames = 0
        self.costs = Costs()
        self._scratch = h5py.File(
            f"{dataset.file.filename}-scratch", "w", driver="core", backing_store=False,
            rdcc_nbytes=0,
        )
        shape = (1, *dataset.shape[1:])
        space = h5py.h5s.create_simple(shape)
        plist = dataset.id.get_create_plist()
        self._one = h5py.Dataset(
            h5py.h5d.create(self._scratch.id, b"frame", h5py.h5t.NATIVE_UINT8, space, plist)
        )
        self._origin = (0,) * (len(shape) - 1)

    def append(self, image: np.ndarray) -> None:
        """Store one frame.

        Raises
        ------
        OSError, RuntimeError : the disk is full or gone
        """
        began = time.perf_counter()
        mask, data = (_FILTER_SKIPPED, image.tobytes()) if self.raw else self._compress(image)
        compressed = time.perf_counter()
        self._write(data, mask)
        self.costs.add(
            None if self.raw else compressed - began, time.perf_counter() - compressed,
            share_of_raw=len(data) / image.nbytes,
        )
        self.raw_frames += bool(mask)

    def _compress(self, image: np.ndarray) -> tuple[int, bytes]:
        self._one[0] = image
        return self._one.id.read_direct_chunk((0, *self._origin))

    def _write(self, data: bytes, mask: int) -> None:
        count = len(self.dataset)
        self.dataset.resize(count + 1, axis=0)
        self.dataset.id.write_direct_chunk((count, *self._origin), data, mask)

    def close(self) -> None:
        """Let go of the memory; the dataset stays open."""
        self._scratch.close()


class Mean:
    """A running mean of the last few values."""

    def __init__(self) -> None:
        self.value = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """Take the next value."""
        self._count = min(self._count + 1, _LATELY)
        self.value += (value - self.value) / self._count


class Costs:
    """What a frame has lately taken."""

    def __init__(self) -> None:
        self.compress_s = Mean()
        self.write_s = Mean()            # of what was written, compressed or raw
        self.written = Mean()            # bytes of that per raw byte
        self.ratio = Mean()              # bytes of a compressed frame per raw byte

    def add(self, compress_s: float | None, write_s: float, *, share_of_raw: float) -> None:
        """Take one frame's times [s]; `compress_s` is None where it was stored raw."""
        if compress_s is not None:
            self.compress_s.add(compress_s)
            self.ratio.add(share_of_raw)
        self.write_s.add(write_s)
        self.written.add(share_of_raw)

    @property
    def raw_is_quicker(self) -> bool:
        """Say whether a frame takes less time raw: not where the disk is slow, for which it is
        three times as much.
        """
        if not self.written.value:           # nothing to judge by
            return False
        raw_s = self.write_s.value / self.written.value
        return raw_s < self.compress_s.value + raw_s * self.ratio.value

    def __str__(self) -> str:
        return f"compressing takes {self.compress_s.value * 1e3:.1f} ms a frame, writing {self.write_s.value * 1e3:.1f} ms"


class RawFallback:
    """Decide when frames are stored raw: where they queue up and that is quicker, until the queue
    has drained.

    Parameters
    ----------
    queue_frames : frames that the queue holds
    """

    def __init__(self, queue_frames: int) -> None:
        self.raw = False
        self._behind = queue_frames // 2
        self._drained = queue_frames // 20
        self._since_s = float("-inf")

    def choose(self, waiting: int, costs: Costs, now_s: float) -> bool:
        """Say whether this changes with the next frame.

        Parameters
        ----------
        waiting : frames in the queue
        now_s : any clock that does not jump [s]
        """
        raw = self.raw
        held_s = now_s - self._since_s
        if waiting >= self._behind and held_s >= _THINK_AGAIN_S:
            raw = costs.raw_is_quicker
        elif waiting <= self._drained and held_s >= _STAY_RAW_S:
            raw = False
        changed = raw != self.raw
        if changed:
            self.raw, self._since_s = raw, now_s
        return changed
