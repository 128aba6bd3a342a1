"""A video that a set publishes as one array of numbers: made 8-bit piece by piece, then shown.

MATLAB stores an array with its first axis fastest. Where that axis is the time, as in MMPD and
SCAMPS, the pixels of one frame are spread over the whole file, so that all of it has to be read
before the first frame is whole. It is kept as 8-bit integers, a quarter of single precision: 415 MB
for the 1800 frames of 320x240 that a minute of MMPD has.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from acquire.limits import LARGEST_VIDEO_ARRAY_BYTES, MOST_PIXELS
from dataset.public.published import GET_FILE, Picture

_BEYOND = 0.002                  # of single precision, outside of 0 to 1
_BETWEEN = 0.05                  # of a step of 8 bits, by which exact pictures may miss it
_BLOCK_BYTES = 16 * 2**20        # of frames that are put together at a time


def check_shape(shape: tuple[int, ...], name: str, path: Path) -> tuple[int, int, int]:
    """Return frames, height and width of an array that is T, H, W, C.

    Raises
    ------
    CurationError : it is no video in colour, or larger than such a video and its own file may be
    """
    is_video = len(shape) == 4 and shape[3] == 3 and shape[0] > 1 and min(shape) > 0
    if not is_video or shape[1] * shape[2] > MOST_PIXELS:
        raise CurationError(
            expected=f"{name} of frames, height, width and 3 colours",
            found=" x ".join(map(str, shape)) or "a number", where=path, fix=GET_FILE,
        )
    frames, height, width, colours = shape
    size = frames * height * width * colours
    if size > max(LARGEST_VIDEO_ARRAY_BYTES, path.stat().st_size):
        raise CurationError(
            expected=f"{name} of at most {LARGEST_VIDEO_ARRAY_BYTES >> 20} MB as 8-bit pictures",
            found=f"{size >> 20} MB in a file of {path.stat().st_size >> 20} MB", where=path,
            fix=GET_FILE,
        )
    return frames, height, width


class EightBits:
    """Makes numbers of a video 8-bit, and remembers by how much they missed the steps."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.off = 0.0               # at most, in steps of 8 bits

    def convert(self, values: np.ndarray) -> np.ndarray:
        """Return numbers of 0 to 1, or whole ones of 0 to 255, as uint8.

        Raises
        ------
        CurationError : some are outside, or not finite
        """
        if values.dtype == np.uint8:
            return values
        is_whole = values.dtype.kind in "ui"
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        most, beyond = (255, 0) if is_whole else (1, _BEYOND)
        if not (-beyond <= low <= high <= most + beyond):         # NaN is neither
            is_finite = bool(np.isfinite([low, high]).all())
            raise CurationError(
                expected=f"{self.name} with values of 0 to {most}",
                found=f"{low:g} to {high:g}" if is_finite else "some that are not finite",
                where=self.path,
                fix="divide the values by the largest that there can be, or get the file again"
                if is_finite and low >= 0 else GET_FILE,
            )
        if is_whole:
            return values.astype(np.uint8)
        scaled = np.clip(values, 0, 1) * values.dtype.type(255)
        steps = np.rint(scaled)
        self.off = max(self.off, float(np.abs(scaled - steps).max(initial=0.0)))
        return steps.astype(np.uint8)

    def defects(self) -> list[str]:
        """Return what is to be said of the conversion, at most one line."""
        if self.off <= _BETWEEN:
            return []
        return [
            f"{self.name} has values between the steps of 8 bits, up to {self.off:.2f} of a step; "
            "rounded"
        ]


def show(pixels: np.ndarray) -> Iterator[Picture]:
    """Yield the pictures of a video.

    Parameters
    ----------
    pixels : (C, W, H, T) uint8, as MATLAB's array of T, H, W, C lies in its file
    """
    colours, width, height, frames = pixels.shape
    block = max(1, _BLOCK_BYTES // (colours * width * height))
    for first in range(0, frames, block):
        part = np.ascontiguousarray(pixels[..., first : first + block].transpose(3, 2, 1, 0))
        for index, rgb in enumerate(part, start=first):
            yield Picture(index, rgb)
