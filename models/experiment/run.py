"""A whole run of the paper's experiment: data in, checkpoints, metrics and report out, in a folder
that appears when it is whole.

With folds every subject is tested once, by networks that never saw it; the windows of all folds are
pooled. With several seeds all of it is done again with other weights and batches, to tell a gain
from luck. One fold of one seed is the unit of work: in this process, in several, or on a Dask
cluster. A run that is interrupted keeps its folder, hidden, and is gone on from.
"""

import hashlib
import json
import platform
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from acquire.atomic import write_text
from acquire.data_folder import frames_cache, runs_dir
from acquire.errors import TrainingError
from dataset.common.files import finite
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers, work_through
from dataset.face import box, frames
from dataset.selection.draw import deal_folds
from dataset.signals.filters import HIGH_HZ, HR_GRID_BPM, LOW_HZ, WINDOW_S, heart_rate
from dataset.signals.windows import STEP_S, even_grid, to_even_grid
from models.data.curated import load_curated
from models.data.published_ubfc import load_dataset_2
from models.data.videos import TrainingData
from models.evaluation.evaluate import VideoResult, assess, colour_pulse, measure_pulse
from models.evaluation.methods import COLOURS
from models.nets.can import count_parameters
from models.nets.checkpoint import save_checkpoint
from models.training.recipe import Recipe, Trained
from models.training.train import experiment, multiplies_bf16, pick_device

ABOUT = "run.json"      # in a folder that is not whole yet: what it was begun with
UNITS = "folds and seeds"


@dataclass(frozen=True)
class Plan:
    """What a run is made of, beside its recipe."""

    data: Path
    folds: int | None = None        # None: the split of the curated data
    seeds: int = 1                  # the recipe's seed and those after it
    ubfc: Path | None = None        # a published DATASET_2 instead of the curated data
    allow_mixed: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class RunResult:
    """What a run left behind."""

    folder: Path
    report: Path
    metrics: dict                   # what metrics.json holds


