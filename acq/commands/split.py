"""The verb `acq split`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq import complete
from acq.advice import advise, in_data
from acq.options import ExistingData, Force, Json, Quiet
from acq.terminal.printing import echo, print_json, warn
from acq.terminal.progress import show_progress
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.consistency.new_split import NewSplit
    from dataset.selection.split import HeartRateRange, Split


Holdout = Annotated[
    list[str] | None,
    typer.Option("--holdout", metavar="SUBJECT", help="Subject kept for test; may be given again.",
                 autocompletion=complete.subjects),
]
Folds = Annotated[
    int | None,
    typer.Option("--folds", metavar="K", help="Instead: K folds, each subject tested once."),
]
TestFraction = Annotated[
    float | None,
    typer.Option("--test-fraction", metavar="PART",
                 help="Instead: test this part of the subjects, say 0.2."),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", help="Which of the subjects of like heart rate are drawn; 0 unless "
                                "given."),
]
MixSimulated = Annotated[
    bool, typer.Option("--mix-simulated", help="Allow real and simulated sessions together.")
]


def split(
    holdout: Holdout = None,
    folds: Folds = None,
    test_fraction: TestFraction = None,
    seed: Seed = None,
    mix_simulated: MixSimulated = False,
    data: ExistingData = Path("data"),
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a subject-disjoint split of all sessions that are not excluded, DATA/split.json."""
    from acquire.data_folder import doubtful_names, split_file
    from acquire.writing import SELECTION, WAIT_S, hold
    from dataset.consistency.new_split import make_split
    from dataset.consistency.unsplit import find_unsplit
    from dataset.selection.exclusions_file import read_exclusions
    from dataset.selection.split_file import write_split
    from dataset.selection.unused_decisions import find_misnamed

    _check_options(holdout, folds, test_fraction, seed)
    path = split_file(data)
    for doubt in doubtful_names(data, is_excluded=read_exclusions(data).is_excluded):
        warn(str(doubt))
    with hold(data, SELECTION, wait_s=WAIT_S), show_progress(quiet=quiet) as on_progress:
        made = make_split(
            data, holdout=holdout or (), folds=folds, test_fraction=test_fraction, seed=seed or 0,
            mix_simulated=mix_simulated, on_progress=on_progress,
        )
        is_new = write_split(made.split, path, force=force)
    _warn_of_bad(made.split, data)
    for misnamed in find_misnamed(data):
        warn(str(misnamed))
    for came_meanwhile in find_unsplit(data):
        warn(advise(came_meanwhile, "split"))
    if as_json:
        body = {"path": str(path), "hash": made.split.hash, **asdict(made.split)}
        print_json(body | {"excluded": list(made.left_out)})
        return
    _print_folds(made.split)
    _print_doubts(made)
    echo(
        f"{'wrote' if is_new else 'already in'} {path}: "
        f"{counted(len(made.split.sessions), 'session')}, hash {made.split.hash[:12]}"
    )


def _check_options(
    holdout: list[str] | None, folds: int | None, test_fraction: float | None, seed: int | None
) -> None:
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


def _print_folds(made: "Split") -> None:
    for number, fold in enumerate(made.folds, start=1):
        name = f"fold {number}: " if len(made.folds) > 1 else ""
        echo(
            f"{name}train {', '.join(fold.train)}{_range(fold.train_hr_bpm)}; test "
            f"{', '.join(fold.test)}{_range(fold.test_hr_bpm)}"
        )


def _warn_of_bad(made: "Split", data: Path) -> None:
    """Print which sessions are used though they are graded bad."""
    from dataset.quality.result import read_grade

    bad = [
        session.session for session in made.sessions
        if read_grade(data / session.file, session.hash) == "bad"
    ]
    if bad:
        warn(
            f"graded bad, but used: {', '.join(bad)}; "
            + in_data("acq qc says why, acq exclude leaves them out")
        )


def _print_doubts(made: "NewSplit") -> None:
    """Print which sessions are used though incomplete, and which are left out and why."""
    incomplete = [session.session for session in made.split.sessions if not session.complete]
    if incomplete:
        echo(f"incomplete, but used: {', '.join(incomplete)}")
    for name, reasons in made.left_out.items():
        echo(f"left out: {name} ({reasons})")


def _range(hr_bpm: "HeartRateRange | None") -> str:
    if hr_bpm is None:
        return ""
    low, high = (f"{end:.0f}" for end in hr_bpm)
    return f" ({low} bpm)" if low == high else f" ({low} to {high} bpm)"
