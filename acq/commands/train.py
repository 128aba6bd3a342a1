"""The verb `acq train-kd`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from acq import complete
from acq.advice import advise
from acq.extras import check_installed, check_tensorboard_installed
from acq.options import (
    Data,
    From,
    JobsByWork,
    Json,
    Quiet,
    Scheduler,
    choose_source,
    choose_workers,
)
from acq.terminal.printing import echo, note, print_json, print_text, warn
from acq.terminal.progress import show_progress
from acq.terminal.tables import show
from dataset.common.wording import counted, milliseconds, number, with_interval

if TYPE_CHECKING:
    from rich.table import Table

    from models.experiment.run import RunResult
    from models.report.paper_rows import TableRow
    from models.training.recipe import Recipe


# with so many to train on, a student was ahead by its teacher's help in all of ten seeds, by
# 2.97 bpm [1.38, 4.72] (benchmarks/README.md); nothing of the kind was shown with fewer
ENOUGH_SUBJECTS = 16

Folds = Annotated[
    int | None,
    typer.Option(min=2, help="Draw all subjects into this many test sets, each tested by networks "
                             "that never saw it."),
]
Seeds = Annotated[
    int, typer.Option(min=1, help="Repeat with this many seeds, and tell the gain from luck.")
]
Ubfc = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER",
                 help="UBFC-rPPG's DATASET_2 as published, read in place; needs --folds."),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe", metavar="NAME",
        help="How to train: acq (unless named), paper (the paper to the letter), fast (a first "
             "look), or a file.",
    ),
]
ShowRecipe = Annotated[
    bool,
    typer.Option(
        "--show-recipe",
        help="Check the recipe, print all of it as a file to copy, and train nothing.",
    ),
]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="Of every network, in place of the recipe's.")
]
Also = Annotated[
    str | None,
    typer.Option(
        metavar="NETS", help="Networks to train beside for the tables, such as physnet; or all."
    ),
]
Teacher = Annotated[
    str | None,
    typer.Option(
        metavar="NET",
        help="What teaches the student, in place of the paper's teacher: a network that predicts a "
             "pulse, such as physnet. Its answer alone is learnt.",
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")]
Init = Annotated[
    str | None,
    typer.Option(
        metavar="NET", autocompletion=complete.teachers,
        help="What the teacher starts from: shipped (the one that comes with acq), a run or its "
             "id, or a checkpoint. Without it: from scratch, as in the paper.",
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the newest run that was interrupted.")
]
TensorBoard = Annotated[
    bool,
    typer.Option(
        "--tensorboard", callback=check_tensorboard_installed,
        help="Also write the losses of each epoch, while it trains, as TensorBoard reads them.",
    ),
]
MixSimulated = Annotated[
    bool, typer.Option("--mix-simulated", help="Allow virtual and real subjects in one dataset.")
]


def train_kd(
    data: Data = Path("data"),
    recipe: RecipeName = None,
    show_recipe: ShowRecipe = False,
    folds: Folds = None,
    seeds: Seeds = 1,
    ubfc: Ubfc = None,
    source: From = "ubfc",
    epochs: Epochs = None,
    also: Also = None,
    teacher: Teacher = None,
    init: Init = None,
    device: Device = "auto",
    resume: Resume = False,
    mix_simulated: MixSimulated = False,
    tensorboard: TensorBoard = False,
    jobs: JobsByWork = None,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train teacher, student and student + KD on the curated data; write a report."""
    check_installed()
    for option, word in {
        "--recipe": recipe, "--also": also, "--teacher": teacher, "--init": init,
    }.items():
        if word is not None and not word.strip():      # as of a script's variable that is not set
            raise typer.BadParameter(f"expected a word after {option}, found an empty one")
    changes = _changes(epochs, also, teacher, init)
    if show_recipe:
        _show_recipe(recipe or "acq", changes, as_json=json)
        return
    read_from = choose_source(ubfc, source)
    workers = choose_workers(jobs, scheduler)
    # before torch is imported, which takes seconds
    how = replace(_recipe(recipe, data, (folds, seeds) if resume else None), **changes)

    from acquire.data_folder import runs_dir
    from dataset.consistency.unsplit import find_unsplit
    from dataset.session.find import check_data_folder
    from models.experiment.run import train_kd

    if ubfc is None:
        check_data_folder(data)
    if tensorboard:
        note(f"losses, a point an epoch: tensorboard --logdir {runs_dir(data)}")
    with show_progress(quiet=quiet) as on_progress:
        result = train_kd(
            data, recipe=how, device=device, allow_mixed=mix_simulated, folds=folds,
            seeds=seeds, source=read_from, resume=resume, has_logs=tensorboard,
            workers=None if jobs == 1 else workers, on_progress=on_progress,
        )
    for doubt in [] if ubfc else find_unsplit(data):
        warn(advise(doubt, "train-kd"))
    if suggestion := _suggest_init(result.metrics):
        warn(suggestion)
    if json:
        print_json(result.metrics)
    else:
        _echo_tables(result)