def train_kd(
    data: Path, *, recipe: Recipe | None = None, device: str = "auto", allow_mixed: bool = False,
    folds: int | None = None, seeds: int = 1, ubfc: Path | None = None, resume: bool = False,
    workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> RunResult:
    """Train teacher, student and student + KD on a data folder; write checkpoints, metrics and
    report to `runs/`.

    Parameters
    ----------
    data : folder that holds `ubfc/`, and gets `runs/` and the frames cache
    recipe : how to train; the defaults where not given
    device : "auto", "cpu" or "cuda"
    allow_mixed : whether virtual and real subjects may be trained on together
    folds : into how many test sets all subjects are dealt; None tests the held-out side
    seeds : how often all is repeated, each time with the next seed
    ubfc : a folder DATASET_2 of UBFC-rPPG as published, read in place; needs folds
    resume : go on with the newest run that was interrupted
    workers : who finds faces, and trains folds and seeds; None is this process
    on_progress : called with the stage, what is done, and the total

    Raises
    ------
    SplitError, CurationError, TrainingError : the data cannot be trained on; raised before training
        starts
    """
    from models.report.write import write_report

    recipe = recipe or Recipe()
    plan = Plan(data, folds, seeds, ubfc, allow_mixed, device)
    where = pick_device(device)
    begun = datetime.now(timezone.utc)
    clock = time.perf_counter()
    whole, parts, defects = _load(plan, workers, on_progress)
    loaded_s = time.perf_counter() - clock

    about = {"recipe": asdict(recipe), "folds": folds, "seeds": seeds,
             "data_hash": whole.data_hash, "split_hash": whole.split_hash}
    part, folder = _go_on(runs_dir(data), about) if resume else claim_folder(runs_dir(data), begun)
    write_text(part / ABOUT, json.dumps(about))
    try:
        tasks = [(recipe.seed + n, fold) for n in range(seeds) for fold in range(len(parts))]
        trained = _train(plan, recipe, parts, tasks, part, where, workers, on_progress)
        results = {seed: _joined([trained[seed, fold] for fold in range(len(parts))])
                   for seed in range(recipe.seed, recipe.seed + seeds)}
        colours = {
            name: [measure_pulse(colour_pulse(name, r), r) for one in parts for r in one.test]
            for name in COLOURS
        }
        metrics = summarise(
            whole, parts, recipe, results, colours, trained, device=where, begun=begun
        )
        metrics |= {
            "defects": defects, "seconds": {"load": loaded_s, "all": time.perf_counter() - clock},
        }
        for (seed, fold), networks in trained.items():
            _save(
                part, parts[fold], recipe, networks, seed=seed, fold=fold, folds=len(parts),
                seeds=seeds,
            )
        tested = replace(whole, test=[r for one in parts for r in one.test])
        write_report(part / "report.html", tested, results[recipe.seed], colours, metrics)
        (part / "metrics.json").write_text(json.dumps(finite(metrics), indent=1, allow_nan=False))
        shutil.rmtree(part / "states")
        (part / ABOUT).unlink()
        part.rename(folder)
    except (KeyboardInterrupt, SystemExit):
        raise                # what was trained stays, hidden, for --resume
    except BaseException:
        shutil.rmtree(part)
        raise
    return RunResult(folder, folder / "report.html", metrics)


def _load(
    plan: Plan, workers: Workers | None, on_progress: OnProgress | None
) -> tuple[TrainingData, list[TrainingData], list[str]]:
    """Give all data, the train and test sides of each fold (one where there are no folds), and
    defects.
    """
    defects: list[str] = []
    if plan.ubfc is not None:
        if plan.folds is None:
            raise TrainingError(
                "expected --folds with --ubfc, got none: UBFC-rPPG has no test side; the paper "
                "uses --folds 5"
            )
        whole, defects = load_dataset_2(
            plan.ubfc, cache=frames_cache(plan.data), workers=workers, on_progress=on_progress
        )
    else:
        whole = load_curated(
            plan.data, allow_mixed=plan.allow_mixed, workers=workers, on_progress=on_progress
        )
    return whole, [whole] if plan.folds is None else fold_sides(whole, plan.folds), defects


def fold_sides(whole: TrainingData, folds: int) -> list[TrainingData]:
    """Deal all subjects into test sets of like heart rates; the rest of each fold trains. Seeds
    change nothing in it.

    Raises
    ------
    TrainingError : there are fewer subjects than folds
    """
    recordings = [*whole.train, *whole.test]
    rates: dict[str, list[float]] = {}
    for r in recordings:
        rates.setdefault(r.subject, []).append(
            heart_rate(to_even_grid(r.ppg, r.time_s), even_grid(r.time_s)[1])
        )
    if not 2 <= folds <= len(rates):
        raise TrainingError(
            f"expected 2 to {len(rates)} folds for {len(rates)} subjects, got {folds}"
        )
    sides = []
    for test in deal_folds(
        {subject: float(np.mean(bpm)) for subject, bpm in rates.items()}, folds, seed=0
    ):
        said = json.dumps({"data": whole.data_hash, "test": test}, sort_keys=True)
        sides.append(
            TrainingData(
                [r for r in recordings if r.subject not in test],
                [r for r in recordings if r.subject in test],
                hashlib.sha256(said.encode()).hexdigest(), whole.data_hash,
            )
        )
    return sides


Task = tuple[int, int]      # seed, fold
Networks = dict[str, Trained]


def _train(
    plan: Plan, recipe: Recipe, parts: Sequence[TrainingData], tasks: Sequence[Task], part: Path,
    device: torch.device, workers: Workers | None, on_progress: OnProgress | None,
) -> dict[Task, Networks]:
    """Train every fold of every seed."""
    done: dict[Task, Networks] = {}
    if workers is None or len(tasks) == 1:
        for number, (seed, fold) in enumerate(tasks, 1):
            def tell(stage: str, so_far: int, total: int, number: int = number) -> None:
                if on_progress is not None:
                    on_progress(
                        stage if len(tasks) == 1 else f"{number} of {len(tasks)}: {stage}", so_far,
                        total,
                    )

            keep = part / "states" / f"seed{seed}-fold{fold + 1}"
            keep.mkdir(parents=True, exist_ok=True)
            done[seed, fold] = experiment(
                parts[fold], replace(recipe, seed=seed), device=device, keep=keep, on_progress=tell
            )
        return done
    elsewhere = replace(plan, data=plan.data.resolve(), ubfc=plan.ubfc and plan.ubfc.resolve())
    work = partial(train_task, plan=elsewhere, recipe=recipe, part=part.resolve())
    failed = []
    for number, (at, outcome) in enumerate(work_through(work, tasks, workers=workers), 1):
        if outcome.value is None:
            failed.append(f"seed {tasks[at][0]}, fold {tasks[at][1] + 1}: {outcome.error}")
        else:
            done[tasks[at]] = outcome.value
        if on_progress is not None:
            on_progress(UNITS, number, len(tasks))
    if failed:
        raise TrainingError(
            f"expected {len(tasks)} trainings, got {len(failed)} that failed: "
            + "; ".join(sorted(failed))
        )
    return {task: done[task] for task in tasks}


def train_task(task: Task, *, plan: Plan, recipe: Recipe, part: Path) -> Networks:
    """Train one fold of one seed, in whatever process this is; one thread, as many trainings run
    side by side.
    """
    torch.set_num_threads(1)
    seed, fold = task
    _, parts, _ = _load(plan, None, None)
    keep = part / "states" / f"seed{seed}-fold{fold + 1}"
    keep.mkdir(parents=True, exist_ok=True)
    return experiment(
        parts[fold], replace(recipe, seed=seed), device=pick_device(plan.device), keep=keep
    )


def _joined(folds: Sequence[Networks]) -> Networks:
    """Pool the test recordings of all folds; networks and curves are those of the first."""
    return {
        name: replace(one, videos=[v for fold in folds for v in fold[name].videos])
        for name, one in folds[0].items()
    }


def _save(
    part: Path, curated: TrainingData, recipe: Recipe, networks: Networks, *, seed: int, fold: int,
    folds: int, seeds: int,
) -> None:
    folder = part
    if seeds > 1:
        folder /= f"seed{seed}"
    if folds > 1:
        folder /= f"fold{fold + 1}"
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "recipe": asdict(replace(recipe, seed=seed)), "versions": versions(),
        "subjects": curated.subjects,
    }
    for name, one in networks.items():
        save_checkpoint(
            folder / f"{name}.safetensors", one.net, split_hash=curated.split_hash,
            data_hash=curated.data_hash, about=about,
        )


