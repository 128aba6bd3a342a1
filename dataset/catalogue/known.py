"""What was read of recordings, kept for whoever lists the same folder again.

In memory, and in `DATA/cache/sessions.json`: the state of each recording and of its grade (inode,
size, times), and the row that was read then. A row is believed only while both files have that very
state. A recording that cannot be read, or was never closed, is read each time. The file may be
deleted at any time, and where it cannot be read or written a list is made without it.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_document
from acquire.errors import AcqError, CurationError
from acquire.writing import WITHDRAWAL, refuse_links_out, refuse_while
from dataset.common.kept import FileState, KeptByState
from dataset.session.by_id import read_id

from .row import FromFile, Row, read_row

SCHEMA = "acq-known-sessions"
SCHEMA_VERSION = 1                  # of the document, and of how the values of a row are computed
_NEVER_CLOSED = "never closed"


@dataclass(frozen=True)
class _Entry:
    """One recording."""

    file: str                                       # under the data folder
    state: FileState
    state_of_grade: FileState | None                # None: there is none
    session: str | None                             # id; None: it was not asked for
    mistakes: int                                   # of `read_id`
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
        self._ids: KeptByState[tuple[str, int]] = KeptByState()
        self._rows: KeptByState[FromFile] = KeptByState()
        self._saved: dict[str, _Entry] = {}
        self._load()

    def read_id(self, path: Path) -> tuple[str, int]:
        """Return what `dataset.session.by_id.read_id` returns."""
        return self._ids.get(path, read_id)

    def read_row(self, path: Path) -> FromFile:
        """Return what a recording and its grade contain, and what could not be read."""
        return self._rows.get(path, read_row, data_folder.quality_file(path))

    def forget_others(self, paths: list[Path]) -> None:
        """Forget the recordings that are gone."""
        self._ids.forget_others(paths)
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
                asdict(entry) for entry in entries.values() if (self._data / entry.file).exists()
            ],
        }
        with suppress(AcqError, OSError):
            refuse_while(self._data, WITHDRAWAL)        # which has deleted the list already
            refuse_links_out(self._data, path.parent)
            write_text(path, json.dumps(body) + "\n")
            self._saved = entries

    def _lasting(self) -> list[_Entry]:
        ids, entries = self._ids.entries(), []
        for path, ((state, of_grade), (row, problems)) in self._rows.entries().items():
            if state is None or problems or row.state == _NEVER_CLOSED:
                continue
            of_id, (session, mistakes) = ids.get(path, ((state,), (None, 0)))
            if of_id != (state,):
                session, mistakes = None, 0
            file = path.relative_to(self._data).as_posix()
            # a name of other bytes than UTF-8 would make the whole list unreadable
            if file == file.encode(errors="replace").decode():
                entries.append(_Entry(file, state, of_grade, session, mistakes, row))
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
            if entry.session is not None:
                self._ids.put(file, (entry.state,), (entry.session, entry.mistakes))
            self._rows.put(file, (entry.state, entry.state_of_grade), (entry.row, ()))
            self._saved[entry.file] = entry
