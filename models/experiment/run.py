"""A whole run of the paper's experiment: data in; checkpoints, metrics and report out.

With folds every subject is tested once, by networks that never saw it; the windows of all folds are
pooled. With several seeds all of it is repeated with other weights and batches, to tell a gain from
luck. The run's folder appears when it is whole. A run that is interrupted, or that an error ends
after an epoch, keeps its folder, hidden, and can be resumed.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from acquire.atomic import write_text
from acquire.errors import AcqError, Fix
from acquire.writing import reading
from dataset.common.files import finite
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers, check_seen
from dataset.runs import METRICS
from models.data.from_sessions import Source
from models.evaluation.mean_rate import guess_mean_rate
from models.training.beside import check_beside, choose_teacher
from models.training.device import pick_device
from models.training.named_recipes import check_recipe
from models.training.recipe import Recipe
from models.training.teacher_init import (
    TeacherInit,
    check_not_tested,
    keep_copy,
    read_teacher_init,
)
from models.training.tensorboard import FOLDER as LOGS

from .plan import RunPlan, load_plan
from .run_folder import (
    STATES,
    describe_run,
    interrupted_recipe,
    open_run_folder,
    save_networks,
)
from .schedule import train_units
from .summary import join_folds, read_by_colour, summarise_run

REPORT = "report.html"
FIGURES = "figures and report"          # the stage that `on_progress` is called with


@dataclass(frozen=True)
class RunResult:
    """What a run wrote."""

    folder: Path
    report: Path
    metrics: dict                   # the content of metrics.json


def train_kd(       # noqa: PLR0913  (by name, as the verb's options)
    data: Path, *, recipe: Recipe | None = None, device: str = "auto", allow_mixed: bool = False,
    folds: int | None = None, seeds: int = 1, source: Source = "ubfc", resume: bool = False,
    has_logs: bool = False, workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> RunResult:
    """Train teacher, student and student + KD; write checkpoints, metrics and report to `runs/`.

    Parameters
    ----------
    data : folder that holds `ubfc/` or `sessions/`, and gets `runs/` and the frames cache
    recipe : how to train; None: as the run that is resumed was begun, or the usual one
    device : "auto", "cpu" or "cuda"
    allow_mixed : whether virtual and real subjects may be trained on together
    folds : into how many test sets all subjects are drawn; None: test the held-out side
    seeds : how often all is repeated, each time with the next seed
    source : "ubfc", the curated folders; "sessions": the sessions themselves, in the same rows;
        or a folder DATASET_2 of UBFC-rPPG as published, read in place, which needs folds
    resume : continue the newest run that was interrupted
    has_logs : each training logs its losses, an epoch a point, as TensorBoard reads them
    workers : find faces, and train folds and seeds; None: this process does
    on_progress : called with the stage, what is done, and the total

    Raises
    ------
    SplitError, CurationError : the data cannot be trained on; see `load_curated`
    TrainingError : the same; or a recipe whose values do not go together, no such network beside,
        none that can teach, no device, no run to resume, a loss that is no longer finite; no such
        teacher to start from, or one that has learnt from somebody who is tested
    """
    if recipe is None and resume:
        recipe = interrupted_recipe(data, folds=folds, seeds=seeds)
    recipe = recipe or Recipe()
    check_recipe(recipe, "the recipe")
    recipe = choose_teacher(replace(recipe, also=check_beside(recipe.also)))
    workers = None if workers is None else workers.seeing(data)
    if workers is not None and seeds * (folds or 1) > 1:
        check_seen(workers)              # before faces are found: trainings are not carried
    plan = RunPlan(data, folds, seeds, source, allow_mixed, device, has_logs)
    init = None
    if recipe.init is not None:
        init = read_teacher_init(Path(recipe.init), data, recipe.motion)
    with nullcontext() if isinstance(source, Path) else reading(data):
        return _run(plan, recipe, init, resume=resume, workers=workers, on_progress=on_progress)


def _run(
    plan: RunPlan, recipe: Recipe, init: TeacherInit | None, *, resume: bool,
    workers: Workers | None, on_progress: OnProgress | None,
) -> RunResult:
    """Load the data, train, test, and write the run's folder."""
    # first: where its libraries are missing, no training starts
    from models.report.write import write_report

    torch_device = pick_device(plan.device)
    begun = datetime.now(timezone.utc)
    clock = time.perf_counter()
    with _asking_for_the_old_split() if resume else nullcontext():
        loaded = load_plan(
            plan, motion=recipe.motion, workers=workers, on_progress=on_progress
        )
    load_s = time.perf_counter() - clock
    if init is not None:
        check_not_tested(init, loaded.folds)

    begun_with = describe_run(
        recipe, loaded.whole, folds=plan.folds, seeds=plan.seeds, init=init
    )
    told = {
        "subjects": loaded.subjects, "started_from": init and init.as_dict(),
        "read_from": "published" if isinstance(plan.source, Path) else plan.source,
    }
    recipe = replace(recipe, init=init and init.named)       # no address of this machine
    with open_run_folder(
        plan.data, begun_with, told=told, begun=begun, resume=resume
    ) as (part, folder):
        if init is not None:
            keep_copy(init, part / STATES)
        if (part / LOGS).exists():                # of a run that goes on: its logs do, too
            plan = replace(plan, has_logs=True)
        trained = train_units(
            plan, recipe, loaded.folds, part=part, device=torch_device, workers=workers,
            on_progress=on_progress,
        )
        if on_progress is not None:
            on_progress(FIGURES, 0, 1)
        colours = read_by_colour(loaded.folds)
        metrics = summarise_run(
            loaded.whole, loaded.folds, recipe=recipe, trained=trained, colours=colours,
            guesses=guess_mean_rate(loaded.folds), device=torch_device, begun=begun,
        )
        metrics["defects"] = loaded.defects
        metrics["started_from"] = told["started_from"]
        metrics["read_from"] = told["read_from"]
        metrics["seconds"] = {"load": load_s, "all": time.perf_counter() - clock}
        metrics["networks"] = save_networks(
            part, loaded.folds, recipe=recipe, trained=trained, init=init
        )
        write_text(part / METRICS, json.dumps(finite(metrics), indent=1, allow_nan=False))
        write_report(
            part / REPORT, loaded.tested, join_folds(trained, recipe.seed), colours, metrics
        )
        if on_progress is not None:
            on_progress(FIGURES, 1, 1)
    return RunResult(folder, folder / REPORT, metrics)


@contextmanager
def _asking_for_the_old_split() -> Iterator[None]:
    """Name what a run that is resumed needs: not the curated data of today, but its own."""
    try:
        yield
    except AcqError as error:
        if error.fix in (Fix.CONVERT_AGAIN, Fix.SPLIT_AND_CONVERT_AGAIN):
            error.fix, error.of = Fix.RESUME_ON_OLD_SPLIT, ""
        raise
