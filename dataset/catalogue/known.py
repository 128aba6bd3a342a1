"""What was read of recordings, kept for whoever lists the same folder again.

In memory, and in `DATA/cache/sessions.json`: the state of each recording and of its grade (inode,
size, times), and the row that was read then. A row is believed only while both files have that very
state. A recording that cannot be read, or was never closed, is read each time. The file may be
deleted at any time, and where it cannot be read or written a list is made without it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_document
from acquire.errors import AcqError, CurationError, SessionError
from acquire.writing import WITHDRAWAL, refuse_links_out, refuse_while
from dataset.common.kept import FileState, KeptByState
from dataset.common.progress import OnProgress

from .row import NEVER_CLOSED, FromFile, Row, read_row, unread_row

SCHEMA = "acq-known-sessions"
SCHEMA_VERSION = 5                  # of the document, and of how the values of a row are computed
_GRADED_S, _UNGRADED_S = 0.005, 0.03        # of processor time, for a row of a minute


@dataclass(frozen=True)
class _Entry:
    """One recording."""

    file: str                                       # under the data folder
    state: FileState
    state_of_grade: FileState | None                # None: there is none
    row: Row


@dataclass(frozen=True)
class _Document:
    acq_version: str
    entries: tuple[_Entry, ...]


_KIND = Kind(
    _Document, "a list of known sessions", CurationError, "delete it", schema=SCHEMA,
    version=SCHEMA_VERSION,
)


class KnownSessions:
    """What was read of the recordings of one data folder; not for several threads at once."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._rows: KeptByState[FromFile] = KeptByState()
        self._saved: dict[str, _Entry] = {}
        self._load()

    def read_rows(
        self, paths: list[Path], *, jobs: int | None = 1, on_progress: OnProgress | None = None
    ) -> dict[Path, FromFile]:
        """Return what each recording and its grade contain, and what could not be read.

        Parameters
        ----------
        jobs : processes that read; None: as many as are worth their start
        """
        rows: dict[Path, FromFile] = {}
        states = {}
        for path in paths:
            states[path], row = self._rows.find(path, data_folder.quality_file(path))
            if row is not None:
                rows[path] = row
        unread = [path for path in paths if path not in rows]
        for done, (path, row) in enumerate(_read_all(unread, jobs), start=len(rows) + 1):
            rows[path] = row
            self._rows.keep(path, states[path], row)
            if on_progress:
                on_progress("reading sessions", done, len(paths))
        return {path: rows[path] for path in paths}

    def forget_others(self, paths: list[Path]) -> None:
        """Forget the recordings that are gone."""
        self._rows.forget_others(paths)

    def save(self) -> None:
        """Write what is known and lasts, where it changed; nothing where that is not allowed."""
        entries = {entry.file: entry for entry in self._lasting()}
        if entries == self._saved:
            return
        path = data_folder.known_sessions_file(self._data)
        body = {
            "schema": SCHEMA, "schema_version": SCHEMA_VERSION, "acq_version": version("acq"),
            # a subject may have been withdrawn while the recordings were read
            "entries": [
                {**vars(entry), "row": vars(entry.row)} for entry in entries.values()
                if (self._data / entry.file).exists()
            ],
        }
        with suppress(AcqError, OSError):
            refuse_while(self._data, WITHDRAWAL)        # which has deleted the list already
            refuse_links_out(self._data, path.parent)
            write_text(path, json.dumps(body) + "\n")
            self._saved = entries

    def _lasting(self) -> list[_Entry]:
        entries = []
        for path, ((state, of_grade), (row, problems)) in self._rows.entries().items():
            if state is None or problems or row.state == NEVER_CLOSED:
                continue
            file = path.relative_to(self._data).as_posix()
            # a name of other bytes than UTF-8 would make the whole list unreadable
            if file == file.encode(errors="replace").decode():
                entries.append(_Entry(file, state, of_grade, row))
        return entries

    def _load(self) -> None:
        path = data_folder.known_sessions_file(self._data)
        if not os.access(path, os.R_OK):
            return
        try:
            document = read_document(_KIND, path)
        except CurationError:
            return
        if document.acq_version != version("acq"):
            return
        for entry in document.entries:
            file = self._data / entry.file
            self._rows.put(file, (entry.state, entry.state_of_grade), (entry.row, ()))
            self._saved[entry.file] = entry


def _read_all(paths: list[Path], jobs: int | None) -> Iterator[tuple[Path, FromFile]]:
    """Read recordings; yield each with its row, in the order in which they end."""
    if not paths:
        return
    # a list of known recordings needs none of it
    from dataset.common.workers import Workers, work_through

    graded = sum(data_folder.quality_file(path).exists() for path in paths)
    work_s = _GRADED_S * graded + _UNGRADED_S * (len(paths) - graded)
    workers = Workers(jobs).for_work(len(paths), work_s)
    for at, outcome in work_through(read_row, paths, workers=workers):
        path = paths[at]
        yield path, outcome.value or unread_row(path, outcome.cause or SessionError(outcome.error))