def _show_recipe(named: str, changes: dict[str, Any], *, as_json: bool) -> None:
    from models.training.named_recipes import write_recipe

    text = write_recipe(named, changes)
    if as_json:
        import yaml

        print_json(yaml.safe_load(text))
    else:
        print_text(text.removesuffix("\n"))


def _recipe(named: str | None, data: Path, resumed: tuple[int | None, int] | None) -> "Recipe":
    """Read the recipe that is named, or that of the run that is resumed, or the usual one."""
    from acquire.data_folder import runs_dir
    from acquire.interrupts import note_left
    from dataset.runs import BEGUN_WITH
    from models.training.named_recipes import read_recipe

    if resumed is not None and any(runs_dir(data).glob(f".*.part/{BEGUN_WITH}")):
        note_left("to resume")
    if named is None and resumed is not None:
        from models.experiment.run_folder import interrupted_recipe

        folds, seeds = resumed
        if (recipe := interrupted_recipe(data, folds=folds, seeds=seeds)) is not None:
            return recipe
    return read_recipe(named or "acq")


def _changes(
    epochs: int | None, also: str | None, teacher: str | None, init: str | None
) -> dict[str, Any]:
    """Return what options change of a recipe; None asks for nothing."""
    changes: dict[str, Any] = {}
    if epochs is not None:
        changes |= {"epochs": epochs, "teacher_epochs": epochs}
    if also is not None:
        changes["also"] = tuple(name.strip() for name in also.split(",") if name.strip())
    if teacher is not None:
        changes["teacher"] = teacher
    if init is not None:
        changes["init"] = init
    return changes


def _suggest_init(metrics: dict) -> str:
    """Return that the teacher could have started from the one that comes with acq, or nothing."""
    from dataset.face.frames import is_scaled
    from models.board.find_net import has_shipped_teacher
    from models.published_nets.titles import CAN

    recipe = metrics["recipe"]
    if recipe["teacher"] != CAN or not is_scaled(recipe["motion"]):
        return ""                       # such a start would be refused
    fold = max(len(of_fold["test"]) for of_fold in metrics["folds"])
    trained_on = len(metrics["subjects"]["train"])
    trained_on -= fold if len(metrics["folds"]) > 1 else 0
    if metrics["started_from"] or trained_on >= ENOUGH_SUBJECTS or not has_shipped_teacher():
        return ""
    return (
        f"a teacher that learns from {counted(trained_on, 'subject')} may not be ahead of its "
        f"student (from {ENOUGH_SUBJECTS} on its help was shown); --init shipped starts it from "
        "the one that comes with acq"
    )


def _echo_tables(result: "RunResult") -> None:
    """Print the errors of every method, the paper's beside them, and the gain over the seeds."""
    from models.evaluation.published import gain_over_seeds
    from models.metrics.snr import OURS

    metrics = result.metrics
    for sentence in metrics["verdict"]["words"]:
        echo(sentence)
    echo()
    echo(_recipe_in_words(metrics))
    if (taught := _teacher_in_words(metrics["recipe"]["teacher"])) is not None:
        echo(taught)
    show(_methods(metrics))
    teacher = metrics["methods"]["teacher"]
    in_brackets = (
        "; in brackets 95 % by bootstrap over subjects" if teacher["interval"]["mae_bpm"] else ""
    )
    people = "" if metrics["people"] == "real" else f" The subjects are {metrics['people']}."
    echo(
        f"{counted(teacher['windows'], 'window')} of 10 s "
        f"({teacher['windows_without_finger']} more in which "
        "the finger's rate cannot be told, and "
        f"{metrics['without_finger_percent']['train']:.1f} % of the frames to train on, are left "
        "out); rates from 0.7 to 4 Hz, the finger's from 0.5 to 4 Hz; spectrum on a grid of "
        f"{metrics['heart_rate']['fft_grid_bpm']:g} bpm{in_brackets}; ms / frame: processor "
        "time of the network alone, one thread, median of 60. Coverage: the windows with a "
        "prediction; the others count as the mean "
        f"rate of the training windows. SNR acq: acq's own definition, {OURS.words}.{people}"
    )
    if start := metrics["started_from"]:
        echo(
            f"the teacher started from {start['named']} (sha256 {start['sha256'][:12]}), which had "
            f"learnt from {start['people_in_words']}; the students from scratch"
        )
    show(_beside_paper(metrics))
    echo(
        "per signal: as the paper counts, one heart rate a recording, the mean over its windows; "
        "of folds the mean. Other rows of this run: of windows. 95 %: by bootstrap over subjects, "
        "of folds within each; none where each has one subject. Published: on UBFC-rPPG in "
        "five folds, and on the paper's own recordings. The report has more networks, and more "
        "intervals."
    )
    if len(metrics["seeds"]) > 1:
        echo(gain_over_seeds(metrics["seeds"]))
    echo(f"report: {result.report}")


