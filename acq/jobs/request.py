"""What a page may ask to be done, and the command line that does it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from acquire.data_folder import check_subject, is_session_id
from acquire.errors import AcqError, CurationError
from dataset.common.wording import counted
from dataset.export.targets import find_target
from dataset.runs import find_run_folder

Verb = Literal["qc", "split", "convert", "verify", "card", "withdraw", "predict"]
WITHDRAW: Verb = "withdraw"
SHIPPED = "shipped"


@dataclass(frozen=True)
class JobRequest:
    """A verb, and what of its options a page offers; a verb takes those that it has."""

    verb: Verb
    sessions: tuple[str, ...] = ()          # qc: none: all; predict: one
    holdout: tuple[str, ...] = ()           # split: subjects that are tested
    folds: int | None = None                # split: instead
    test_fraction: float | None = None      # split: instead
    to: Literal["ubfc", "pure"] = "ubfc"    # convert
    tool: str = ""                          # convert: for which tool; "": none in particular
    force: bool = False                     # replace what is there
    subject: str = ""                       # withdraw
    typed: str = ""                         # withdraw: the subject's name, as a person typed it
    models: bool = False                    # withdraw: also the runs that saw the subject
    net: str = SHIPPED                      # predict: a run's name


@dataclass(frozen=True)
class Command:
    """A command line, and what it does in words that name nobody who withdraws."""

    arguments: tuple[str, ...]              # after `acq`
    title: str


def command_of(asked: JobRequest, data: Path) -> Command:
    """Return the command line of a request.

    Raises
    ------
    AcqError : something that it names is none, or not there; the typed name is another
    """
    if wrong := [name for name in asked.sessions if not is_session_id(name)]:
        raise CurationError(
            expected="ids of sessions", found=repr(wrong[0]), fix="choose some of the list"
        )
    for subject in asked.holdout:
        check_subject(subject)
    arguments, title = {
        "qc": _qc, "split": _split, "convert": _convert, "verify": lambda _: ([], "verify"),
        "card": lambda asked: (_force(asked), "write the dataset card"), "withdraw": _withdraw,
        "predict": lambda asked: _predict(asked, data),
    }[asked.verb](asked)
    return Command((asked.verb, *arguments, "--data", str(data), "--json"), title)


def _qc(asked: JobRequest) -> tuple[list[str], str]:
    which = counted(len(asked.sessions), "session") if asked.sessions else "all sessions"
    return [*_force(asked), *asked.sessions], f"grade {which}"


def _split(asked: JobRequest) -> tuple[list[str], str]:
    if bool(asked.holdout) + (asked.folds is not None) + (asked.test_fraction is not None) != 1:
        raise CurationError(
            expected="subjects to test, or a number of folds, or a part to test",
            found="none of them, or several", fix="choose one",
        )
    if asked.folds is not None:
        return [*_force(asked), "--folds", str(asked.folds)], f"split into {asked.folds} folds"
    if asked.test_fraction is not None:
        part = str(asked.test_fraction)
        return [*_force(asked), "--test-fraction", part], f"split, a part of {part} is tested"
    named = [word for subject in asked.holdout for word in ("--holdout", subject)]
    return [*_force(asked), *named], f"split, {', '.join(asked.holdout)} tested"


def _convert(asked: JobRequest) -> tuple[list[str], str]:
    layout = [*_force(asked), "--to", asked.to]
    if asked.tool:
        find_target(asked.to, asked.tool)
        named = [*layout, "--for", asked.tool]
        return named, f"export for {asked.tool}, {asked.to.upper()} layout"
    title = "write the curated folders" if asked.to == "ubfc" else "export in the PURE layout"
    return layout, title


def _withdraw(asked: JobRequest) -> tuple[list[str], str]:
    check_subject(asked.subject)
    if asked.typed != asked.subject:
        raise CurationError(
            expected=f"{asked.subject}, typed", found=repr(asked.typed),
            fix="type the name of who is to be deleted",
        )
    models = ["--models"] if asked.models else []
    return [asked.subject, "--yes", *models], "delete a subject"


def _predict(asked: JobRequest, data: Path) -> tuple[list[str], str]:
    if len(asked.sessions) != 1:
        raise AcqError(
            expected="one session", found=counted(len(asked.sessions), "session"), fix="choose one"
        )
    net = asked.net
    if net != SHIPPED:
        net = find_run_folder(data, net, ended=True).name
    named = [] if net == SHIPPED else ["--net", net]
    return [asked.sessions[0], *named], f"read {asked.sessions[0]} with {net}"


def _force(asked: JobRequest) -> list[str]:
    return ["--force"] if asked.force else []
