"""Synchronise a recording anew: its samples' times and bounds, computed again from the exchanges it
holds.

The two columns are rewritten in place, as bytes: their chunks are neither compressed nor checked by
a sum, so that nothing else of the file changes, and one whose writer was killed, which HDF5 would
not open for writing, is as good as any. The bounds go first and come last, as when a recording is
closed: a crash in between leaves samples without a bound, never a new time beside an old bound.
"""

import os
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from acquire import layout
from acquire.clock import place_samples
from acquire.errors import SessionError
from dataset.session.hdf5 import find_inside, open_to_read, was_never_closed
from dataset.session.reader import Session

_SILENT_S = 10.0  # a recorder writes twice a second: a file left alone for this long has none


@dataclass(frozen=True)
class Resync:
    """What a recording said of its samples' times, and what it says now."""

    path: Path
    session_id: str
    samples: int
    changed: int                      # samples whose time or bound is another now
    moved_ms: float                   # the most by which a time changed
    unbounded_before: int             # samples without a bound
    unbounded: int
    bound_before_ms: float | None     # the widest of the others, None where there is none
    bound_ms: float | None


def resync(path: Path, *, dry_run: bool = False) -> Resync:
    """Place all samples of a recording again, by the method of this version of acq; the same
    exchanges give the same bytes.

    Parameters
    ----------
    dry_run : compute, and write nothing

    Raises
    ------
    SessionError : the file cannot be read as a session, cannot be written, or is still being
        recorded
    """
    _refuse_growing(path)
    with Session(path) as session:
        if session.imported_from:
            raise SessionError(
                "expected a recording with pings, found one imported from "
                f"{session.imported_from}, {path}"
            )
        tick_hz, rate_hz = session.sensor["tick_hz"], session.sensor["rate_hz"]
        if not all(isinstance(hz, int) and 0 < hz < 2**32 for hz in (tick_hz, rate_hz)):
            raise SessionError(
                f"expected rates in Hz, found tick_hz {tick_hz!r} and rate_hz {rate_hz!r} in {path}"
            )
        time_ns, bound_ns = place_samples(
            session.exchanges, session.clocks, session.ppg_ticks, session.ppg_arrival_ns,
            tick_hz=tick_hz, rate_hz=rate_hz,
        )
        moved_ns = np.abs(time_ns - session.ppg_time_ns)
        changed = int(np.count_nonzero((moved_ns > 0) | (bound_ns != session.ppg_bound_ns)))
        found = Resync(
            path=path, session_id=session.session_id, samples=len(time_ns), changed=changed,
            moved_ms=float(moved_ns.max(initial=0)) / 1e6,
            unbounded_before=int(np.count_nonzero(session.ppg_bound_ns < 0)),
            unbounded=int(np.count_nonzero(bound_ns < 0)),
            bound_before_ms=_widest_ms(session.ppg_bound_ns), bound_ms=_widest_ms(bound_ns),
        )
    if changed and not dry_run:
        _write(path, time_ns, bound_ns)
    return found


def _widest_ms(bound_ns: np.ndarray) -> float | None:
    widest = int(bound_ns.max(initial=-1))
    return widest / 1e6 if widest >= 0 else None


def _refuse_growing(path: Path) -> None:
    if not path.is_file() or not was_never_closed(path):
        return
    silent_s = time.time() - path.stat().st_mtime
    if silent_s < _SILENT_S:
        raise SessionError(
            "expected a recording that has ended, found one that was never closed and was written "
            f"{max(silent_s, 0):.0f} s ago, "
            f"at {path}; end it, or wait {_SILENT_S:.0f} s if its recorder was killed"
        )


def _write(path: Path, time_ns: np.ndarray, bound_ns: np.ndarray) -> None:
    with closing(open_to_read(path, wait_s=0)) as file:  # Session has shown that it opens
        columns = (find_inside(file, name, path) for name in (layout.PPG_TIME, layout.PPG_BOUND))
        times, bounds = (_places(column, len(time_ns), path) for column in columns)
    unknown = np.full_like(bound_ns, -1)
    try:
        with path.open("r+b") as raw:
            for places, values in ((bounds, unknown), (times, time_ns), (bounds, bound_ns)):
                for at, rows in places:
                    raw.seek(at)
                    raw.write(values[rows].tobytes())
                raw.flush()
                os.fsync(raw.fileno())
    except OSError as error:
        raise SessionError(
            f"expected to write {path}, got: {error.strerror}; run it again"
        ) from error


def _places(column: h5py.Dataset, count: int, path: Path) -> list[tuple[int, slice]]:
    """Give where the first `count` rows lie: byte in the file, rows that begin there.

    Raises
    ------
    SessionError : they are compressed or not all on the disk
    """
    places: list[tuple[int, slice]] = []
    if (chunks := column.chunks) is None:
        places.append((column.id.get_offset() or 0, slice(0, count)))
    else:
        column.id.chunk_iter(
            lambda chunk: places.append(
                (
                    chunk.byte_offset,
                    slice(chunk.chunk_offset[0], min(chunk.chunk_offset[0] + chunks[0], count)),
                )
            )
        )
    places = [(at, rows) for at, rows in places if at and rows.start < rows.stop]
    if (
        column.id.get_create_plist().get_nfilters()
        or sum(rows.stop - rows.start for _, rows in places) != count
    ):
        raise SessionError(
            f"expected {count} rows of {column.name}, not compressed, as acq writes them, found "
            f"others in {path}; "
            "restore the file from a copy"
        )
    return places
