"""Turn what a killed recorder left, or what was cut short or damaged, into a session like any
other.

What can be read is copied: the columns of each stream up to where all of them are whole, every
frame that decodes, as the bytes it was stored in. The samples are placed again by the clock fit
over the whole recording, which a killed recorder never came to. What is dropped is counted, and a
frame dropped between others is a jump in the sequence like any lost frame. The result stays
`complete` false, because the recording ended early or lost what it had, and carries the attribute
`recovered`.

The survivor itself is kept beside it as FILE.killed.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from acquire import data_folder, layout
from acquire.clock import place_samples
from acquire.errors import SessionError
from dataset.common.files import one_line
from dataset.session.hdf5 import check_is_file, find_inside, was_never_closed
from dataset.session.reader import Session, count_lost

from .closed_view import Survivor

KEPT_SUFFIX = ".killed"
_WATCH_S = 1.5                  # a recorder flushes four times a second
_SPARE_BYTES = 16 * 2**20       # more than a rewritten file can be longer than the first


@dataclass(frozen=True)
class Recovered:
    """What was saved and what was not."""

    path: str                   # the clean session
    survivor: str               # what was found, kept under this name
    frames: int
    samples: int
    dropped_frames: int         # begun in the file but not whole, or not to be decoded
    dropped_samples: int
    lost_frames: int  # missing from the sequence, the dropped ones between others included
    lost_samples: int
    sync_bound_ms: float | None


def recover(
    path: Path, *, on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> Recovered | None:
    """Replace a survivor by a clean session; give None where it was closed and all its frames
    decode: nothing to do.

    Parameters
    ----------
    on_progress : called with a stage, the frames checked and copied so far, and their number

    Raises
    ------
    SessionError : it is still being written, holds nothing that can be read, or there is no room
        for a second one
    """
    check_is_file(path)
    if path.name.endswith(KEPT_SUFFIX):
        raise SessionError(
            "expected a recording, found the survivor that an earlier acq recover kept, at "
            f"{path}; "
            f"give a copy of it the name of a recording, {data_folder.SESSION_SUFFIX}, and recover "
            "that"
        )
    if not was_never_closed(path):
        if _is_whole(path, on_progress):
            return None
    elif _is_growing(path):
        raise SessionError(
            f"expected a recording that has ended, found one being written, at {path}; stop acq "
            "record first"
        )
    survivor_path = path.with_name(path.name + KEPT_SUFFIX)
    if survivor_path.exists():
        raise SessionError(
            f"expected to keep the survivor as {survivor_path}, found it there already; move it "
            "away"
        )
    part = path.with_suffix(".part")
    try:
        part.unlink(missing_ok=True)
        part.open("xb").close()
    except OSError as error:
        got = "no permission" if isinstance(error, PermissionError) else error.strerror
        raise SessionError(
            f"expected to write beside {path}, got: {got}; recover a copy in another folder"
        ) from error
    try:
        found = _copy(path, part, on_progress)
        with Session(part) as session:          # it opens as any other
            bound_ms = session.sync_bound_ms
        path.rename(survivor_path)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return Recovered(path=str(path), survivor=str(survivor_path), sync_bound_ms=bound_ms, **found)


def _is_whole(path: Path, on_progress: Callable[[str, int, int], None]) -> bool:
    """Say whether a file that was closed opens and all its frames decode; what is no HDF5 at all is
    refused.
    """
    try:
        session = Session(path)
    except SessionError:
        if not h5py.is_hdf5(path):
            raise
        return False
    with session:
        count = len(session.frames)
        for at in range(count):
            try:
                session.frames.raw(at)
            except SessionError:
                return False
            on_progress("decoding", at + 1, count)
    return True


def _is_growing(path: Path) -> bool:
    before = path.stat()
    time.sleep(_WATCH_S)
    after = path.stat()
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def _copy(path: Path, part: Path, on_progress: Callable[[str, int, int], None]) -> dict[str, int]:
    """Write what can be read of `path` to `part`; give the counts of `Recovered`."""
    try:
        with Survivor(path) as survivor, h5py.File(survivor, "r") as file:
            if (free := shutil.disk_usage(path.parent).free) < survivor.size + _SPARE_BYTES:
                raise SessionError(
                    f"expected room for a second file of {survivor.size / 1e6:.0f} MB, found "
                    f"{free / 1e6:.0f} MB at {path.parent}"
                )
            return _Copy(file, survivor.size, path).write(part, on_progress)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise SessionError(
            f"expected a session of which something can be read, got: {one_line(error)}, at {path}"
        ) from error


class _Copy:
    """One survivor, its columns read and cut to what is whole."""

    def __init__(self, file: h5py.File, size: int, path: Path) -> None:
        self._file = file
        self._size = size
        self._path = path
        if (
            file.attrs.get("schema") != layout.SCHEMA
            or file.attrs.get("schema_version") != layout.SCHEMA_VERSION
        ):
            raise SessionError(
                f"expected a session of format {layout.SCHEMA_VERSION}, found another file at "
                f"{path}"
            )
        self._video = find_inside(file, layout.FRAMES, path)
        begun = {name: find_inside(file, name, path) for name in layout.COLUMNS}
        columns = {name: self._rows(dataset) for name, dataset in begun.items()}
        self._frames = self._common(columns, "video/", layout.FRAME_ARRIVAL, self._stored_frames())
        self._samples = self._common(columns, "ppg/", layout.PPG_ARRIVAL, None)
        self._columns = {
            n: c[: self._frames if n.startswith("video/") else self._samples]
            for n, c in columns.items()
        }
        self._tables = {
            name: self._rows(find_inside(file, name, path))
            for name in (layout.EXCHANGES, layout.CLOCKS, layout.EVENTS) if name in file
        }
        self._begun_frames = max(
            len(self._video), *(len(d) for n, d in begun.items() if n.startswith("video/"))
        )
        self._begun_samples = max(len(d) for n, d in begun.items() if n.startswith("ppg/"))

    def _rows(self, dataset: h5py.Dataset) -> np.ndarray:
        """Read a column or table up to the first row that does not lie in the file."""
        if dataset.chunks is None:
            raise SessionError(
                f"expected {dataset.name} in chunks, found it in one piece, in {self._path}"
            )
        per_chunk, item = dataset.chunks[0], dataset.dtype.itemsize
        rows = 0
        for at in range(0, len(dataset), per_chunk):
            there = self._bytes_there(dataset, (at,)) // item
            rows = at + min(there, per_chunk)
            if there < per_chunk:
                break
        rows = min(rows, len(dataset))
        return dataset[:rows]

    def _bytes_there(self, dataset: h5py.Dataset, at: tuple[int, ...]) -> int:
        """Say how much of a chunk lies in the file [bytes]; 0 where its index cannot be read."""
        try:
            chunk = dataset.id.get_chunk_info_by_coord(at)
        except (OSError, RuntimeError):
            return 0
        if chunk.byte_offset is None:
            return 0
        return max(0, min(chunk.size, self._size - chunk.byte_offset))

    def _stored_frames(self) -> int:
        """Count frames up to the first whose bytes are not all there."""
        inner = (0,) * (self._video.ndim - 1)
        for at in range(len(self._video)):
            try:
                chunk = self._video.id.get_chunk_info_by_coord((at, *inner))
            except (OSError, RuntimeError):
                return at
            if chunk.byte_offset is None or chunk.byte_offset + chunk.size > self._size:
                return at
        return len(self._video)

    @staticmethod
    def _common(
        columns: dict[str, np.ndarray], stream: str, arrival: str, stored: int | None
    ) -> int:
        """Give how many rows all columns of a stream share; a row that never arrived is one that
        never came to the disk.
        """
        rows = min(len(column) for name, column in columns.items() if name.startswith(stream))
        rows = rows if stored is None else min(rows, stored)
        unwritten = np.flatnonzero(columns[arrival][:rows] <= 0)
        return int(unwritten[0]) if len(unwritten) else rows

    def write(self, part: Path, on_progress: Callable[[str, int, int], None]) -> dict[str, int]:
        if not self._frames and not self._samples:
            raise SessionError(
                f"expected a frame or a sample that can be read, found none at {self._path}"
            )
        with h5py.File(part, "w", libver="latest") as out:
            self._copy_attributes(self._file, out)
            whole = self._copy_frames(out, on_progress)
            for name, column in self._columns.items():
                if name.startswith("video/"):
                    self._columns[name] = column[whole]
            self._place()
            found = {
                "frames": int(whole.sum()),
                "samples": self._samples,
                "dropped_frames": self._begun_frames - int(whole.sum()),
                "dropped_samples": self._begun_samples - self._samples,
                "lost_frames": count_lost(self._columns[layout.FRAME_SEQUENCE]),
                "lost_samples": count_lost(self._columns[layout.PPG_SEQUENCE]),
            }
            said = f"{found['dropped_frames']} frames and {found['dropped_samples']} samples dropped that were not whole"
            self._add_event("recovered", said)
            for name, rows in {**self._columns, **self._tables}.items():
                self._create(out, name, len(rows))[:] = rows
            self._copy_attributes(self._file["ppg"], out["ppg"])  # type: ignore[arg-type]
            out.attrs["complete"] = False
            out.attrs[layout.RECOVERED_ATTR] = said
            for name, dropped in zip(
                layout.LOSS_ATTRS, ("dropped_frames", "dropped_samples"), strict=True
            ):
                told = int(self._file.attrs.get(name, -1))  # type: ignore[arg-type]
                # closed: it knew of its ends too
                out.attrs[name] = found[name] if told < 0 else told + found[dropped]
        return found

    @staticmethod
    def _copy_attributes(
        source: h5py.File | h5py.Group | h5py.Dataset, to: h5py.File | h5py.Group | h5py.Dataset
    ) -> None:
        for name, value in source.attrs.items():
            to.attrs[name] = value

    def _create(self, out: h5py.File, name: str, rows: int) -> h5py.Dataset:
        """Make a dataset as it was made, filters and all, with so many rows."""
        model: h5py.Dataset = self._file[name]  # type: ignore[assignment]
        parents = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        parents.set_create_intermediate_group(True)
        space = h5py.h5s.create_simple(
            (rows, *model.shape[1:]), (h5py.h5s.UNLIMITED, *model.shape[1:])
        )
        made = h5py.h5d.create(
            out.id, name.encode(), model.id.get_type(), space, model.id.get_create_plist(), parents
        )
        return h5py.Dataset(made)

    def _copy_frames(
        self, out: h5py.File, on_progress: Callable[[str, int, int], None]
    ) -> np.ndarray:
        """Copy the stored bytes of every frame that decodes; say which did, (frames,) bool."""
        to = self._create(out, layout.FRAMES, self._frames)
        whole = np.zeros(self._frames, bool)
        inner = (0,) * (self._video.ndim - 1)
        kept = 0
        for at in range(self._frames):
            try:
                self._video[at]
                skipped_filters, stored = self._video.id.read_direct_chunk((at, *inner))
            except (OSError, RuntimeError, ValueError):
                continue
            to.id.write_direct_chunk((kept, *inner), stored, skipped_filters)
            whole[at] = True
            kept += 1
            on_progress("frames", at + 1, self._frames)
        to.resize(kept, axis=0)
        self._copy_attributes(self._video, to)
        return whole

    def _place(self) -> None:
        tick_hz, rate_hz = (float(self._file["ppg"].attrs[name]) for name in ("tick_hz", "rate_hz"))  # type: ignore[arg-type]
        clocks = self._tables.get(layout.CLOCKS, np.empty(0, layout.CLOCK_DTYPE))
        self._columns[layout.PPG_TIME], self._columns[layout.PPG_BOUND] = place_samples(
            self._tables[layout.EXCHANGES], clocks, self._columns[layout.PPG_TICKS],
            self._columns[layout.PPG_ARRIVAL], tick_hz=tick_hz, rate_hz=rate_hz,
        )

    def _add_event(self, kind: str, text: str) -> None:
        """Note something at the last moment that the file knows of."""
        arrivals = (self._columns[name] for name in (layout.FRAME_ARRIVAL, layout.PPG_ARRIVAL))
        last_ns = max(int(column[-1]) for column in arrivals if len(column))
        row = np.array([(last_ns, kind.encode(), text.encode())], layout.EVENT_DTYPE)
        self._tables[layout.EVENTS] = np.concatenate([self._tables[layout.EVENTS], row])
