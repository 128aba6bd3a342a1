"""Synchronise a recording again: its samples' times and bounds, computed from its exchanges.

The two columns are rewritten in place, as bytes: their chunks are neither compressed nor checked by
a sum, so that nothing else of the file changes, and a file whose writer was killed, which HDF5
would not open for writing, is treated like any other. The bounds go first and come last, as when a
recording is closed: a crash in between leaves samples without a bound, never a new time beside an
old bound.
"""

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from acquire import layout
from acquire.clock.place_samples import place_samples
from acquire.data_folder import root_of
from acquire.errors import SessionError
from acquire.writing import hold, named, refuse_links_out
from dataset.session.hdf5 import (
    RESTORE,
    SILENT_S,
    find_inside,
    is_being_written,
    open_to_read,
    refuse_while_recorded,
)
from dataset.session.header import check_rates
from dataset.session.reader import Session


@dataclass(frozen=True)
class Resync:
    """The times of a recording's samples, before and after."""

    path: Path
    session_id: str
    samples: int
    changed: int                      # samples whose time or bound changed
    moved_ms: float                   # the most by which a time changed
    unbounded_before: int             # samples without a bound
    unbounded: int
    bound_before_ms: float | None     # the widest of the others, None where there is none
    bound_ms: float | None


def resync(path: Path, *, dry_run: bool = False) -> Resync:
    """Place all samples of a recording again, by the method of this version of acq.

    The same exchanges give the same bytes.

    Parameters
    ----------
    dry_run : compute, and write nothing

    Raises
    ------
    SessionError : the file cannot be read as a session, cannot be written, or is still being
        recorded
    AcqError : another process changes it, or it is a link to a file elsewhere
    """
    refuse_while_recorded(path)
    if is_being_written(path):
        raise SessionError(
            expected="a recording that has ended",
            found="one that was never closed and was written a moment ago", where=path,
            fix=f"end it, or wait {SILENT_S:.0f} s if its recorder was killed",
        )
    with Session(path) as session:
        if session.imported_from:
            raise SessionError(
                expected="a recording with pings",
                found=f"one imported from {session.imported_from}", where=path,
            )
        if session.sensor.timing is not None:
            raise SessionError(
                expected="a recording with pings",
                found=f"one of a sensor without a clock ({session.sensor.name})", where=path,
            )
        tick_hz, rate_hz = session.sensor.tick_hz, session.sensor.rate_hz
        check_rates(tick_hz, rate_hz, path)
        time_ns, bound_ns = place_samples(
            session.exchanges, session.clocks, session.ppg_ticks, session.ppg_arrival_ns,
            tick_hz=tick_hz, rate_hz=rate_hz, suspensions=session.suspensions,
        )
        moved_ns = np.abs(time_ns - session.ppg_time_ns)
        changed = int(np.count_nonzero((moved_ns > 0) | (bound_ns != session.ppg_bound_ns)))
        result = Resync(
            path=path, session_id=session.session_id, samples=len(time_ns), changed=changed,
            moved_ms=float(moved_ns.max(initial=0)) / 1e6,
            unbounded_before=int(np.count_nonzero(session.ppg_bound_ns < 0)),
            unbounded=int(np.count_nonzero(bound_ns < 0)),
            bound_before_ms=_widest_ms(session.ppg_bound_ns), bound_ms=_widest_ms(bound_ns),
        )
    if changed and not dry_run:
        refuse_links_out(root_of(path), path)
        with hold(path.parent, named(path.name)):
            _write(path, time_ns, bound_ns)
    return result


def _widest_ms(bound_ns: np.ndarray) -> float | None:
    widest = int(bound_ns.max(initial=-1))
    return widest / 1e6 if widest >= 0 else None


def _write(path: Path, time_ns: np.ndarray, bound_ns: np.ndarray) -> None:
    with closing(open_to_read(path, wait_s=0)) as file:  # Session has shown that it opens
        columns = (find_inside(file, name, path) for name in (layout.PPG_TIME, layout.PPG_BOUND))
        times, bounds = (_find_rows(column, len(time_ns), path) for column in columns)
    unknown = np.full_like(bound_ns, -1)
    try:
        with path.open("r+b") as raw:
            for blocks, values in ((bounds, unknown), (times, time_ns), (bounds, bound_ns)):
                for byte, rows in blocks:
                    raw.seek(byte)
                    raw.write(values[rows].tobytes())
                raw.flush()
                os.fsync(raw.fileno())
    except OSError as error:
        raise SessionError(
            expected=f"to write {path}", found=error, fix="synchronise it again"
        ) from error


def _find_rows(column: h5py.Dataset, count: int, path: Path) -> list[tuple[int, slice]]:
    """Return where the first `count` rows lie: byte in the file, rows that begin there.

    Raises
    ------
    SessionError : they are compressed or not all on the disk
    """
    blocks: list[tuple[int, slice]] = []
    if (chunks := column.chunks) is None:
        blocks.append((column.id.get_offset() or 0, slice(0, count)))
    else:
        column.id.chunk_iter(
            lambda chunk: blocks.append((
                chunk.byte_offset,
                slice(chunk.chunk_offset[0], min(chunk.chunk_offset[0] + chunks[0], count)),
            ))
        )
    blocks = [(byte, rows) for byte, rows in blocks if byte and rows.start < rows.stop]
    stored = sum(rows.stop - rows.start for _, rows in blocks)
    if column.id.get_create_plist().get_nfilters() or stored != count:
        raise SessionError(
            expected=f"{count} rows of {column.name}, not compressed, as acq writes them",
            found="others", where=path, fix=RESTORE,
        )
    return blocks
