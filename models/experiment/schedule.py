"""Every fold of every seed trained: in this process, in several, or on a Dask cluster."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from acquire.errors import TrainingError
from acquire.pool import usable_cores
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers, work_through
from dataset.face.box import SIZE
from models.data.videos import TrainingData
from models.training.device import pick_device
from models.training.recipe import Recipe
from models.training.teacher_init import load_copy
from models.training.tensorboard import FOLDER as LOGS
from models.training.train import train_networks

from .plan import Networks, RunPlan, Unit, load_plan
from .run_folder import STATES, folder_of_unit, make_states_folder

_log = logging.getLogger(__name__)         # a line a training

UNITS = "folds and seeds"       # the stage that `on_progress` is called with
_FRAMES_S = 400                 # a core trains teacher, student and student + KD on, an epoch
_PROCESS_BYTES = 2**30          # a training of few frames: torch, networks, batches
# of each frame of all videos, which every process loads: motion as float16, appearance as uint8
_FRAME_BYTES = 3 * SIZE**2 * 3


def train_units(
    plan: RunPlan, recipe: Recipe, folds: Sequence[TrainingData], *, part: Path,
    device: torch.device, workers: Workers | None, on_progress: OnProgress | None,
) -> dict[Unit, Networks]:
    """Train every fold of every seed.

    Parameters
    ----------
    folds : the sides of each fold, as loaded by this process
    part : the run's folder, which holds the states to resume from
    workers : where to train; None: in this process, one unit after the other. Trainings side by
        side on this machine share its cores as threads

    Raises
    ------
    TrainingError : a training failed; elsewhere than in this process, all of them are named
    """
    units = [Unit(recipe.seed + n, fold) for n in range(plan.seeds) for fold in range(len(folds))]
    if workers is not None:
        is_on_gpu = device.type != "cpu"          # which one training at a time fills
        work_s = 0.0 if is_on_gpu else len(units) * _seconds(recipe, folds)
        workers = workers.for_work(len(units), work_s, process_bytes=_bytes(folds))
    if workers is None or len(units) == 1 or workers == Workers(1):
        return _train_here(units, plan, recipe, folds, part, device, on_progress)
    return _train_elsewhere(units, plan, recipe, part, workers, on_progress)


def _seconds(recipe: Recipe, folds: Sequence[TrainingData]) -> float:
    """Return about how long one training takes on one core [s]."""
    frames = sum(len(video.time_s) for fold in folds for video in fold.train) / len(folds)
    return frames * recipe.epochs / _FRAMES_S


def _bytes(folds: Sequence[TrainingData]) -> int:
    """Return about how much memory a process takes that trains one of the folds."""
    frames = sum(len(video.time_s) for video in (*folds[0].train, *folds[0].test))
    return _PROCESS_BYTES + frames * _FRAME_BYTES


def _train_here(
    units: Sequence[Unit], plan: RunPlan, recipe: Recipe, folds: Sequence[TrainingData],
    part: Path, device: torch.device, on_progress: OnProgress | None,
) -> dict[Unit, Networks]:
    trained = {}
    for number, unit in enumerate(units, 1):
        if len(units) > 1:
            _log.info(
                "%d of %d: seed %d, fold %d of %d", number, len(units), unit.seed, unit.fold + 1,
                len(folds),
            )

        def on_steps(stage: str, done: int, total: int, number: int = number) -> None:
            if on_progress is not None:
                prefix = "" if len(units) == 1 else f"{number} of {len(units)}: "
                on_progress(prefix + stage, done, total)

        trained[unit] = train_networks(
            folds[unit.fold], replace(recipe, seed=unit.seed), init=load_copy(part / STATES),
            device=device, states=make_states_folder(part, unit),
            logs=_logs(part, unit, plan, len(folds)), on_progress=on_steps,
        )
    return trained


def _train_elsewhere(
    units: Sequence[Unit], plan: RunPlan, recipe: Recipe, part: Path, workers: Workers,
    on_progress: OnProgress | None,
) -> dict[Unit, Networks]:
    source = plan.source.resolve() if isinstance(plan.source, Path) else plan.source
    absolute = replace(plan, data=plan.data.resolve(), source=source)
    at_once = min(workers.jobs or len(units), len(units))
    cores = 1 if workers.scheduler else usable_cores()
    train = partial(
        train_unit, plan=absolute, recipe=recipe, part=part.resolve(),
        threads=max(1, cores // at_once),
    )
    trained, failures = {}, []
    if on_progress is not None:
        on_progress(UNITS, 0, len(units))
    for done, (at, outcome) in enumerate(work_through(train, units, workers=workers), 1):
        if outcome.value is None:
            failures.append(f"seed {units[at].seed}, fold {units[at].fold + 1}: {outcome.error}")
        else:
            trained[units[at]] = outcome.value
        if on_progress is not None:
            on_progress(UNITS, done, len(units))
    if failures:
        raise TrainingError(
            expected=f"{len(units)} trainings",
            found=f"{len(failures)} that failed: {'; '.join(sorted(failures))}",
        )
    return {unit: trained[unit] for unit in units}


def train_unit(
    unit: Unit, *, plan: RunPlan, recipe: Recipe, part: Path, threads: int
) -> Networks:
    """Train one fold of one seed in a process of its own, on its share of the cores."""
    torch.set_num_threads(threads)
    # whether the data is of today was asked when the run began, and takes reading all recordings
    loaded = load_plan(plan, motion=recipe.motion, of_today=False)
    return train_networks(
        loaded.folds[unit.fold], replace(recipe, seed=unit.seed), init=load_copy(part / STATES),
        device=pick_device(plan.device), states=make_states_folder(part, unit),
        logs=_logs(part, unit, plan, len(loaded.folds)),
    )


def _logs(part: Path, unit: Unit, plan: RunPlan, folds: int) -> Path | None:
    if not plan.has_logs:
        return None
    return folder_of_unit(part / LOGS, unit, seeds=plan.seeds, folds=folds)
