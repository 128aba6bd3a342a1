"""SCAMPS as it is published: `P000001.mat`, twenty seconds of a drawn face in each.

The files are MATLAB's version 7.3, which is HDF5: `RawFrames` (C, W, H, T there) of 320x240, values
from 0 to 1, and `d_ppg` with a value for each frame, from which the face was drawn. So nobody was
recorded: every session is marked as simulated. Whether two files show one face was not published;
each is a subject of its own. Masks, breathing, head pose and action units are not read.

Source: McDuff et al., "SCAMPS: Synthetics for Camera Measurement of Physiological Signals", NeurIPS
2022; structure by https://github.com/danmcduff/scampsdataset; 30 frames/s as rPPG-Toolbox reads it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.public.examine import examine
from dataset.public.formats.hdf5_arrays import find_array, open_hdf5, read_row
from dataset.public.formats.video_array import EightBits, check_shape, show
from dataset.public.public_set import PublicSet
from dataset.public.published import (
    Picture,
    PublishedRecording,
    PublishedVideo,
    name_missing,
    nominal_times,
    samples_of,
)

RATE_HZ = 30.0
SENSOR = "none: the PPG that the face was drawn from"
_FILE = re.compile(r"(P[0-9]{6})\.mat")
_OTHER_RATE = 0.03           # a larger difference of counts is another rate
_SLAB_BYTES = 16 * 2**20     # that are read at a time


def read_recording(path: Path) -> PublishedRecording:
    """Read one file; its pictures are read when the first is asked for.

    Raises
    ------
    CurationError : it is no file of SCAMPS with pictures, or its PPG is not one of a value a frame
    """
    defects: list[str] = []
    with open_hdf5(path) as file:
        shape = find_array(file, "RawFrames", path).shape
        frames, height, width = check_shape(tuple(reversed(shape)), "RawFrames", path)
        ppg = read_row(file, "d_ppg", path)
    if abs(len(ppg) - frames) > _OTHER_RATE * frames:
        raise CurationError(
            expected=f"d_ppg with a value for each of {frames} frames", found=len(ppg), where=path,
            fix="the rate of another PPG is not published; get the file again",
        )
    if len(ppg) != frames:
        defects.append(f"{len(ppg)} PPG values for {frames} frames, paired from the first")
    name_missing(ppg, "PPG", defects)
    return examine(PublishedRecording(
        path, path.stem, SENSOR, 0, 0, samples_of(ppg, nominal_times(len(ppg), RATE_HZ)),
        PublishedVideo(
            width, height, RATE_HZ, "nominal, not published", None, frames,
            _pictures(path, defects),
        ),
        defects,
    ))


def _pictures(path: Path, defects: list[str]) -> Iterator[Picture]:
    """Read the whole video as 8-bit integers, then yield its frames."""
    eight_bits = EightBits("RawFrames", path)
    with open_hdf5(path) as file:
        array = find_array(file, "RawFrames", path)
        pixels = np.empty(array.shape, np.uint8)
        for slab in _slabs(array):
            pixels[slab] = eight_bits.convert(array[slab])
    defects += eight_bits.defects()
    yield from show(pixels)


def _slabs(array: h5py.Dataset) -> Iterator[tuple[slice, slice]]:
    """Yield parts of an array that hold whole chunks, along its first two axes."""
    colours, width, height, frames = array.shape
    chunk = array.chunks or (1, 1, height, frames)
    column_bytes = chunk[0] * height * frames * array.dtype.itemsize
    step = max(1, _SLAB_BYTES // column_bytes // chunk[1]) * chunk[1]
    for colour in range(0, colours, chunk[0]):
        for column in range(0, width, step):
            yield slice(colour, colour + chunk[0]), slice(column, column + step)


def _hash_file(path: Path) -> list[tuple[str, str]]:
    return [(path.name, sha256_of(path))]


SCAMPS = PublicSet(
    "SCAMPS", _FILE, "P<six digits>.mat", "SCAMPS-", read_recording, _hash_file, suffix=".mat",
    simulated=True,
)
