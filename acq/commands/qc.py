"""The verb `acq qc`."""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import advise, data_option, in_data
from acq.extras import check_hrv_installed
from acq.options import ExistingData, Force, JobsByWork, Json, Quiet, Scheduler, choose_workers
from acq.terminal.printing import complain, echo, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from dataset.common.wording import clock_time, counted

if TYPE_CHECKING:
    from dataset.quality.grade_sessions import Graded
    from dataset.quality.result import Flag, SessionQuality
    from dataset.selection.exclusions import Exclusions

_REASONS = 4                         # of a session that are shown
_COLOURS = {"good": "green", "usable": "yellow", "bad": "red"}


Sessions = Annotated[
    list[str] | None,
    typer.Argument(metavar="SESSION...",
                   help="Session ids or files; all of them where none is named.",
                   autocompletion=complete.sessions),
]
LimitsFile = Annotated[
    Path | None,
    typer.Option("--limits", metavar="FILE",
                 help="Other limits than acq's own: a YAML of those to change."),
]
Thumbnails = Annotated[bool, typer.Option("--thumbnails", help="Show faces on the pages.")]
Hrv = Annotated[
    bool,
    typer.Option(
        "--hrv", callback=check_hrv_installed,
        help="Show heart rate variability and breathing on the pages.",
    ),
]


