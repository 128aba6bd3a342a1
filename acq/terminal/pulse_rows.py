"""What was read of a face's pulse as rows: of a table, a file, and JSON."""

import math
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from acq.complete import METHODS
from acquire.errors import SessionError

if TYPE_CHECKING:
    from models.live.predict import PredictionRow

_METHODS = ("network", *METHODS)
_FUSED = ("network", "pos", "chrom", "ica")      # read together in every window
COLUMNS = (
    "time_s", "state", "hr_bpm", "quality", "likeness", "finger_bpm", "from_s", "low_bpm",
    "high_bpm", "why_not", "words", *(f"{name}_bpm" for name in _METHODS),
    *(f"{name}_peak_bpm" for name in _FUSED),
)
TEXTS = ("state", "quality", "why_not", "words")


def row_dict(row: "PredictionRow") -> dict:
    """Return a row's values by column."""
    rate = row.rate
    peaks = rate.methods if rate is not None else {}
    return {
        "time_s": round(row.reading.time_s, 4), "state": row.reading.state, "hr_bpm": row.hr_bpm,
        "quality": row.reading.quality, "likeness": row.similarity,
        "finger_bpm": row.finger_bpm, "from_s": row.first_s,
        "low_bpm": rate.low_bpm if rate is not None else None,
        "high_bpm": rate.high_bpm if rate is not None else None,
        "why_not": (rate.why_not or None) if rate is not None else None, "words": row.reading.words,
        **{f"{name}_bpm": row.methods.get(name) for name in _METHODS},
        **{f"{name}_peak_bpm": peaks.get(name) for name in _FUSED},
    }


def interval_text(low_bpm: float, high_bpm: float) -> str:
    """Write an interval in whole beats, never narrower than it is."""
    return f"{math.floor(low_bpm)} to {math.ceil(high_bpm)}"


class GrowingCsv:
    """A CSV file that holds every whole row at any time; a context manager.

    Raises
    ------
    SessionError : it cannot be written
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file: TextIO = path.open("w", newline="")
        except OSError as error:
            raise SessionError(
                expected=f"to write {path}", found=error, fix="name another with --table"
            ) from error
        self._write([])

    def add(self, row: "PredictionRow") -> None:
        """Append a row."""
        self._write([row_dict(row)])

    def _write(self, rows: list[dict]) -> None:
        """Write the headings where there are no rows, else the rows."""
        from dataset.common.table_file import csv_text

        text = csv_text(rows, COLUMNS)
        self._file.write(text.split("\n", 1)[1] if rows else text)
        self._file.flush()

    def __enter__(self) -> "GrowingCsv":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
