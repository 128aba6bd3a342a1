"""The verb `acq split`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.options import Data, Force, Json, Quiet, progress_bars

if TYPE_CHECKING:
    from dataset.selection.split import Range


def split(
    holdout: Annotated[
        list[str] | None,
        typer.Option(
            "--holdout", metavar="SUBJECT", help="Subject kept for test; may be given again."
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", metavar="K", help="Instead: K folds, each subject tested once."),
    ] = None,
    test_fraction: Annotated[
        float | None,
        typer.Option(
            "--test-fraction", metavar="PART",
            help="Instead: test this part of the subjects, say 0.2.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help="Which of the subjects of like heart rate are drawn; 0 unless given."
        ),
    ] = None,
    mix_simulated: Annotated[
        bool, typer.Option("--mix-simulated", help="Allow real and simulated sessions together.")
    ] = False,
    data: Data = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a subject-disjoint split of all sessions that are not taken out, DATA/split.json."""
    from acquire.data_folder import session_files, split_file
    from acquire.errors import SplitError
    from dataset.selection.exclusions import read_exclusions
    from dataset.selection.split import identify_sessions, split_by_subject, write_split

    if bool(holdout) + (folds is not None) + (test_fraction is not None) != 1:
        raise typer.BadParameter(
            "say --holdout SUBJECT (again for more), or --folds K, or --test-fraction PART"
        )
    if seed is not None and holdout:
        raise typer.BadParameter("--seed draws subjects; --holdout names them", param_hint="--seed")
    if test_fraction is not None and not 0 < test_fraction < 1:
        raise typer.BadParameter(
            f"expected a part between 0 and 1, found {test_fraction}", param_hint="--test-fraction"
        )
    with progress_bars(quiet=quiet) as on_progress:
        sessions = identify_sessions(data, on_progress=on_progress)
    recorded = {one.subject for one in sessions}
    gone = [
        name
        for name in holdout or ()
        if name not in recorded and any(f.parent.name == name for f in session_files(data))
    ]
    if gone:
        raise SplitError(
            f"expected sessions of {', '.join(gone)} to hold out, found all of them excluded; acq "
            "include brings them back"
        )
    made = split_by_subject(
        sessions, holdout=holdout or (), folds=folds, test_fraction=test_fraction, seed=seed or 0,
        mix_simulated=mix_simulated,
    )
    path = split_file(data)
    is_new = write_split(made, path, force=force)
    excluded, used = read_exclusions(data), {one.file for one in made.sessions}
    left_out = [
        file.stem for file in session_files(data) if file.relative_to(data).as_posix() not in used
    ]
    if as_json:
        typer.echo(
            json.dumps(
                {"path": str(path), "hash": made.hash, **asdict(made), "excluded": left_out},
                indent=2,
            )
        )
        return
    for number, fold in enumerate(made.folds, start=1):
        name = f"fold {number}: " if len(made.folds) > 1 else ""
        typer.echo(
            f"{name}train {', '.join(fold.train)}{_span(fold.train_hr_bpm)}; test "
            f"{', '.join(fold.test)}{_span(fold.test_hr_bpm)}"
        )
    bad = [one.session for one in made.sessions if _grade(data / one.file) == "bad"]
    if bad:
        typer.secho(
            f"graded bad, but used: {', '.join(bad)}; acq qc says why, acq exclude takes them out",
            fg="yellow", err=True,
        )
    cut_short = [s.session for s in made.sessions if not s.complete]
    if cut_short:
        typer.echo(f"cut short, but used: {', '.join(cut_short)}")
    for session in left_out:
        reasons = "; ".join(one.reason for one in excluded.of(session) if one.whole)
        typer.echo(f"left out: {session} ({reasons})")
    typer.echo(
        f"{'wrote' if is_new else 'already in'} {path}: {len(made.sessions)} sessions, hash "
        f"{made.hash[:12]}"
    )


def _grade(file: Path) -> str:
    """Give the grade of a session, "" where none can be told."""
    from acquire.errors import CurationError
    from dataset.quality.result import read_grade

    try:
        return read_grade(file) or ""
    except CurationError:
        return ""


def _span(hr_bpm: "Range | None") -> str:
    if hr_bpm is None:
        return ""
    low, high = (f"{end:.0f}" for end in hr_bpm)
    return f" ({low} bpm)" if low == high else f" ({low} to {high} bpm)"
