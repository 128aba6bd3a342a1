"""What is noted of a subject: a few bands, no name, in a file beside the recordings.

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
from acquire.documents import Kind, read_if_there
from acquire.errors import SubjectError
from acquire.writing import NOTES, WAIT_S, hold, refuse_links_out

SCHEMA = "acq-subject"
SCHEMA_VERSION = 1
# Field: what it may hold, and that in words.
_PERMITTED = {
    "age_band": (re.compile(r"\d{1,3}-\d{1,3}|\d{1,3}\+"), "an age band such as 25-34 or 65+"),
    "sex": (re.compile(r"[FMX]"), "F, M or X, or female, male, other"),
    "fitzpatrick": (re.compile(r"I|II|III|IV|V|VI"), "a Fitzpatrick skin type, I to VI"),
    "monk": (re.compile(r"[1-9]|10"), "a tone of the Monk scale, 1 to 10"),
    "consent": (
        re.compile(r"[A-Za-z0-9._/-]{1,64}"),
        "the consent form's id: letters, digits, and . _ / -, no name",
    ),
}
# English words for what is noted; letters of other languages (h, w) may mean either
_SAME = {
    "sex": {
        "FEMALE": "F", "WOMAN": "F", "MALE": "M", "MAN": "M", "OTHER": "X", "DIVERSE": "X",
        "INTERSEX": "X", "NON-BINARY": "X", "NONBINARY": "X",
    },
    "fitzpatrick": {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V", "6": "VI"},
}


@dataclass(frozen=True)
class Subject:
    """What is noted of one subject; None where it is not known."""

    age_band: str | None = None       # "25-34", "65+" [years]
    sex: str | None = None            # "F", "M", "X"
    fitzpatrick: str | None = None    # "I" to "VI"
    monk: str | None = None           # "1" to "10"
    consent: str | None = None        # id of the consent form


FIELDS = tuple(field.name for field in fields(Subject))
_KIND = Kind(
    dict[str, str | int | float | bool | None], "the notes on a subject", SubjectError,
    "correct the file, or remove it", schema=SCHEMA, version=SCHEMA_VERSION,
)


def describe_field(field: str) -> str:
    """Return in words what a field may hold."""
    return _PERMITTED[field][1]


def check_field(field: str, value: object, *, where: str) -> str:
    """Return the value in the form that is noted.

    Capitals and spaces do not matter, nor whether a sex is written as its letter or an English
    word, a skin type in Roman numbers or others, a band with a hyphen or a dash.

    Parameters
    ----------
    where : a phrase that says where the value is from, such as "at the prompt"

    Raises
    ------
    SubjectError : it is not what the field may hold
    """
    text = str(value).strip()
    if field in _SAME:
        text = text.upper().removeprefix("TYPE ")
        text = _SAME[field].get(text, text)
    if field == "age_band":
        text = re.sub(r"\s*[-\u2010-\u2015]\s*", "-", text)
    fix = "correct it or leave it out"
    if not _PERMITTED[field][0].fullmatch(text):
        raise SubjectError(
            expected=describe_field(field), found=repr(text), where=where, fix=fix
        )
    if field == "age_band" and "-" in text:
        low, high = map(int, text.split("-"))
        if low >= high:
            raise SubjectError(
                expected="an age band from younger to older, such as 25-34", found=text,
                where=where, fix=fix,
            )
    return text


def read_subject(data: Path, subject: str) -> Subject | None:
    """Read what is noted of a subject; None where there is no such file.

    Raises
    ------
    SubjectError : the file cannot be read, or holds what may not be noted
    """
    path = subject_file(data, subject)
    if (body := read_if_there(_KIND, path)) is None:
        return None
    if unknown := set(body) - {"schema", "schema_version", "subject", *FIELDS}:
        raise SubjectError(
            expected=f"only {', '.join(FIELDS)}", found=", ".join(sorted(unknown)), where=path,
            fix="remove it",
        )
    if body.get("subject") != subject:
        raise SubjectError(
            expected=f"the notes on {subject}", found=repr(body.get("subject")), where=path,
            fix="correct its subject",
        )
    return Subject(**{
        field: check_field(field, value, where=f"at {path}, {field}")
        for field in FIELDS if (value := body.get(field)) is not None
    })


def note_new_subject(data: Path, subject: str, noted: Subject) -> None:
    """Note what is known of a subject of whom nothing is noted yet, as nobody else writes notes.

    Raises
    ------
    SubjectError : something is noted
    BusyError : another process writes notes, and keeps on
    """
    with hold(data, NOTES, make=True, wait_s=WAIT_S):
        if read_subject(data, subject) is not None:
            raise SubjectError(
                expected=f"nothing noted of {subject}", found="something", where=data,
                fix="correct it there",
            )
        write_subject(data, subject, noted)


def write_subject(data: Path, subject: str, noted: Subject) -> Path:
    """Write what is noted of a subject, for its owner's eyes alone; return the file's path."""
    path = subject_file(data, subject)
    refuse_links_out(data, path.parent)
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "subject": subject, **asdict(noted)}
    write_text(path, json.dumps(body, indent=2) + "\n", private=True)
    return path