def claim_folder(runs: Path, begun: datetime) -> tuple[Path, Path]:
    """Make the hidden folder a run writes into, and name the one it becomes; no other run gets
    either.

    Raises
    ------
    TrainingError : no folder can be made in `runs`
    """
    name, number = f"{begun:%Y%m%dT%H%M%SZ}", 1
    try:
        runs.mkdir(parents=True, exist_ok=True)
        while True:
            folder = runs / (name if number == 1 else f"{name}-{number}")
            part = runs / f".{folder.name}.part"
            with suppress(FileExistsError):
                part.mkdir()
                # looked at while `part` is ours, so that no other run can become `folder` meanwhile
                if not folder.exists():
                    return part, folder
                part.rmdir()
            number += 1
    except OSError as error:
        raise TrainingError(
            f"expected to make a folder for the run in {runs}, got: {error}"
        ) from error


def _go_on(runs: Path, about: dict) -> tuple[Path, Path]:
    """Find the newest run that was interrupted, begun with the very same.

    Raises
    ------
    TrainingError : there is none, or it was begun with something else
    """
    found = sorted(runs.glob(f".*.part/{ABOUT}"))
    if not found:
        raise TrainingError(
            f"expected an interrupted run in {runs}, found none; leave --resume out to begin one"
        )
    try:
        before = json.loads(found[-1].read_text())
    except ValueError as error:
        raise TrainingError(
            f"expected what the run was begun with in {found[-1]}, got: {error}; remove its folder"
        ) from error
    now = json.loads(json.dumps(about))
    for key in about:
        if before.get(key) != now[key]:
            raise TrainingError(
                f"expected {key} {_short(before.get(key))} of the interrupted run "
                f"{found[-1].parent.name}, got "
                f"{_short(now[key])}; give the same options and data, or remove {found[-1].parent}"
            )
    part = found[-1].parent
    return part, runs / part.name.removeprefix(".").removesuffix(".part")


