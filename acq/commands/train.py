"""The verb `acq train-kd`."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from acq.options import Data, Jobs, Json, Quiet, Scheduler, progress_bars
from acquire.errors import TrainingError

if TYPE_CHECKING:
    from models.experiment.run import RunResult


def train_kd(
    data: Data = Path("data"),
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Deal all subjects into this many test sets, each tested by networks that never "
                 "saw it.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Repeat with this many seeds, and tell the gain from luck.")
    ] = 1,
    ubfc: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="UBFC-rPPG's DATASET_2 as published, read in place; needs --folds.",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Of each student; both get the same.")
    ] = None,
    teacher_epochs: Annotated[
        int | None, typer.Option(min=1, help="Of the teacher, and of PhysNet.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, batches and dropout.")] = 0,
    kd: Annotated[
        Literal["tat", "fitnet", "at", "none"] | None,
        typer.Option(help="How the teacher's feature maps are taught."),
    ] = None,
    tat: Annotated[
        Literal["paper", "code"] | None,
        typer.Option(
            help="Whose places TaT's softmax runs over: as the paper's text, or (default) as its "
                 "code."
        ),
    ] = None,
    levels: Annotated[
        Literal["both", "middle", "last"] | None,
        typer.Option(help="Which feature maps are taught."),
    ] = None,
    soft_weight: Annotated[
        float | None,
        typer.Option(
            min=0, help="Weight of the teacher's answer as a target; 0 is the paper's loss."
        ),
    ] = None,
    shape_weight: Annotated[
        float, typer.Option(min=0, help="Weight of a loss on the pulse's shape, for all networks.")
    ] = 0.0,
    clip: Annotated[int | None, typer.Option(min=2, help="Frames of a clip.")] = None,
    pretrain_epochs: Annotated[
        int, typer.Option(min=0, help="Of the student alone, before its teacher joins.")
    ] = 0,
    no_augmentation: Annotated[
        bool,
        typer.Option("--no-augmentation", help="Neither shift nor mirror clips while training."),
    ] = False,
    physnet: Annotated[
        bool, typer.Option("--physnet", help="Train PhysNet too, for the tables.")
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")
    ] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest run that was interrupted.")
    ] = False,
    mix_simulated: Annotated[
        bool,
        typer.Option("--mix-simulated", help="Allow virtual and real subjects in one dataset."),
    ] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train teacher, student and student + KD on the curated data; write checkpoints, metrics and a
    report.
    """
    from dataclasses import replace

    check_installed()
    from dataset.common.workers import Workers
    from models.distillation.distill import DistillConfig
    from models.experiment.run import train_kd
    from models.training.recipe import Recipe

    usual = DistillConfig()
    distill = replace(
        usual, kd=kd or usual.kd, softmax=tat or usual.softmax, levels=levels or usual.levels,
        weight_pulse=usual.weight_pulse if soft_weight is None else soft_weight,
    )
    recipe = Recipe(
        seed=seed, distill=distill, shape_weight=shape_weight, pretrain_epochs=pretrain_epochs,
        physnet=physnet,
    )
    recipe = replace(
        recipe, epochs=epochs or recipe.epochs,
        teacher_epochs=teacher_epochs or recipe.teacher_epochs, clip=clip or recipe.clip,
        batch_clips=max(1, recipe.clip * recipe.batch_clips // (clip or recipe.clip)),
        shift=0 if no_augmentation else recipe.shift,
    )
    workers = None if jobs == 1 and scheduler is None else Workers(jobs, scheduler)
    try:
        with progress_bars(quiet=quiet) as on_progress:
            result = train_kd(
                data, recipe=recipe, device=device, allow_mixed=mix_simulated, folds=folds,
                seeds=seeds, ubfc=ubfc, resume=resume, workers=workers, on_progress=on_progress,
            )
    except KeyboardInterrupt:
        typer.secho(
            "interrupted; what is trained is kept: go on with the same options and --resume",
            fg="yellow", err=True,
        )
        raise typer.Exit(130) from None
    if json:
        typer.echo((result.folder / "metrics.json").read_text())
    else:
        _echo_tables(result)


def check_installed() -> None:
    """Refuse where the extra `train` is missing; imports nothing."""
    missing = [
        name
        for name in ("torch", "facenet_pytorch", "safetensors", "matplotlib")
        if find_spec(name) is None
    ]
    if missing:
        raise TrainingError(
            f"expected the extra `train`, found no {', '.join(missing)} in this environment; "
            "pip install -c constraints.txt -e '.[train]'"
        )


def _echo_tables(result: "RunResult") -> None:
    from rich.console import Console
    from rich.table import Table

    from models.evaluation.methods import TITLES
    from models.evaluation.published import PUBLISHED, gap_closed, over_seeds

    metrics = result.metrics
    methods, folds = metrics["methods"], len(metrics["folds"])
    subjects = metrics["subjects"]["test"]
    tested = f"{len(subjects)} subjects in {folds} folds" if folds > 1 else ", ".join(subjects)
    table = Table(title=f"Heart rate of {tested}, never seen in training")
    table.add_column("")
    for heading in ("MAE [bpm]", "RMSE [bpm]", "SNR [dB]", "parameters", "ms / frame"):
        table.add_column(heading, justify="right")
    for name in [n for n in TITLES if n in methods]:
        row = methods[name]
        mae, rmse = (
            f"{row[key]:.2f}"
            + ("" if not (b := row["interval"][key]) else f" [{b[0]:.2f}, {b[1]:.2f}]")
            for key in ("mae_bpm", "rmse_bpm")
        )
        trained = (
            (f"{row['parameters']:,}", f"{row['ms_per_frame']:.2f}")
            if "parameters" in row
            else ("", "")
        )
        table.add_row(TITLES[name], mae, rmse, f"{row['snr_db']:.1f}", *trained)
    console = Console(markup=False)      # a path may hold brackets
    console.print(table)
    first = methods["teacher"]
    in_brackets = (
        "; in brackets 95 % by bootstrap over subjects" if first["interval"]["mae_bpm"] else ""
    )
    grid_bpm = metrics["heart_rate"]["fft_grid_bpm"]
    console.print(
        f"{first['windows']} windows of 10 s, spectrum on a grid of {grid_bpm:g} bpm{in_brackets}; "
        "ms / frame: the network alone, one thread."
        + ("" if metrics["people"] == "real" else f" The subjects are {metrics['people']}.")
    )
    names = ("teacher", "student", "student_kd")
    beside = Table(title="Beside the paper: MAE / RMSE [bpm]")
    for heading in ("", "teacher", "student", "student + KD", "gap closed"):
        beside.add_column(heading, justify="right" if heading else "left")
    for data, figures in [
        *PUBLISHED.items(),
        ("this run", {n: (methods[n]["mae_bpm"], methods[n]["rmse_bpm"]) for n in names}),
    ]:
        closed = gap_closed({n: figures[n][0] for n in names})
        cells = [f"{figures[n][0]:.3f} / {figures[n][1]:.3f}" for n in names]
        beside.add_row(data, *cells, "-" if closed is None else f"{closed:.0f} %")
    console.print(beside)
    if len(metrics["seeds"]) > 1:
        found = over_seeds(metrics["seeds"])
        console.print(
            f"student + KD ahead of the student alone in {found['ahead']} of {found['seeds']} "
            "seeds, by "
            f"{found['gain_bpm']:.2f} bpm [{found['low_bpm']:.2f}, {found['high_bpm']:.2f}] (95 % "
            "over seeds)"
        )
    console.print(f"report: {result.report}", soft_wrap=True)
