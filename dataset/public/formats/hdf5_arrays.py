"""Arrays of an HDF5 file that others wrote, MATLAB 7.3 among them; links and outside data refused.

A session file of acq is read by `dataset.session.hdf5`, which knows its filters.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from acquire.errors import CurationError
from acquire.limits import MOST_VALUES
from dataset.public.folders import what_instead
from dataset.public.published import GET_FILE, GET_FOLDER

_FAILURES = (("truncated file", "one that is cut short"), ("signature not found", "none"))
_LARGEST_CHUNK_BYTES = 256 * 2**20      # it is inflated as a whole
_FILTERS = (1, 2, 3)            # deflate, shuffle, Fletcher's checksum: what MATLAB and h5py write


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises
    ------
    CurationError : it is missing, not HDF5, or damaged, also where it is read
    """
    if not path.is_file():
        raise CurationError(
            expected=path.name, found=what_instead(path), where=f"at {path}", fix=GET_FOLDER
        )
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        words = str(error)
        found = next((found for part, found in _FAILURES if part in words), "")
        raise CurationError(
            expected="a whole HDF5 file", found=found or f"a damaged one ({words[:80]})",
            where=f"at {path}", fix=GET_FILE,
        ) from error


def find_array(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return an array of numbers whose every byte lies in this file.

    Raises
    ------
    CurationError : it is missing, no array of real numbers, reached by a link, stored elsewhere, or
        by a filter that others do not write
    """
    link = file.get(name, getlink=True)
    found = ""
    if link is None:
        found = f"{', '.join(sorted(file)[:8])}" or "none"
    elif not isinstance(link, h5py.HardLink):
        found = "a link, which is not followed"
    elif not isinstance(array := file[name], h5py.Dataset) or array.dtype.kind not in "fiu":
        found = "something else"
    elif array.external or array.is_virtual:
        found = "it stored in another file"
    else:
        plist = array.id.get_create_plist()
        codes = [plist.get_filter(at)[0] for at in range(plist.get_nfilters())]
        chunk_bytes = math.prod(array.chunks or (0,)) * array.dtype.itemsize
        if set(codes) <= set(_FILTERS) and chunk_bytes <= _LARGEST_CHUNK_BYTES:
            return array
        found = f"chunks of {chunk_bytes >> 20} MB" if set(codes) <= set(_FILTERS) else (
            f"it by filter {max(codes)}"
        )
    raise CurationError(expected=f"the array {name}", found=found, where=path, fix=GET_FILE)


def read_row(file: h5py.File, name: str, path: Path) -> np.ndarray:
    """Read a row or a column of numbers; return it as (N,) float64, NaN where one is not finite.

    Raises
    ------
    CurationError : it is no row of numbers, or too long
    """
    array = find_array(file, name, path)
    if array.size is None or array.size > MOST_VALUES or array.size != max(array.shape, default=0):
        raise CurationError(
            expected=f"{name} as one row of at most {MOST_VALUES} numbers",
            found=" x ".join(map(str, array.shape or ())) or "one number", where=path, fix=GET_FILE,
        )
    values = array[()].astype(np.float64).ravel()
    values[~np.isfinite(values)] = np.nan
    return values
