"""The page of all sessions: the catalogue, read in the background and kept while files stay."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquire.data_folder import is_session_id
from dataset.catalogue import IN, OUT, PART, KnownSessions, read_catalogue
from dataset.quality.result import GRADES

if TYPE_CHECKING:
    import pandas as pd

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
        self._known = KnownSessions()
        self._lock = threading.Lock()
        self._progress = Progress(0, 0)
        # the first time takes long: a page shows how far it is
        reader = ThreadPoolExecutor(1, thread_name_prefix="catalogue")
        self._first = reader.submit(self._read)
        reader.shutdown(wait=False)

    def read(self) -> "pd.DataFrame | Progress":
        """Return the catalogue as it is now, or how far it has been read for the first time.

        Raises
        ------
        CurationError : the exclusions cannot be read
        """
        if not wait([self._first], WAIT_S).done:
            return self._progress
        return self._read()

    def _read(self) -> "pd.DataFrame":
        with self._lock:
            return read_catalogue(self._data, on_progress=self._note, known=self._known)

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


def rows_of(table: "pd.DataFrame") -> list[Row]:
    """Return the rows of a catalogue."""
    plain = table.astype(object)
    records = plain.where(plain.notna(), None).to_dict("records")
    rows = []
    for values in records:
        name = Path(values["file"]).stem
        notes = (
            *(["simulated"] if values["simulated"] else []),
            *([values["imported_from"]] if values["imported_from"] else []),
            *([f"copy of {values['copy_of']}"] if values["copy_of"] else []),
            *([values["state"]] if values["state"] not in ("complete", "unreadable") else []),
            *([values["reasons"]] if values["reasons"] else []),
            *([values["problem"]] if values["problem"] else []),
        )
        has_page = values["state"] != "unreadable" and is_session_id(name)
        rows.append(Row(name, has_page, values, notes))
    return rows


def totals_of(table: "pd.DataFrame") -> Totals:
    """Return what the rows of a catalogue come to."""
    counted = table[table["use"] != ""]
    return Totals(
        len(counted), int(counted["subject"].nunique()), float(counted["duration_s"].sum()) / 3600,
        int((counted["use"] == OUT).sum()),
    )


def page_values(listed: "pd.DataFrame | Progress") -> dict[str, object]:
    """Return what the template of the page needs."""
    if isinstance(listed, Progress):
        return {"progress": listed, "rows": [], "totals": None, "problem": ""}
    return {
        "progress": None, "rows": rows_of(listed), "totals": totals_of(listed),
        "problem": listed.attrs["split_problem"], "grades": GRADES, "uses": (IN, PART, OUT),
    }
