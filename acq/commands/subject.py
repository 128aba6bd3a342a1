"""The verb `acq subject`, and the questions that `acq record` asks once."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.options import Data, Force, Json
from acq.terminal.printing import echo, print_json, warn
from acquire.errors import SubjectError

if TYPE_CHECKING:
    from dataset.session.subject import Subject


def subject(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT", help="Pseudonym of the person, such as S01.",
            autocompletion=complete.subjects,
        ),
    ],
    age_band: Annotated[
        str | None, typer.Option("--age-band", help="Such as 25-34 or 65+.")
    ] = None,
    sex: Annotated[
        str | None, typer.Option("--sex", help="F, M or X; or female, male, other.")
    ] = None,
    fitzpatrick: Annotated[
        str | None, typer.Option("--fitzpatrick", help="Skin type, I to VI.")
    ] = None,
    monk: Annotated[
        str | None, typer.Option("--monk", help="Skin tone on the Monk scale, 1 to 10.")
    ] = None,
    consent: Annotated[
        str | None, typer.Option("--consent", metavar="ID", help="Id of the consent form; no name.")
    ] = None,
    data: Data = Path("data"),
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Show what is noted of a subject, or note it: bands and ids, never a name."""
    from acquire.data_folder import check_new_subject
    from dataset.session.find import check_data_folder
    from dataset.session.subject import check_field, read_subject

    check_new_subject(data, subject)
    given = {
        "age_band": age_band, "sex": sex, "fitzpatrick": fitzpatrick, "monk": monk,
        "consent": consent,
    }
    new = {
        field: check_field(field, value, where=f"at --{field.replace('_', '-')}")
        for field, value in given.items()
        if value is not None
    }
    if not new:
        check_data_folder(data)
    noted = _note(data, subject, new, force=force) if new else read_subject(data, subject)
    if noted is None:
        raise SubjectError(
            f"expected something noted of {subject}, found nothing in {data}; give --age-band or "
            "others"
        )
    if new:
        _warn_of_new(data, subject)
    if as_json:
        print_json({"subject": subject, **asdict(noted)})
    else:
        for field, value in asdict(noted).items():
            echo(f"{field.replace('_', ' '):12} {value or 'not told'}")


def _warn_of_new(data: Path, subject: str) -> None:
    """Print that a subject has no recording: it may be misspelt, or come later."""
    from acquire.data_folder import SESSION_SUFFIX, ask_if_meant, sessions_dir, subjects_in

    if not any(sessions_dir(data).glob(f"{subject}/*{SESSION_SUFFIX}")):
        asked = ask_if_meant(subject, set(subjects_in(data)) - {subject})
        warn(f"{subject} has no recording in {data} yet{'; ' * bool(asked)}{asked}")


def _note(data: Path, subject: str, new: dict[str, str], *, force: bool) -> "Subject":
    """Note something more of a subject, while nobody else does; return all that is noted."""
    from acquire.writing import NOTES, WAIT_S, hold
    from dataset.session.subject import Subject, read_subject, write_subject

    with hold(data, NOTES, make=True, wait_s=WAIT_S):
        before = Subject()
        try:
            before = read_subject(data, subject) or before
        except SubjectError:
            if not force:                        # a damaged file is replaced where that is asked
                raise
        other = [
            field for field, value in new.items() if getattr(before, field) not in (None, value)
        ]
        if other and not force:
            raise SubjectError(
                f"expected nothing else noted, found {other[0]} {getattr(before, other[0])} of "
                f"{subject} in {data}; "
                "give --force to replace it"
            )
        noted = replace(before, **new)
        write_subject(data, subject, noted)
    return noted


def ask(data: Path, subject: str) -> None:
    """Ask the operator what may be noted of a new subject; Enter skips a question."""
    from dataset.session.subject import (
        FIELDS,
        Subject,
        describe_field,
        note_new_subject,
        read_subject,
    )

    if read_subject(data, subject) is not None:
        return
    echo(f"{subject} is new; Enter skips, `acq subject {subject}` corrects", err=True)
    answers = {field: _answer(field, describe_field(field)) for field in FIELDS}
    note_new_subject(data, subject, Subject(**answers))


def _answer(field: str, words: str) -> str | None:
    from dataset.session.subject import check_field

    while True:
        answer = typer.prompt(f"  {words}", default="", show_default=False, err=True).strip()
        if not answer:
            return None
        try:
            return check_field(field, answer, where="in the answer")
        except SubjectError as error:
            echo(f"  {error}", fg="yellow", err=True)
