"""The curves behind a session's grade, for its page, in a compressed file beside the session.

An NPZ archive holds three arrays for each curve, `NAME.x`, `NAME.y` and `NAME.unit`, and
`session_hash`, the content hash of the recording that was measured. A page is all they are for, so
they are thinned, and nothing else is lost with the file.
"""

import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.atomic import atomic_file
from acquire.errors import CurationError, Fix
from acquire.limits import LARGEST_ARRAYS_BYTES

POINTS = 2000                      # that a curve is thinned to


@dataclass(frozen=True)
class Curve:
    """A measurement over time, or over heart rate."""

    x: np.ndarray              # (T,) float64, seconds after the session's start, or bpm; finite
    y: np.ndarray              # (T,) float64; NaN where there is nothing
    unit: str


def thin_curve(x: np.ndarray, y: np.ndarray, unit: str) -> Curve:
    """Return a curve of about `POINTS` points at most: of each block the lowest and the highest.

    A spike stays a spike. Numbers are rounded to what a drawing shows.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) > POINTS:
        block = -(-len(x) // POINTS) * 2
        whole = len(x) // block * block
        filled = np.nan_to_num(y[:whole], nan=0.0).reshape(-1, block)
        first = np.arange(0, whole, block)
        keep = np.unique(
            np.concatenate([first + filled.argmin(axis=1), first + filled.argmax(axis=1)])
        )
        x, y = x[keep], y[keep]
    finite = np.where(np.isfinite(y), y, np.nan)
    return Curve(np.round(x, 4), finite.astype(np.float32).astype(float), unit)


def write_curves(session_file: Path, session_hash: str, curves: Mapping[str, Curve]) -> Path:
    """Write the curves beside their session, and return the file's path."""
    path = data_folder.quality_curves_file(session_file)
    arrays = {"session_hash": np.array(session_hash)}
    for name, curve in curves.items():
        arrays[f"{name}.x"] = curve.x
        arrays[f"{name}.y"] = curve.y.astype(np.float32)
        arrays[f"{name}.unit"] = np.array(curve.unit)
    with atomic_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return path


def read_curves(session_file: Path, session_hash: str) -> dict[str, Curve] | None:
    """Read the curves of a session; None where there are none of this state of the recording.

    Raises
    ------
    CurationError : the file cannot be read, or holds something else
    """
    path = data_folder.quality_curves_file(session_file)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            size = sum(entry.file_size for entry in archive.zip.infolist())
            if size > LARGEST_ARRAYS_BYTES:
                raise ValueError(f"{size >> 20} MB in it")
            for entry in archive.zip.infolist():
                _check_size(archive.zip, entry)
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        return None
    except (
        OSError, ValueError, TypeError, AttributeError, EOFError, RuntimeError, zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise _no_curves(path, error) from error
    if str(arrays.pop("session_hash", "")) != session_hash:
        return None
    names = [name.removesuffix(".x") for name in arrays if name.endswith(".x")]
    if {f"{name}.{part}" for name in names for part in ("x", "y", "unit")} != set(arrays):
        raise _no_curves(path, f"arrays named {', '.join(sorted(arrays))}"[:200])
    curves = {}
    for name in names:
        x, y, unit = (arrays[f"{name}.{part}"] for part in ("x", "y", "unit"))
        if (
            x.ndim != 1 or x.shape != y.shape or {x.dtype.kind, y.dtype.kind} != {"f"}
            or unit.ndim or unit.dtype.kind != "U" or not np.isfinite(x).all()
        ):
            raise _no_curves(path, f"{name} of shapes {x.shape} and {y.shape}, or not finite")
        curves[name] = Curve(x.astype(float), y.astype(float), str(unit))
    return curves


def curves_to_draw(session_file: Path, session_hash: str) -> dict[str, Curve]:
    """Read the curves of a session for its page; empty where there are none that can be read."""
    try:
        return read_curves(session_file, session_hash) or {}
    except CurationError:
        return {}


def _check_size(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuse an array that says it is larger than its bytes: memory would be taken for it.

    Raises
    ------
    ValueError : see above, or it is no array of version 1
    """
    with archive.open(entry) as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        size = math.prod(shape) * dtype.itemsize
        if not dtype.hasobject and size != entry.file_size - file.tell():
            raise ValueError(f"an array of shape {shape} in {entry.file_size} bytes")


def _no_curves(path: Path, found: object) -> CurationError:
    return CurationError(
        expected="curves of a session's quality", found=found, where=path, fix=Fix.GRADE_AGAIN
    )
