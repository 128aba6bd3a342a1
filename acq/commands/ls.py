"""The verb `acq ls`."""

import io
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acq import complete
from acq.advice import advise
from acq.options import ExistingData, Json, Quiet
from acq.terminal.printing import complain, echo, print_csv, print_json, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.catalogue.row import Row


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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print as CSV, every column.")] = False,
    as_json: Json = False,
) -> None:
    """List every session: length, rates, losses, sync, heart rate, grade, and how it is used."""
    from acquire.data_folder import doubtful_subjects, sessions_dir
    from acquire.errors import CurationError
    from dataset.catalogue.listing import list_sessions

    if as_csv and as_json:
        raise typer.BadParameter("say --csv or --json")
    with show_progress(quiet=quiet) as on_progress:
        listing = list_sessions(data, on_progress=on_progress)
    rows = listing.rows
    if not rows:
        raise CurationError(
            f"expected recordings in {sessions_dir(data)}/<subject>/, found none; acq record or "
            "acq import makes them"
        )
    if subject:
        there = {row.subject for row in rows}
        if unknown := sorted(set(subject) - there):
            raise CurationError(
                f"expected recorded subjects ({', '.join(sorted(there))}), found "
                f"{', '.join(unknown)} in --subject; name others"
            )
        rows = tuple(row for row in rows if row.subject in subject)
    totals = _totals(rows)
    if as_csv:
        print_csv(_as_csv(rows))
    elif as_json:
        print_json({**totals, "rows": [asdict(row) for row in rows]})
    else:
        _print(rows, totals, data)
    for doubt in doubtful_subjects(data):
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


def _as_csv(rows: "Sequence[Row]") -> str:
    import csv

    out = io.StringIO()
    values = [asdict(row) for row in rows]
    writer = csv.DictWriter(out, list(values[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(values)
    return out.getvalue()


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


def _cells(row: dict[str, Any], data: Path) -> list[str]:
    from dataset.common.wording import clock_time

    def number(name: str, digits: int) -> str:
        return "-" if row[name] is None else f"{row[name]:.{digits}f}"

    lost = "-" if row["lost_frames"] is None else f"{row['lost_frames']}+{row['lost_samples']}"
    place, name = row["file"].split("/")[-2:]
    is_misplaced = place != row["subject"]
    notes = [
        *([f"in {place}/{name}"] if is_misplaced or name != f"{row['session']}.h5" else []),
        *([f"copy of {row['copy_of']}"] if row["copy_of"] else []),
        *(["misplaced"] if is_misplaced else []),
        *(["simulated"] if row["simulated"] else []),
        *([row["imported_from"]] if row["imported_from"] else []),
        *([row["state"]] if row["state"] not in ("complete", "never closed") else []),
        *([_unclosed(data / row["file"])] if row["state"] == "never closed" else []),
        *([f"excluded: {row['reasons']}"] if row["reasons"] else []),
    ]
    return [
        row["session"], row["subject"],
        "-" if row["duration_s"] is None else clock_time(round(row["duration_s"])),
        number("fps", 2), number("ppg_rate_hz", 2), lost, number("sync_bound_ms", 2),
        number("hr_bpm", 0),
        row["grade"] or "-", row["use"] or "-", row["side"] or "-", "; ".join(notes),
    ]
