"""The verb `acq ls`."""

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acq import complete
from acq.advice import advise
from acq.options import ExistingData, Force, Json, Quiet
from acq.terminal.printing import complain, echo, print_csv, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from dataset.common.wording import counted

if TYPE_CHECKING:
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
    from acquire.data_folder import doubtful_names, sessions_dir
    from acquire.errors import CurationError
    from dataset.catalogue.listing import list_sessions
    from dataset.common.table_file import check_table
    from dataset.selection.exclusions_file import read_exclusions
    from dataset.selection.unused_decisions import find_unused

    if table == STDOUT and as_json:
        raise typer.BadParameter("say --table - or --json")
    check_table(None if table == STDOUT else table, force=force)
    with show_progress(quiet=quiet) as on_progress:
        listing = list_sessions(data, on_progress=on_progress, jobs=None)
    rows, doubts = listing.rows, [*doubtful_names(data)]
    if not rows:
        for doubt in doubts:
            warn(str(doubt))
        raise CurationError(
            f"expected recordings in {sessions_dir(data)}/<subject>/, found none; acq record or "
            "acq import makes them"
        )
    doubts += find_unused(
        data, read_exclusions(data),
        {Path(row.file).stem: row.duration_s for row in rows}
        | {row.session: row.duration_s for row in rows},
    )
    rows = _of_subjects(rows, subject or [])
    _show(rows, data, table, as_json=as_json)
    for doubt in doubts:
        warn(str(doubt))
    for error in listing.errors:
        complain(advise(error, "ls"))
    if listing.errors:
        raise typer.Exit(1)


def _totals(rows: "Sequence[Row]") -> dict[str, Any]:
    sessions = [row for row in rows if row.use]       # without copies and what cannot be read
    return {
        "sessions": len(sessions), "subjects": len({row.subject for row in sessions}),
        "hours": round(math.fsum(row.duration_s or 0 for row in sessions) / 3600, 3),
        "out": sum(row.use == "out" for row in rows),
        "problems": sum(row.problem != "" for row in rows),
        "not_counted": len(rows) - len(sessions),
    }


def _of_subjects(rows: "tuple[Row, ...]", subjects: list[str]) -> "tuple[Row, ...]":
    """Return the rows of some subjects; of all where none is named.

    Raises
    ------
    CurationError : one was never recorded
    """
    from acquire.data_folder import ask_if_meant
    from acquire.errors import CurationError

    there = {row.subject for row in rows}
    if unknown := sorted(set(subjects) - there):
        asked = list(filter(None, (ask_if_meant(name, there) for name in unknown)))
        raise CurationError(
            f"expected recorded subjects ({', '.join(sorted(there))}), found "
            f"{', '.join(unknown)} in --subject; {' '.join(asked) or 'name others'}"
        )
    return tuple(row for row in rows if not subjects or row.subject in subjects)


def _show(rows: "tuple[Row, ...]", data: Path, table: Path | None, *, as_json: bool) -> None:
    """Print the rows, and write them where a file is named."""
    if table is not None:
        _write(rows, table)
    if as_json:
        print_json({**_totals(rows), "rows": [asdict(row) for row in rows]})
    elif table != STDOUT:
        _print(rows, _totals(rows), data)


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