def _recipe_in_words(metrics: dict) -> str:
    """Return which recipe was trained with, and how far it is from the paper's."""
    recipe, others = metrics["recipe"], len(metrics["beside_paper"])
    return f"recipe {recipe['name']} (sha256 {recipe['sha256'][:12]}): " + (
        "of what a recipe holds, all as in the recipe paper" if not others else
        f"{counted(others, 'value')} unlike the recipe paper, named in the report"
    )


def _teacher_in_words(name: str) -> str | None:
    """Return which network taught, and what; nothing where it was the paper's teacher."""
    from models.published_nets.titles import CAN, titles

    return None if name == CAN else (
        f"the teacher is {titles()[name]}: it has no feature maps of the student's kind, so that "
        "student + KD learnt from its answer and from the finger, and from no maps"
    )


def _methods(metrics: dict) -> "Table":
    from rich.table import Table

    from models.evaluation.mean_rate import coverage_text
    from models.evaluation.methods import TITLES

    folds, subjects = len(metrics["folds"]), metrics["subjects"]["test"]
    tested = f"{len(subjects)} subjects in {folds} folds" if folds > 1 else ", ".join(subjects)
    table = Table(title=f"Heart rate of {tested}, never seen in training{_seed_shown(metrics)}")
    table.add_column("")
    headings = ("MAE [bpm]", "RMSE [bpm]", "coverage", "SNR acq [dB]", "parameters", "ms / frame")
    for heading in headings:
        table.add_column(heading, justify="right")
    methods = metrics["methods"]
    for name, row in ((name, methods[name]) for name in TITLES if name in methods):
        trained = ("", "")
        if "parameters" in row:
            trained = (f"{row['parameters']:,}", milliseconds(row["ms_per_frame"]))
        table.add_row(
            TITLES[name], with_interval(row, "mae_bpm"), with_interval(row, "rmse_bpm"),
            coverage_text([row["coverage_percent"]]), with_interval(row, "snr_db", 1), *trained,
        )
    return table


def _seed_shown(metrics: dict) -> str:
    """Return whose networks a table shows; nothing where there is one seed."""
    seeds = len(metrics["seeds"])
    return f": seed {metrics['recipe']['seed']}, one of {seeds}" if seeds > 1 else ""


def _beside_paper(metrics: dict) -> "Table":
    """Make the table with the report's rows: of windows, and by the paper's own count."""
    from rich.table import Table

    from models.evaluation.methods import MEAN_RATE, TITLES
    from models.report.paper_rows import (
        FOLDS,
        HOLD_OUT,
        lines_of_intervals,
        published_row,
        rows_of_folds,
        rows_of_hold_out,
    )

    networks = ("teacher", "student", "student_kd", MEAN_RATE)
    shown = _seed_shown(metrics)
    over_seeds = "; gap closed: over all of them" if shown else ""
    table = Table(title=f"Beside the paper: MAE / RMSE [bpm]{shown}{over_seeds}")
    for heading in ("", *(TITLES[name] for name in networks), "coverage", "gap closed"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = [
        *rows_of_folds(metrics, networks),
        *rows_of_hold_out(metrics, networks, label="this run, all windows"),
        replace(published_row(FOLDS, networks), label="published, five folds"),
        replace(published_row(HOLD_OUT, networks), label="published, hold-out"),
    ]
    for row in rows:
        cells = [
            f"{number(pair[0], 3)} / {number(pair[1], 3)}" if pair else "-" for pair in row.errors
        ]
        table.add_row(row.label, *cells, row.coverage or "-", _gap_closed(row))
        for label, intervals in lines_of_intervals(row):
            table.add_row(label, *intervals, "", "")
    return table


def _gap_closed(row: "TableRow") -> str:
    if row.gap_percent is None:
        return "-" if row.style else "cannot be told"
    ends = row.gap_interval and ", ".join(number(end, 0) for end in row.gap_interval)
    return f"{number(row.gap_percent, 0)} %" + (f" [{ends}]" if ends else "")
