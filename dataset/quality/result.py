"""The quality of a session: a grade, the flags that led to it and the measures behind them.

They stand in a JSON file beside the session, the curves behind them in a second file
(`dataset.quality.curves`). Times are seconds after the session's start.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from acquire import data_folder
from acquire.atomic import write_text
from acquire.documents import Kind, read_if_there
from acquire.errors import CurationError, Fix

SCHEMA = "acq-quality"
SCHEMA_VERSION = 1
Grade = Literal["good", "usable", "bad"]
GRADES: tuple[Grade, ...] = ("good", "usable", "bad")
Severity = Literal["note", "warning", "failure"]
_MOST = 1e13             # of a measure: more milliseconds than a recording can be apart
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "failure")   # a note changes no grade


@dataclass(frozen=True)
class Flag:
    """One thing that is wrong, where, and by how much."""

    kind: str                  # name of a limit, such as "finger_off"
    severity: Severity
    from_s: float | None       # None: it holds for the whole session
    to_s: float | None
    value: float | None        # what was measured, in the limit's unit
    limit: float | None
    text: str                  # in words, with the numbers
    other: str = ""            # of a duplicate: the session that it is a duplicate of


@dataclass(frozen=True)
class SessionQuality:
    """The grade of one session, and what it follows from."""

    session: str
    subject: str
    session_hash: str                      # Session.content_hash of what was measured
    simulated: bool
    duration_s: float
    grade: Grade
    flags: tuple[Flag, ...]
    measures: dict[str, float | None]      # by name, unit in the name; None: cannot be measured
    limits_hash: str                       # of the limits that it was graded by
    acq_version: str


# A file of before held the curves, too, under `series`: that key is passed over.
_KIND = Kind(
    SessionQuality, "a quality file", CurationError, Fix.GRADE_AGAIN, schema=SCHEMA,
    version=SCHEMA_VERSION,
)


def write_quality(session_file: Path, quality: SessionQuality) -> Path:
    """Write the quality beside its session, and return the file's path."""
    path = data_folder.quality_file(session_file)
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(quality)}
    write_text(path, json.dumps(body, allow_nan=False) + "\n")
    return path


def read_quality(session_file: Path) -> SessionQuality | None:
    """Read the quality of a session; None where it was never graded.

    Raises
    ------
    CurationError : the file cannot be read, or is no quality file
    """
    path = data_folder.quality_file(session_file)
    quality = read_if_there(_KIND, path)
    for name, value in quality.measures.items() if quality else ():
        if value is not None and not abs(value) < _MOST:
            raise CurationError(
                expected=f"measures below {_MOST:g}", found=f"{name} {value:g}", where=path,
                fix=Fix.GRADE_AGAIN,
            )
    return quality


def read_grade(session_file: Path, session_hash: str) -> Grade | None:
    """Read the grade of a session with this content; None where it was not graded since.

    Raises
    ------
    CurationError : the file cannot be read, or is no quality file
    """
    quality = read_quality(session_file)
    return quality.grade if quality and quality.session_hash == session_hash else None


def read_current_quality(session_file: Path) -> tuple[str, SessionQuality | None]:
    """Return the grade of a recording, and the quality behind it.

    The grade is "stale" where it is older than the recording, "" where there is none; then without
    a quality. The recording is not read for that, but for its time.

    Raises
    ------
    CurationError : the file cannot be read, or is no quality file
    """
    quality = read_quality(session_file)
    if quality is None:
        return "", None
    graded_ns = data_folder.quality_file(session_file).stat().st_mtime_ns
    if session_file.stat().st_mtime_ns > graded_ns:
        return "stale", None
    return quality.grade, quality