def qc(
    session: Sessions = None,
    limits: LimitsFile = None,
    thumbnails: Thumbnails = False,
    hrv: Hrv = False,
    jobs: JobsByWork = None,
    scheduler: Scheduler = None,
    data: ExistingData = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Grade sessions from measurements, with reasons and times; write JSON files and pages."""
    from dataset.face.thumbnails import make_thumbnails
    from dataset.quality.curves import curves_to_draw
    from dataset.quality.grade_sessions import grade_sessions
    from dataset.quality.limits import read_limits
    from dataset.quality_pages.write import write_pages
    from dataset.selection.exclusions_file import read_exclusions

    workers, by = choose_workers(jobs, scheduler), read_limits(limits)
    excluded = read_exclusions(data)
    with show_progress(quiet=quiet) as on_progress:
        graded = grade_sessions(
            data, session or [], limits=by, force=force, workers=workers,
            on_progress=on_progress,
        )
    if not graded.all:                     # the pages of an earlier time are better than none
        for error in graded.failed.values():
            complain(advise(error, "qc"))
        raise typer.Exit(1)
    files = {quality.session: path for path, quality in graded.all.items()}
    index = write_pages(
        list(graded.all.values()), _pages(data), excluded=excluded,
        curves=lambda quality: curves_to_draw(files[quality.session], quality.session_hash),
        thumbnails=(lambda name: make_thumbnails(files[name])) if thumbnails else None,
        exclude_command=partial(_exclude_command, data),
        variability=(lambda name: _variability(files[name])) if hrv else None,
    )
    asked = sorted(graded.asked.values(), key=lambda quality: _worst_first(quality, excluded))
    if as_json:
        print_json({
            "sessions": [_row(quality, files[quality.session], excluded) for quality in asked],
            "failed": {str(path): advise(error, "qc") for path, error in graded.failed.items()},
            "measured": graded.measured, "page": str(index), "limits_hash": by.hash,
        })
    else:
        _print(asked, excluded)
        for line in _advice(asked, graded.first_of_copies, excluded, data):
            echo(line)
        echo(
            f"{counted(len(asked), 'session')}, {graded.measured} of them measured now; pages: "
            f"{index}"
        )
    _warn(data, graded, excluded)
    if undecided := [path for path in graded.failed if not excluded.is_excluded(path.stem)]:
        for path in undecided:
            complain(advise(graded.failed[path], "qc"))
        raise typer.Exit(1)


def _variability(path: Path) -> list[tuple[str, str]]:
    from dataset.variability.measure import read_variability
    from dataset.variability.words import variability_rows

    return [(name, text) for name, text in variability_rows(read_variability(path)) if text]


def _warn(data: Path, graded: "Graded", excluded: "Exclusions") -> None:
    """Print what is doubtful: names, recordings of another subject, grades of another recording."""
    from acquire.data_folder import doubtful_names
    from dataset.session.find import misplaced

    for doubt in doubtful_names(data, is_excluded=excluded.is_excluded):
        warn(str(doubt))
    elsewhere = [
        (path, quality.subject) for path, quality in graded.asked.items()
        if path.parent.name != quality.subject and not excluded.is_excluded(path.stem)
        and not excluded.is_excluded(quality.session)
    ]
    if elsewhere:
        warn(str(misplaced(elsewhere)))
    if graded.outdated:
        names = ", ".join(path.stem for path in graded.outdated)
        again = in_data("acq qc grades them again")
        warn(f"changed since graded, and left out here: {names}; {again}")


def _pages(data: Path) -> Path:
    from acquire.data_folder import quality_dir

    return quality_dir(data)


def _worst_first(quality: "SessionQuality", excluded: "Exclusions") -> tuple:
    from dataset.quality.result import GRADES

    return (
        excluded.is_excluded(quality.session), -GRADES.index(quality.grade), -len(quality.flags),
        quality.session,
    )


def _row(quality: "SessionQuality", path: Path, excluded: "Exclusions") -> dict:
    from dataclasses import asdict

    return {
        "session": quality.session, "subject": quality.subject, "path": str(path),
        "grade": quality.grade, "excluded": excluded.is_excluded(quality.session),
        "excluded_parts": len(excluded.spans_s(quality.session)),
        "flags": [asdict(flag) for flag in quality.flags], "measures": quality.measures,
    }


def _when(flag: "Flag") -> str:
    return (
        ""
        if flag.from_s is None or flag.to_s is None
        else f"{clock_time(flag.from_s)}-{clock_time(flag.to_s)} "
    )


def _print(qualities: list["SessionQuality"], excluded: "Exclusions") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False)
    for overflow in ("ellipsis", "ellipsis", "fold"):
        table.add_column(overflow=overflow)
    for quality in qualities:
        flags = sorted(quality.flags, key=lambda flag: flag.severity != "failure")
        reasons = [f"{_when(flag)}{flag.text}" for flag in flags[:_REASONS]]
        if len(flags) > _REASONS:
            reasons.append(f"and {len(flags) - _REASONS} more, on its page")
        grade = Text(quality.grade, _COLOURS[quality.grade])
        grade.append(" (excluded)" if excluded.is_excluded(quality.session) else "", "default")
        table.add_row(quality.session, grade, "; ".join(reasons))
    show(table)


def _exclude_command(
    data: Path, session: str, from_s: float | None = None, to_s: float | None = None, *,
    reason: str = "…",
) -> str:
    part = ""
    if from_s is not None and to_s is not None:
        part = f" --from {clock_time(from_s)} --to {clock_time(to_s)}"
    return f"acq exclude {session}{part} --reason {shlex.quote(reason)}{data_option(data)}"


def _advice(
    qualities: list["SessionQuality"], first_of_copies: set[str], excluded: "Exclusions", data: Path
) -> list[str]:
    """List the commands that exclude bad sessions, and the flagged parts of usable ones."""
    lines = []
    for quality in qualities:
        if excluded.is_excluded(quality.session):
            continue
        failures = [flag for flag in quality.flags if flag.severity == "failure"]
        if {flag.kind for flag in failures} == {"duplicate"} and quality.session in first_of_copies:
            continue                               # one of the copies stays
        if failures:
            # names nobody
            why = (
                failures[0].text
                if failures[0].kind != "duplicate"
                else "a copy of another recording"
            )
            lines.append(_exclude_command(data, quality.session, reason=why))
            continue
        for first, last, why in _parts(quality.flags):
            lines.append(_exclude_command(data, quality.session, first, last, reason=why))
    return ["", "to exclude what is bad:", *lines, ""] if lines else [""]


def _parts(flags: "tuple[Flag, ...]") -> list[tuple[float, float, str]]:
    """Join the spans that warnings are about."""
    parts: list[tuple[float, float, str]] = []
    for flag in flags:
        if flag.severity != "warning" or flag.from_s is None or flag.to_s is None:
            continue
        if parts and flag.from_s <= parts[-1][1]:
            first, last, why = parts[-1]
            parts[-1] = (
                first, max(last, flag.to_s), why if flag.text in why else f"{why}; {flag.text}",
            )
        else:
            parts.append((max(0.0, flag.from_s), flag.to_s, flag.text))
    return parts
