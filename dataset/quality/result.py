"""The quality of a session: a grade, the flags that led to it, and the measurements behind them, in
a JSON beside the session.

`dataset.quality.measure` fills it, `acq ls` lists the grade, `dataset.quality_pages.session_page`
draws it. Times are seconds after the session's start, as everywhere where a curator reads them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError

SCHEMA = "acq-quality"
SCHEMA_VERSION = 1
GRADES = ("good", "usable", "bad")
_HEAD = 4096  # bytes that hold the grade and what stands before it
SEVERITIES = ("note", "warning", "failure")     # a note changes no grade


@dataclass(frozen=True)
class Flag:
    """One thing that is wrong, where, and by how much."""

    kind: str                  # name of a limit, such as "finger_off"
    severity: str              # one of SEVERITIES
    from_s: float | None       # None: it holds for the whole session
    to_s: float | None
    value: float | None        # what was measured, in the limit's unit
    limit: float | None
    text: str                  # in words, with the numbers


@dataclass(frozen=True)
class Series:
    """A curve for the report, thinned to what a picture shows."""

    x: list[float]             # seconds after the session's start, or bpm for a spectrum
    y: list[float | None]      # None where there is nothing
    unit: str


@dataclass(frozen=True)
class SessionQuality:
    """What `acq qc` says of one session."""

    session: str
    subject: str
    session_hash: str                      # Session.content_hash of what was measured
    simulated: bool
    duration_s: float
    grade: str                             # one of GRADES
    flags: tuple[Flag, ...]
    measures: dict[str, float | None]      # by name, unit in the name; None: cannot be told here
    series: dict[str, Series]
    limits_hash: str                       # of the limits that it was graded by
    acq_version: str


def write_quality(session_file: Path, quality: SessionQuality) -> Path:
    """Write it beside its session, in one step; give the file's path."""
    path = data_folder.quality_file(session_file)
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(quality)}
    write_text(path, json.dumps(body, allow_nan=False) + "\n")
    return path


def read_quality(session_file: Path) -> SessionQuality | None:
    """Read what `acq qc` said of a session; None where it was never asked.

    Raises
    ------
    CurationError : the file cannot be read, or is none
    """
    path = data_folder.quality_file(session_file)
    again = f"in {path}; run acq qc again"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CurationError(f"expected a quality file as JSON, got: {error}, {again}") from error
    if (
        not isinstance(body, dict)
        or body.get("schema") != SCHEMA
        or body.get("schema_version") != SCHEMA_VERSION
    ):
        raise CurationError(
            f"expected schema {SCHEMA} of version {SCHEMA_VERSION}, found another {again}"
        )
    try:
        rest = {
            name: value
            for name, value in body.items()
            if name not in ("schema", "schema_version", "flags", "series")
        }
        quality = SessionQuality(
            flags=tuple(Flag(**one) for one in body["flags"]),
            series={name: Series(**one) for name, one in body["series"].items()}, **rest,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise CurationError(f"expected a whole quality file, got: {error}, {again}") from error
    if quality.grade not in GRADES or any(
        flag.severity not in SEVERITIES for flag in quality.flags
    ):
        raise CurationError(
            f"expected a grade of {', '.join(GRADES)}, found {quality.grade!r} {again}"
        )
    return quality


def read_grade(session_file: Path) -> str | None:
    """Read the grade alone, for whoever lists many: the curves behind it are not parsed. None where
    `acq qc` was never asked.

    Raises
    ------
    CurationError : the file cannot be read, or is none
    """
    path = data_folder.quality_file(session_file)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", errors="replace")
            file.seek(max(path.stat().st_size - 2, 0))
            is_whole = file.read() == b"}\n"
        if not is_whole:
            raise ValueError("it is cut short")
        found: dict[str, Any] = {}
        decoder, at = json.JSONDecoder(), 0
        while "grade" not in found:                  # member after member, up to this one
            key, at = decoder.raw_decode(head, _between(head, at, "," if at else "{"))
            found[key], at = decoder.raw_decode(head, _between(head, at, ":"))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        raise CurationError(
            f"expected a quality file as JSON, got: {error}, in {path}; run acq qc again"
        ) from error
    if (found.get("schema"), found.get("schema_version")) != (SCHEMA, SCHEMA_VERSION) or found[
        "grade"
    ] not in GRADES:
        raise CurationError(
            f"expected schema {SCHEMA} {SCHEMA_VERSION} and a grade of {', '.join(GRADES)}, found "
            f"{found['grade']!r} in {path}; "
            "run acq qc again"
        )
    return found["grade"]


def _between(text: str, at: int, marks: str) -> int:
    """Step over one of `marks` and the space around it."""
    rest = text[at:].lstrip()
    if not rest or rest[0] not in marks:
        raise ValueError(f"expected {' or '.join(marks)} at character {at}")
    after = rest[1:].lstrip()
    return len(text) - len(after)
