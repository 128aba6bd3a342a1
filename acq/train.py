"""The verb `acq train-kd`."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from acq.options import Data, Jobs, Json, Quiet, Scheduler, progress_bars
from acquire.errors import TrainingError

if TYPE_CHECKING:
    from models.train import RunResult


def train_kd(
    data: Data = Path("data"),
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each student; both get the same.")] = None,
    teacher_epochs: Annotated[int | None, typer.Option(min=1, help="Of the teacher.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, batches and dropout.")] = 0,
    tat: Annotated[
        Literal["paper", "code"] | None,
        typer.Option(help="Whose places TaT's softmax runs over: as the paper's text, or (default) as its code."),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    mix_simulated: Annotated[
        bool, typer.Option("--mix-simulated", help="Allow virtual and real subjects in one dataset.")
    ] = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train teacher, student and student + KD on the curated data; write checkpoints, metrics and a report."""
    from dataclasses import replace

    check_installed()
    from dataset.workers import Workers
    from models.train import Recipe, train_kd

    recipe = Recipe(seed=seed)
    recipe = replace(
        recipe,
        epochs=epochs or recipe.epochs,
        teacher_epochs=teacher_epochs or recipe.teacher_epochs,
        distill=replace(recipe.distill, softmax=tat or recipe.distill.softmax),
    )
    with progress_bars(quiet=quiet) as on_progress:
        result = train_kd(
            data, recipe=recipe, device=device, allow_mixed=mix_simulated,
            workers=None if jobs == 1 and scheduler is None else Workers(jobs, scheduler), on_progress=on_progress,
        )
    if json:
        typer.echo((result.folder / "metrics.json").read_text())
    else:
        _echo_table(result)


def check_installed() -> None:
    """Refuse where the extra `train` is missing; imports nothing."""
    missing = [name for name in ("torch", "facenet_pytorch", "safetensors", "matplotlib") if find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"expected the extra `train`, found no {', '.join(missing)} in this environment; "
            "pip install -c constraints.txt -e '.[train]'"
        )


def _echo_table(result: "RunResult") -> None:
    from rich.console import Console
    from rich.table import Table

    metrics = result.metrics
    table = Table(title=f"Heart rate of {', '.join(metrics['subjects']['test'])}, never seen in training")
    table.add_column("")
    for heading in ("MAE [bpm]", "RMSE [bpm]", "parameters", "ms / frame"):
        table.add_column(heading, justify="right")
    for name, title in (("teacher", "teacher"), ("student", "student"), ("student_kd", "student + KD")):
        row = metrics[name]
        table.add_row(title, f"{row['mae_bpm']:.2f}", f"{row['rmse_bpm']:.2f}", f"{row['parameters']:,}",
                      f"{row['ms_per_frame']:.2f}")
    console = Console(markup=False)      # a path may hold brackets
    console.print(table)
    console.print(f"{metrics['student']['windows']} windows of 10 s; ms / frame: the network alone, one thread."
                  + ("" if metrics["people"] == "real" else f" The subjects are {metrics['people']}."))
    console.print(f"report: {result.report}", soft_wrap=True)
