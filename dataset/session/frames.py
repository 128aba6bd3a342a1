"""The pictures of a session: on the disk until they are asked for, and RGB from one place."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, overload

import h5py
import numpy as np

from acquire.camera.source import CameraInfo
from acquire.errors import Fix, SessionError
from acquire.limits import MOST_PIXELS, MOST_STORED_RATIO

from .codestream import SKIPPED, find_fault

# OpenCV's conversions: ITU-R BT.601, limited range, what cameras and GStreamer mean by I420 up to
# 576 lines.
_TO_RGB = {"I420": "COLOR_YUV2RGB_I420", "RGB": None}
_NO_ROOM = np.empty(0, np.uint8)
_TO_BGR = {"I420": "COLOR_YUV2BGR_I420", "RGB": "COLOR_RGB2BGR"}


class Frames:
    """The pictures of one session: `frames[i]` is (H, W, 3) uint8 RGB, decoded when asked for.

    Parameters
    ----------
    dataset : see `check_frames`
    count : of the frames that are whole
    where : the file, named in errors
    """

    def __init__(
        self, dataset: h5py.Dataset, camera: CameraInfo, *, count: int, where: Path
    ) -> None:
        self._dataset = dataset
        self._count = count
        self._where = where
        self._is_filtered = bool(dataset.id.get_create_plist().get_nfilters())
        self._buffer = np.empty(dataset.shape[1:], np.uint8)
        self._in_memory = h5py.h5s.create_simple(self._buffer.shape)
        self.pixel_format = camera.pixel_format
        self.height = camera.height
        self.width = camera.width
        self.stored_shape: tuple[int, ...] = self._buffer.shape

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> np.ndarray: ...
    def __getitem__(self, index: int | slice) -> np.ndarray:
        """Return frame `index`, (H, W, 3) uint8 RGB; of a slice (N, H, W, 3)."""
        if isinstance(index, slice):
            chosen = range(*index.indices(self._count))
            out = np.empty((len(chosen), self.height, self.width, 3), np.uint8)
            for at, i in enumerate(chosen):
                self.read_into(i, out[at])
            return out
        return self.read_into(index, np.empty((self.height, self.width, 3), np.uint8))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(self._count))

    def raw(self, index: int) -> np.ndarray:
        """Return frame `index` as it is stored: (H*3/2, W) I420 or (H, W, 3) RGB."""
        out = np.empty_like(self._buffer)
        self._read(index, out)
        return out

    def read_into(self, index: int, out: np.ndarray, *, bgr: bool = False) -> np.ndarray:
        """Decode frame `index` into `out`, (H, W, 3) uint8 C-contiguous, and return `out`.

        New memory costs more than the colour conversion itself: whoever walks through a session
        reuses one `out`.
        """
        if (_TO_BGR if bgr else _TO_RGB)[self.pixel_format] is None:
            self._read(index, out)
            return out
        self._read(index, self._buffer)
        return self.convert_into(self._buffer, out, bgr=bgr)

    def convert_into(self, stored: np.ndarray, out: np.ndarray, *, bgr: bool = False) -> np.ndarray:
        """Convert what `raw` returned into `out`, as `read_into` does, and return `out`."""
        conversion = (_TO_BGR if bgr else _TO_RGB)[self.pixel_format]
        if conversion is None:
            out[...] = stored
        else:
            import cv2

            cv2.cvtColor(stored, getattr(cv2, conversion), dst=out)
        return out

    def _read(self, index: int, out: np.ndarray) -> None:
        at = index + self._count if index < 0 else index
        if not 0 <= at < self._count:
            raise IndexError(f"frame {index} of {self._count}")
        if out.shape != self.stored_shape or out.dtype != np.uint8:    # HDF5 would write past it
            raise ValueError(f"{out.shape} {out.dtype} for a frame of {self.stored_shape} uint8")
        try:
            skipped, stored = _read_chunk(
                self._dataset.id, at, self.stored_shape, is_filtered=self._is_filtered
            )
            if skipped & SKIPPED or not self._is_filtered:
                out[...] = np.frombuffer(stored, np.uint8).reshape(self.stored_shape)
            else:
                # `read_direct` takes a tenth of the time of decoding to find out which
                stored_space = self._dataset.id.get_space()
                start = (at, *([0] * self._buffer.ndim))
                stored_space.select_hyperslab(start, (1, *self._buffer.shape))
                self._dataset.id.read(self._in_memory, stored_space, out)
        except (OSError, RuntimeError, ValueError) as error:
            raise SessionError(
                expected=f"frame {at} of {self._count}",
                found=f"bytes that do not decode ({error})", where=self._where,
                fix=Fix.RECOVER_OR_RESTORE,
            ) from error


def read_stored_frame(video: h5py.Dataset, at: int) -> tuple[int, bytes]:
    """Return a frame's mask of skipped filters and its bytes, which decode to the whole frame.

    Parameters
    ----------
    video : see `check_frames`

    Raises
    ------
    OSError, RuntimeError : they cannot be read
    ValueError : they would decode to something else
    """
    is_filtered = bool(video.id.get_create_plist().get_nfilters())
    skipped, stored = _read_chunk(video.id, at, video.shape[1:], is_filtered=is_filtered)
    return skipped, bytes(stored)


def _read_chunk(
    video: h5py.h5d.DatasetID, at: int, shape: tuple[int, ...], *, is_filtered: bool
) -> tuple[int, memoryview]:
    """Read what `read_stored_frame` returns, of frames whose shape is known already."""
    chunk, most = (at, *([0] * len(shape))), largest_stored_bytes(shape)
    try:
        # into memory of a size of ours: to ask for the size of a chunk walks all before it
        skipped, read = video.read_direct_chunk(chunk, out=np.empty(most, np.uint8))
    except ValueError as error:
        size = video.get_chunk_info_by_coord(chunk).size
        raise ValueError(f"{size} bytes stored, more than {most}") from error
    stored = memoryview(read)
    if fault := find_fault(stored, skipped, shape, is_filtered=is_filtered):
        raise ValueError(fault)
    return skipped, stored


def is_frame_stored(video: h5py.Dataset, at: int) -> bool:
    """Return whether there are bytes of a frame, without reading them."""
    try:
        video.id.read_direct_chunk((at, *([0] * (video.ndim - 1))), out=_NO_ROOM)
    except ValueError:                  # they are too many for no room
        return True
    except (OSError, RuntimeError):
        return False
    return True


def largest_stored_bytes(shape: tuple[int, ...]) -> int:
    """Return what a frame of this shape, uint8, takes in a file at most [bytes]."""
    return round(MOST_STORED_RATIO * math.prod(shape)) + 4096      # the second: for its headers


def check_frames(video: h5py.Dataset, attrs: dict[str, Any], path: Path) -> None:
    """Refuse frames that are not what their attributes say.

    Raises
    ------
    SessionError : an unknown pixel format, no size in pixels or too many of them, another shape or
        type, or not one frame a chunk
    """
    pixel_format, width, height = (attrs[key] for key in ("pixel_format", "width", "height"))
    if pixel_format not in _TO_RGB:
        raise SessionError(
            expected=f"frames as {' or '.join(_TO_RGB)}", found=repr(pixel_format), where=path
        )
    is_size = isinstance(height, int) and isinstance(width, int) and min(height, width) > 0
    # one colour of I420 stands for two by two pixels
    if not is_size or (pixel_format == "I420" and (height % 2 or width % 2)):
        raise SessionError(
            expected="a width and a height in pixels, even for I420",
            found=f"{width} and {height} for {pixel_format}", where=path,
        )
    if width * height > MOST_PIXELS:
        raise SessionError(
            expected=f"frames of at most {MOST_PIXELS:,} pixels", found=f"{width}x{height}",
            where=path,
        )
    shape = (height * 3 // 2, width) if pixel_format == "I420" else (height, width, 3)
    if video.dtype != np.uint8 or video.shape[1:] != shape:
        raise SessionError(
            expected=f"{pixel_format} frames of shape {shape} uint8",
            found=f"{video.shape[1:]} {video.dtype}", where=path,
        )
    if video.chunks != (1, *shape):
        raise SessionError(
            expected="one frame a chunk", found=f"chunks of {video.chunks}", where=path
        )
