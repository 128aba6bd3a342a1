"""The page of all sessions: the catalogue, read in the background and kept while files stay."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acq.terminal.printing import visible
from acquire.data_folder import is_session_id
from dataset.catalogue.known import KnownSessions
from dataset.catalogue.listing import Listing, list_sessions
from dataset.catalogue.row import IN, OUT, PART
from dataset.export.targets import TOOLS
from dataset.quality.result import GRADES

WAIT_S = 0.6                  # a page comes within a second, with sessions or with progress


@dataclass(frozen=True)
class Progress:
    """How far the sessions have been read."""

    done: int
    total: int


class SessionList:
    """The catalogue of a data folder; only files that changed are read again."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known = KnownSessions(data)
        self._lock = threading.Lock()
        self._progress = Progress(0, 0)
        # the first time takes long: a page shows how far it is
        reader = ThreadPoolExecutor(1, thread_name_prefix="catalogue")
        self._first = reader.submit(self._read)
        reader.shutdown(wait=False)

    def read(self) -> Listing | Progress:
        """Return the catalogue as it is now, or how far it has been read for the first time.

        Raises
        ------
        CurationError : the exclusions cannot be read
        """
        if not wait([self._first], WAIT_S).done:
            return self._progress
        return self._read()

    def _read(self) -> Listing:
        with self._lock:
            return list_sessions(self._data, on_progress=self._note, known=self._known)

    def _note(self, stage: str, done: int, total: int) -> None:
        self._progress = Progress(done, total)


@dataclass(frozen=True)
class Row:
    """One recording as the page shows it; None: not known."""

    name: str                     # of the file; what its address ends in
    has_page: bool
    values: dict[str, Any]        # of the catalogue
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Totals:
    """What all rows come to; copies and what cannot be read do not count."""

    sessions: int
    subjects: int
    hours: float
    excluded: int


def rows_of(listing: Listing) -> list[Row]:
    """Return the rows of a catalogue."""
    rows = []
    for row in listing.rows:
        values = asdict(row)
        name = Path(values["file"]).stem
        notes = (
            *(["simulated"] if values["simulated"] else []),
            *([values["imported_from"]] if values["imported_from"] else []),
            *([f"copy of {values['copy_of']}"] if values["copy_of"] else []),
            *([values["state"]] if values["state"] not in ("complete", "unreadable") else []),
            *([values["doubt"]] if values["doubt"] else []),
            *([values["reasons"]] if values["reasons"] else []),
            *([values["problem"]] if values["problem"] else []),
        )
        has_page = values["state"] != "unreadable" and is_session_id(name)
        rows.append(Row(name, has_page, values, tuple(map(visible, notes))))
    return rows


def totals_of(listing: Listing) -> Totals:
    """Return what the rows of a catalogue come to."""
    rows = [row for row in listing.rows if row.is_session]
    return Totals(
        len(rows), len({row.subject for row in rows}),
        sum(row.duration_s or 0.0 for row in rows) / 3600, sum(row.use == OUT for row in rows),
    )


def page_values(listed: Listing | Progress) -> dict[str, object]:
    """Return what the template of the page needs."""
    if isinstance(listed, Progress):
        return {"progress": listed, "rows": [], "totals": None, "problem": ""}
    return {
        "progress": None, "rows": rows_of(listed), "totals": totals_of(listed),
        "problem": listed.split_problem, "grades": GRADES, "uses": (IN, PART, OUT), "tools": TOOLS,
    }
