"""What is noted of a subject: a few bands, no name. It stands beside the recordings, not in them.

`data/sessions/<subject>/subject.json` may be edited by hand; it is checked whenever it is read. A
recording never holds what is in it, so that it can be corrected or removed without touching a
recording.
"""

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from acquire.atomic import write_text
from acquire.data_folder import subject_file
from acquire.errors import SubjectError

SCHEMA = "acq-subject"
SCHEMA_VERSION = 1
# Field: what it may be, and that in words.
_MAY_BE = {
    "age_band": (re.compile(r"\d{1,3}-\d{1,3}|\d{1,3}\+"), "an age band such as 25-34 or 65+"),
    "sex": (re.compile(r"[FMX]"), "F, M or X"),
    "fitzpatrick": (re.compile(r"I|II|III|IV|V|VI"), "a Fitzpatrick skin type, I to VI"),
    "monk": (re.compile(r"[1-9]|10"), "a tone of the Monk scale, 1 to 10"),
    "consent": (
        re.compile(r"[A-Za-z0-9._/-]{1,64}"),
        "the consent form's id: letters, digits, and . _ / -, no name",
    ),
}


@dataclass(frozen=True)
class Subject:
    """What is noted of one subject; None where it was not told."""

    age_band: str | None = None       # "25-34", "65+" [years]
    sex: str | None = None            # "F", "M", "X"
    fitzpatrick: str | None = None    # "I" to "VI"
    monk: str | None = None           # "1" to "10"
    consent: str | None = None        # id of the consent form


FIELDS = tuple(field.name for field in fields(Subject))


def expected(field: str) -> str:
    """Say in words what a field may hold."""
    return _MAY_BE[field][1]


def check_field(field: str, value: object, *, at: object) -> str:
    """Give the value as it is noted; capitals and spaces do not matter.

    Raises
    ------
    SubjectError : it is not what the field may hold
    """
    text = str(value).strip()
    text = text.upper() if field in ("sex", "fitzpatrick") else text
    if not _MAY_BE[field][0].fullmatch(text):
        raise SubjectError(
            f"expected {expected(field)}, found {text!r} at {at}; correct it or leave it out"
        )
    if field == "age_band" and "-" in text:
        low, high = map(int, text.split("-"))
        if low >= high:
            raise SubjectError(
                f"expected an age band from younger to older, found {text} at {at}; write it as "
                "25-34"
            )
    return text


def read_subject(data: Path, subject: str) -> Subject | None:
    """Read what is noted of a subject; None where nobody was asked.

    Raises
    ------
    SubjectError : the file cannot be read, or holds what may not be noted
    """
    path = subject_file(data, subject)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise SubjectError(
            f"expected JSON, found {error.msg} at {path}:{error.lineno}; correct that line"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SubjectError(f"expected to read {path}, got: {error}") from error
    if (
        not isinstance(body, dict)
        or body.get("schema") != SCHEMA
        or body.get("schema_version") != SCHEMA_VERSION
    ):
        raise SubjectError(
            f"expected schema {SCHEMA} of version {SCHEMA_VERSION}, found another at {path}; see "
            "docs/format.md"
        )
    if unknown := set(body) - {"schema", "schema_version", "subject", *FIELDS}:
        raise SubjectError(
            f"expected only {', '.join(FIELDS)}, found {', '.join(sorted(unknown))} at {path}; "
            "remove it"
        )
    if body.get("subject") != subject:
        raise SubjectError(
            f"expected what is noted of {subject}, found {body.get('subject')!r} at {path}; "
            "correct its subject"
        )
    noted = {field: body.get(field) for field in FIELDS}
    return Subject(
        **{
            field: None if value is None else check_field(field, value, at=f"{path}, {field}")
            for field, value in noted.items()
        }
    )


def write_subject(data: Path, subject: str, noted: Subject) -> Path:
    """Write what is noted of a subject, in one step; give the file's path."""
    path = subject_file(data, subject)
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "subject": subject, **asdict(noted)}
    write_text(path, json.dumps(body, indent=2) + "\n")
    return path