def _short(value: object) -> str:
    return json.dumps(value, sort_keys=True)[:300]


def summarise(
    whole: TrainingData, parts: Sequence[TrainingData], recipe: Recipe, results: dict[int, Networks],
    colours: dict[str, list[VideoResult]], trained: dict[Task, Networks], *, device: torch.device,
    begun: datetime,
) -> dict:
    """Gather everything a figure in the report depends on."""
    first = results[recipe.seed]
    methods = {
        name: {
            **assess(one.videos, seed=recipe.seed), "parameters": count_parameters(one.net),
            "ms_per_frame": one.ms_per_frame, "curve": one.curve,
            "seconds": sum(trained[recipe.seed, fold][name].seconds for fold in range(len(parts))),
        }
        for name, one in first.items()
    } | {name: assess(videos, seed=recipe.seed) for name, videos in colours.items()}
    by_fold = [
        {
            "test": part.subjects["test"],
            "methods": {
                name: _in_short(one.videos) for name, one in trained[recipe.seed, fold].items()
            },
        }
        for fold, part in enumerate(parts)
    ]
    by_seed = [
        {"seed": seed, "methods": {name: _in_short(one.videos) for name, one in networks.items()}}
        for seed, networks in results.items()
    ]
    tested = [r for part in parts for r in part.test]
    trained_on = whole.train if len(parts) == 1 else [*whole.train, *whole.test]
    subjects = {
        "train": sorted({r.subject for r in trained_on}),
        "test": sorted({r.subject for r in tested}),
    }
    return {
        "methods": methods,
        "folds": by_fold,
        "seeds": by_seed,
        "computed_from": "10 s windows every second, all windows of all test videos; "
                         "per_video_mean has one heart rate "
        "a video, the mean over its windows",
        "ms_per_frame_is": "the network alone on one 36x36 frame, batch 1, one thread, float32, "
                           "CPU, median of 60",
        "people": whole.people,
        "subjects": subjects,
        "recordings": {"train": len(trained_on), "test": len(tested)},
        "pairs": {
            "train": sum(len(r.ppg_change) for r in trained_on),
            "test": sum(len(r.ppg_change) for r in tested),
        },
        "split_hash": whole.split_hash,
        "data_hash": whole.data_hash,
        "recipe": asdict(recipe),
        "heart_rate": {
            "window_s": WINDOW_S, "step_s": STEP_S, "low_hz": LOW_HZ, "high_hz": HIGH_HZ,
            "fft_grid_bpm": HR_GRID_BPM, "peak": "parabola through the logarithm of three points",
            "main_lobe_bpm": 4 * 60 / WINDOW_S,
        },  # of a Hann window, from zero to zero
        "preprocessing": {
            "size": box.SIZE, "enlarge": box.ENLARGE, "detector": box.DETECTOR,
            "cut_sd": frames.CUT_SD, "version": frames.VERSION,
        },
        "bfloat16": multiplies_bf16(recipe.precision, device),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
        "versions": versions(),
        "begun": begun.isoformat(timespec="seconds"),
    }


def _in_short(videos: list[VideoResult]) -> dict[str, float]:
    found = assess(videos)
    return {name: found[name] for name in ("mae_bpm", "rmse_bpm", "snr_db")}


def versions() -> dict[str, str]:
    """Name the versions that figures may depend on."""
    names = ("acq", "torch", "numpy", "scipy", "opencv-python-headless", "onnxruntime")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
