"""Columns and tables of a session file, read whole and checked against `acquire.layout`."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from acquire import layout
from acquire.errors import Fix, SessionError

from .hdf5 import find_inside


def read_column(file: h5py.File, name: str, dtype: np.dtype, path: Path) -> np.ndarray:
    """Read one column or table.

    Raises
    ------
    SessionError : it is missing, of another type or shape, or lies beyond the end of the file
    """
    dataset = find_inside(file, name, path)
    if dataset.ndim != 1 or dataset.dtype != dtype:
        raise SessionError(
            expected=f"/{name} as one column of {dtype}", found=f"{dataset.dtype} {dataset.shape}",
            where=path,
        )
    if dataset.chunks:
        measure_chunks(dataset, 0, path)
    return dataset[:]


def read_streams(file: h5py.File, path: Path, *, frames: int) -> dict[str, np.ndarray]:
    """Read the columns of both streams, each cut to the rows that all of its columns have.

    Parameters
    ----------
    frames : how many frames there are at most

    Raises
    ------
    SessionError : as `read_column`
    """
    columns = {
        name: read_column(file, name, dtype, path) for name, dtype in layout.COLUMNS.items()
    }
    video = [name for name in columns if name.startswith("video/")]
    frames = min(frames, *(len(columns[name]) for name in video))
    samples = min(len(column) for name, column in columns.items() if name not in video)
    return {
        name: column[: frames if name in video else samples] for name, column in columns.items()
    }


def measure_chunks(
    dataset: h5py.Dataset, count: int, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stored size of the first `count` chunks, and the filters that each skipped.

    HDF5 reads what lies beyond the end of a file that was never closed as zeros: such a chunk is
    refused.

    Returns
    -------
    (count,) int64 sizes [bytes], 0 where there is no chunk; (count,) int64 filter masks

    Raises
    ------
    SessionError : a chunk lies beyond the end of the file
    """
    chunks: list[Any] = []
    dataset.id.chunk_iter(chunks.append)
    end = max((chunk.byte_offset + chunk.size for chunk in chunks), default=0)
    if end > (size := path.stat().st_size):
        raise SessionError(
            expected=f"{dataset.name} up to byte {end}", found=f"a file of {size}, cut short,",
            where=path, fix=Fix.RECOVER_OR_RESTORE,
        )
    sizes, skipped = np.zeros((2, count), np.int64)
    for chunk in chunks if count else ():
        if (at := chunk.chunk_offset[0]) < count:
            sizes[at], skipped[at] = chunk.size, chunk.filter_mask
    return sizes, skipped
