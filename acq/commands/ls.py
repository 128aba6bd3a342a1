"""The verb `acq ls`."""

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acq import complete
from acq.advice import advise, in_data, word_fix
from acq.options import ExistingData, Force, Json, Quiet
from acq.terminal.printing import complain, echo, print_csv, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from acquire.errors import Fix
from dataset.common.wording import counted

if TYPE_CHECKING:
    from acquire.errors import AcqError
    from dataset.catalogue.listing import Listing
    from dataset.catalogue.row import Row


STDOUT = Path("-")
Table = Annotated[
    Path | None,
    typer.Option(
        "--table", metavar="FILE",
        help="Also write every column: FILE ends in .csv or .parquet; - prints CSV instead.",
    ),
]


def ls(
    subject: Annotated[
        list[str] | None,
        typer.Option(
            "--subject", metavar="SUBJECT", help="Only this one's; may be given again.",
            autocompletion=complete.subjects,
        ),
    ] = None,
    data: ExistingData = Path("data"),
    quiet: Quiet = False,
    table: Table = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """List every session: length, rates, losses, sync, heart rate, grade, and how it is used."""
    from acquire.data_folder import unlisted_folder
    from dataset.catalogue.listing import list_sessions
    from dataset.common.table_file import check_table

    if table == STDOUT and as_json:
        raise typer.BadParameter("say --table - or --json")
    check_table(None if table == STDOUT else table, force=force)
    unlisted: list[OSError] = []
    with show_progress(quiet=quiet) as on_progress:
        listing = list_sessions(data, on_progress=on_progress, jobs=None, unlisted=unlisted)
    asked = set(subject or [])
    _check_subjects(listing, unlisted, asked, data)
    found = [
        (row, errors) for row, errors in zip(listing.rows, listing.row_errors, strict=True)
        if not asked or row.subject in asked
    ]
    errors = [error for _, of_row in found for error in of_row]
    errors += [unlisted_folder(one) for one in unlisted if not asked or _folder(one) in asked]
    if listing.split_error:                 # of each row it is not known which side it is
        errors.append(listing.split_error)
    has_split = any(row.side for row in listing.rows)
    totals = _totals([row for row, _ in found], len(errors), has_split=has_split)
    _show([row for row, _ in found], totals, data, table, as_json=as_json)
    told = set(map(str, errors))
    for doubt in _doubts(listing, data, asked, is_whole=not unlisted):
        if str(doubt) not in told:
            warn(str(doubt))
    for error in errors:
        complain(advise(error, "ls"))
    if errors:
        raise typer.Exit(1)


def _check_subjects(
    listing: "Listing", unlisted: list[OSError], asked: set[str], data: Path
) -> None:
    """Refuse a folder without recordings, and subjects who were never recorded.

    What lies in a folder that cannot be listed is not known.

    Raises
    ------
    CurationError : there are none, or one was never recorded
    """
    from acquire.data_folder import ask_if_meant, doubtful_names, sessions_dir
    from acquire.errors import CurationError

    there = {row.subject for row in listing.rows} | {_folder(error) for error in unlisted}
    if not there:
        for doubt in doubtful_names(data):
            warn(str(doubt))
        raise CurationError(
            f"expected recordings in {sessions_dir(data)}/<subject>/, found none; "
            + in_data("acq record or acq import makes them")
        )
    if unknown := sorted(asked - there):
        meant = list(filter(None, (ask_if_meant(name, there) for name in unknown)))
        raise CurationError(
            f"expected recorded subjects ({', '.join(sorted(there))}), found "
            f"{', '.join(unknown)} in --subject; {' '.join(meant) or 'name others'}"
        )


def _folder(error: OSError) -> str:
    return Path(error.filename).name


def _doubts(
    listing: "Listing", data: Path, asked: set[str], *, is_whole: bool
) -> "list[AcqError]":
    """Return decisions that leave nothing out, and of the whole folder what is doubtful in names.

    Parameters
    ----------
    is_whole : False where a recording may lie in a folder that cannot be listed
    """
    from acquire.data_folder import doubtful_names
    from dataset.selection.exclusions import Exclusions
    from dataset.selection.exclusions_file import read_exclusions
    from dataset.selection.unused_decisions import find_unused

    rows = {Path(row.file).stem: row for row in listing.rows}
    rows |= {row.session: row for row in listing.rows}

    def is_asked(session: str) -> bool:
        if session in rows:
            return not asked or rows[session].subject in asked
        return is_whole and (not asked or session.startswith(tuple(f"{name}-" for name in asked)))

    excluded = read_exclusions(data)
    decisions = [one for one in excluded.listed if is_asked(one.session)]
    lengths = {session: row.duration_s for session, row in rows.items()}
    unused = find_unused(data, Exclusions(tuple(decisions)), lengths)
    names = [] if asked else doubtful_names(data, is_excluded=excluded.is_excluded)
    return [*names, *unused]


def _totals(rows: "Sequence[Row]", problems: int, *, has_split: bool) -> dict[str, Any]:
    from dataset.catalogue.row import NEVER_CLOSED

    sessions = [row for row in rows if row.is_session]
    return {
        "sessions": len(sessions), "subjects": len({row.subject for row in sessions}),
        "hours": round(math.fsum(row.duration_s or 0 for row in sessions) / 3600, 3),
        "out": sum(row.use == "out" for row in sessions), "problems": problems,
        "not_counted": len(rows) - len(sessions),
        "in_no_split": sum(
            has_split and row.use != "out" and not row.side and row.state != NEVER_CLOSED
            for row in sessions
        ),
    }


def _show(
    rows: "Sequence[Row]", totals: dict[str, Any], data: Path, table: Path | None, *, as_json: bool
) -> None:
    """Print the rows, and write them where a file is named."""
    if table is not None:
        _write(rows, table)
    if as_json:
        print_json({**totals, "rows": [asdict(row) for row in rows]})
    elif table != STDOUT:
        _print(rows, totals, data)


def _write(rows: "Sequence[Row]", path: Path) -> None:
    """Write every column of the rows into a file, or as CSV to stdout."""
    from dataset.catalogue.row import Row
    from dataset.common.table_file import csv_text, write_table

    columns = [column.name for column in fields(Row)]
    values = [asdict(row) for row in rows]
    if path == STDOUT:
        print_csv(csv_text(values, columns))
    else:
        texts = {column.name for column in fields(Row) if "str" in str(column.type)}
        write_table(path, values, columns, texts=texts)


def _print(rows: "Sequence[Row]", totals: dict[str, Any], data: Path) -> None:
    from rich.table import Table

    shown = Table()
    for name in (
        "session", "subject", "length", "fps", "ppg Hz", "lost", "sync ms", "bpm", "grade", "use",
        "side", "notes",
    ):
        right = name in ("length", "fps", "ppg Hz", "lost", "sync ms", "bpm")
        shown.add_column(
            name, justify="right" if right else "left", overflow="fold", no_wrap=name != "notes"
        )
    for row in rows:
        shown.add_row(
            *_cells(asdict(row), data),
            style="dim" if row.use == "out" else "red" if row.problem else "",
        )
    show(shown)
    sessions, subjects = (
        counted(totals["sessions"], "session"), counted(totals["subjects"], "subject"),
    )
    out = f" ({totals['out']} of them excluded)" if totals["out"] else ""
    others = ""
    if count := totals["not_counted"]:
        others = f"; {counted(count, 'file')} not counted: copies, or not readable"
    echo(f"{sessions}{out}, {subjects}, {totals['hours']:.2f} h{others}")
    if count := totals["in_no_split"]:
        echo(
            f"{counted(count, 'session')} in no split: {in_data('acq convert')} refuses; "
            f"{word_fix(Fix.SPLIT_AGAIN, 'ls')}"
        )


def _unclosed(path: Path) -> str:
    """Word the state of a recording that was never closed."""
    from dataset.session.hdf5 import recorder_of

    recorder = recorder_of(path)
    return f"still recording ({recorder})" if recorder else "never closed"


def _incomplete(row: dict[str, Any]) -> str:
    return row["state"] + (f": {row['ended']}" if row["ended"] else "")


def _cells(row: dict[str, Any], data: Path) -> list[str]:
    from dataset.common.wording import clock_time

    def number(name: str, digits: int) -> str:
        return "-" if row[name] is None else f"{row[name]:.{digits}f}"

    losses = ("?" if row[name] is None else row[name] for name in ("lost_frames", "lost_samples"))
    lost = "-" if row["frames"] is None else "+".join(map(str, losses))
    place, name = row["file"].split("/")[-2:]
    is_misplaced = place != row["subject"]
    notes = [
        *([f"in {place}/{name}"] if is_misplaced or name != f"{row['session']}.h5" else []),
        *([f"copy of {row['copy_of']}"] if row["copy_of"] else []),
        *(["misplaced"] if is_misplaced else []),
        *(["simulated"] if row["simulated"] else []),
        *([row["imported_from"]] if row["imported_from"] else []),
        *([_incomplete(row)] if row["state"] not in ("complete", "never closed") else []),
        *([_unclosed(data / row["file"])] if row["state"] == "never closed" else []),
        *([row["doubt"]] if row["doubt"] else []),
        *([f"excluded: {row['reasons']}"] if row["reasons"] else []),
    ]
    return [
        row["session"], row["subject"],
        "-" if row["duration_s"] is None else clock_time(round(row["duration_s"])),
        number("fps", 2), number("ppg_rate_hz", 2), lost, number("sync_bound_ms", 2),
        number("hr_bpm", 0),
        row["grade"] or "-", row["use"] or "-", row["side"] or "-", "; ".join(notes),
    ]
