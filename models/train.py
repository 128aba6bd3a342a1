"""The experiment: a teacher, a student alone, and the same student with the teacher's help.

The two students get the same everything: data, epochs, initial weights, batches in the same order, the same dropout
draws, optimiser and schedule. Only the loss differs. The test side is looked at once, after the last epoch of each; no
epoch and no weight is chosen by it.
"""

import copy
import json
import platform
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from acquire.errors import TrainingError
from acquire.layout import runs_dir
from dataset import face, frames
from dataset.signals import HIGH_HZ, HR_GRID_BPM, LOW_HZ, WINDOW_S
from dataset.workers import Workers

from .checkpoint import save_checkpoint
from .data import Batch, Clips, Curated, OnProgress, load_curated
from .distill import Distillation, DistillConfig, label_loss
from .evaluate import VideoResult, assess, measure, ms_per_frame, predict
from .json_numbers import finite
from .nets import Net, Student, Teacher, count_parameters
from .windows import STEP_S

STAGES = {"teacher": "teacher", "student": "student alone", "student_kd": "student + KD"}


@dataclass(frozen=True)
class Recipe:
    """How networks are trained; the defaults fit a first experiment of minutes on two cores."""

    epochs: int = 12                # of each student
    teacher_epochs: int = 12
    seed: int = 0
    clip: int = 8                   # adjacent pairs of frames that share attention masks
    batch_clips: int = 8            # so 64 pairs a step
    learning_rate: float = 1e-3     # at the top of the one-cycle schedule
    weight_decay: float = 1e-2      # AdamW's
    distill: DistillConfig = field(default_factory=DistillConfig)
    shift: int = 3                  # pixels of 36 by which clips are shifted at most while training, and mirrored; 0: neither
    precision: str = "auto"         # or "float32", "bfloat16": of the multiplications while training


@dataclass(frozen=True)
class Trained:
    """One network after training and test."""

    net: Net
    curve: list[dict[str, float]]   # per epoch, the mean of the loss and of its parts
    videos: list[VideoResult]
    seconds: float                  # of training
    ms_per_frame: float


@dataclass(frozen=True)
class RunResult:
    """What a run left behind."""

    folder: Path
    report: Path
    metrics: dict                   # what metrics.json holds


def train_kd(data: Path, *, recipe: Recipe | None = None, device: str = "auto", allow_mixed: bool = False,
             workers: Workers | None = None, on_progress: OnProgress | None = None) -> RunResult:
    """Train teacher, student and student + KD on a data folder; write checkpoints, metrics and report to `runs/`.

    Parameters
    ----------
    data : folder that holds `ubfc/`
    recipe : how to train; the defaults where not given
    device : "auto", "cpu" or "cuda"
    allow_mixed : whether virtual and real subjects may be trained on together
    workers : who finds the faces and averages the frames of new videos; None is this process
    on_progress : called with the stage, what is done, and the total

    Raises
    ------
    SplitError, CurationError, TrainingError : the data cannot be trained on; raised before training starts
    """
    from .report import write_report

    recipe = recipe or Recipe()
    where = pick_device(device)
    begun = datetime.now(timezone.utc)
    clock = time.perf_counter()
    curated = load_curated(data, allow_mixed=allow_mixed, workers=workers, on_progress=on_progress)
    loaded_s = time.perf_counter() - clock

    part, folder = claim_folder(runs_dir(data), begun)
    try:
        trained = experiment(curated, recipe, device=where, on_progress=on_progress)
        metrics = summarise(curated, recipe, trained, device=where, begun=begun)
        about = {"recipe": asdict(recipe), "versions": versions(), "subjects": curated.subjects}
        for name, one in trained.items():
            save_checkpoint(part / f"{name}.safetensors", one.net, split_hash=curated.split_hash,
                            data_hash=curated.data_hash, about=about)
        metrics["seconds"] = {"load": loaded_s, **{name: one.seconds for name, one in trained.items()},
                              "all": time.perf_counter() - clock}
        write_report(part / "report.html", curated, trained, metrics)
        (part / "metrics.json").write_text(json.dumps(finite(metrics), indent=1, allow_nan=False))
        part.rename(folder)
    except BaseException:    # Ctrl-C too: a run that did not end leaves nothing
        shutil.rmtree(part)
        raise
    return RunResult(folder, folder / "report.html", metrics)


def claim_folder(runs: Path, begun: datetime) -> tuple[Path, Path]:
    """Make the hidden folder a run writes into, and name the one it becomes; no other run gets either.

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
                if not folder.exists():    # looked at while `part` is ours, so that no other run can become `folder` meanwhile
                    return part, folder
                part.rmdir()
            number += 1
    except OSError as error:
        raise TrainingError(f"expected to make a folder for the run in {runs}, got: {error}") from error


def experiment(curated: Curated, recipe: Recipe, *, device: torch.device,
               on_progress: OnProgress | None = None) -> dict[str, Trained]:
    """Train and test the three networks; nothing is written.

    Returns
    -------
    `teacher`, `student` and `student_kd`, in that order
    """
    teacher = teach(curated, recipe, device=device, on_progress=on_progress)
    assert isinstance(teacher.net, Teacher)
    return {
        "teacher": teacher,
        "student": study(curated, recipe, device=device, on_progress=on_progress),
        "student_kd": study(curated, recipe, teacher=teacher.net, device=device, on_progress=on_progress),
    }


def teach(curated: Curated, recipe: Recipe, *, device: torch.device,
          on_progress: OnProgress | None = None) -> Trained:
    """Train and test a teacher."""
    torch.manual_seed(recipe.seed)
    net = Teacher()

    def loss(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        label = label_loss(net(batch.motion, batch.appearance).pulse, batch)
        return label, {"label": label.detach()}

    return _train_and_test(net, net, loss, curated, recipe, epochs=recipe.teacher_epochs, stage="teacher",
                           device=device, on_progress=on_progress)


def study(curated: Curated, recipe: Recipe, *, teacher: Teacher | None = None, device: torch.device,
          on_progress: OnProgress | None = None) -> Trained:
    """Train and test a student, alone or with a teacher; both begin with the same weights."""
    torch.manual_seed(recipe.seed)
    net = Student()
    if teacher is None:
        def alone(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
            label = label_loss(net(batch.motion).pulse, batch)
            return label, {"label": label.detach()}

        whole, loss, stage = net, alone, "student"
    else:
        # A copy: it is frozen and moved to the device, and the caller's stays as it was.
        whole = loss = Distillation(net, copy.deepcopy(teacher).to(device), recipe.distill)
        stage = "student_kd"
    return _train_and_test(net, whole, loss, curated, recipe, epochs=recipe.epochs, stage=stage, device=device,
                           on_progress=on_progress)


def _train_and_test(net: Net, whole: nn.Module, loss: Callable[[Batch], tuple[Tensor, dict[str, Tensor]]],
                    curated: Curated, recipe: Recipe, *, epochs: int, stage: str, device: torch.device,
                    on_progress: OnProgress | None) -> Trained:
    clock = time.perf_counter()
    whole.to(device, memory_format=torch.channels_last)    # type: ignore[call-overload]
    clips = Clips(curated.train, clip=recipe.clip, batch=recipe.batch_clips, seed=recipe.seed, device=device,
                  shift=recipe.shift)
    curve = fit(whole, loss, clips, recipe, epochs=epochs, on_progress=on_progress, stage=STAGES[stage])
    seconds = time.perf_counter() - clock
    videos = [measure(predict(net, r, clip=recipe.clip, device=str(device)), r) for r in curated.test]
    net.cpu()
    return Trained(net, curve, videos, seconds, ms_per_frame(net))


def fit(whole: nn.Module, loss: Callable[[Batch], tuple[Tensor, dict[str, Tensor]]], clips: Clips, recipe: Recipe, *,
        epochs: int, stage: str = "", on_progress: OnProgress | None = None) -> list[dict[str, float]]:
    """Minimise `loss` over the clips: AdamW, a one-cycle schedule, every parameter of `whole`.

    Returns
    -------
    per epoch, the mean over its batches of `loss` and of each of its parts

    Raises
    ------
    TrainingError : the loss is no longer a number
    """
    torch.manual_seed(recipe.seed)    # dropout draws the same for both students, whatever was built before
    optimiser = torch.optim.AdamW(whole.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = epochs * len(clips)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=steps)
    use_bf16 = multiplies_bf16(recipe.precision, clips.device)
    curve, done = [], 0
    for epoch in range(epochs):
        whole.train()
        sums: dict[str, Tensor] = {}
        for batch in clips.epoch(epoch):
            with torch.autocast(clips.device.type, torch.bfloat16, enabled=use_bf16):
                total, parts = loss(batch)
            optimiser.zero_grad(set_to_none=True)
            total.backward()
            optimiser.step()
            done += 1
            if done < steps:
                schedule.step()
            for name, value in {"loss": total.detach(), **parts}.items():
                sums[name] = sums.get(name, torch.zeros((), device=clips.device)) + value
            if on_progress is not None:
                on_progress(stage, done, steps)
        curve.append({name: float(value) / len(clips) for name, value in sums.items()})
        if not all(map(_is_number, curve[-1].values())):
            raise TrainingError(f"expected a finite loss, got {curve[-1]} in epoch {epoch + 1} of {stage}; "
                                "lower the learning rate")
    return curve


def pick_device(device: str) -> torch.device:
    """Turn "auto", "cpu" or "cuda" into a device that is there."""
    if device not in ("auto", "cpu", "cuda"):
        raise TrainingError(f"expected a device auto, cpu or cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("expected a CUDA device, found none that torch can use; leave --device out to use the CPU")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def multiplies_bf16(precision: str, device: torch.device) -> bool:
    """Say whether training multiplies in bfloat16: by default where the hardware does it, which is twice as fast.

    Elsewhere bfloat16 is emulated, and slower than float32. Losses, weights and tests are float32 in any case.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"expected a precision auto, float32 or bfloat16, got {precision!r}")
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(has and has())


def summarise(curated: Curated, recipe: Recipe, trained: dict[str, Trained], *, device: torch.device,
              begun: datetime) -> dict:
    """Gather everything a figure in the report depends on."""
    summary: dict = {}
    for name, one in trained.items():
        summary[name] = {
            **assess(one.videos, seed=recipe.seed),
            "parameters": count_parameters(one.net), "ms_per_frame": one.ms_per_frame,
            "curve": one.curve,
        }
    return {
        **summary,
        "computed_from": "10 s windows every second, all windows of all test videos; per_video_mean has one heart rate "
                         "a video, the mean over its windows",
        "ms_per_frame_is": "the network alone on one 36x36 frame, batch 1, one thread, float32, CPU, median of 60",
        "people": curated.people, "subjects": curated.subjects,
        "recordings": {"train": len(curated.train), "test": len(curated.test)},
        "pairs": {"train": sum(len(r.change) for r in curated.train), "test": sum(len(r.change) for r in curated.test)},
        "split_hash": curated.split_hash, "data_hash": curated.data_hash, "recipe": asdict(recipe),
        "heart_rate": {"window_s": WINDOW_S, "step_s": STEP_S, "low_hz": LOW_HZ, "high_hz": HIGH_HZ,
                       "fft_grid_bpm": HR_GRID_BPM, "peak": "parabola through the logarithm of three points",
                       "main_lobe_bpm": 4 * 60 / WINDOW_S},    # of a Hann window, from zero to zero
        "preprocessing": {"size": frames.SIZE, "enlarge": face.ENLARGE, "detector": face.DETECTOR,
                          "cut_sd": frames.CUT_SD, "version": frames.VERSION},
        "bfloat16": multiplies_bf16(recipe.precision, device), "device": str(device), "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(), "versions": versions(),
        "begun": begun.isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """Name the versions that figures may depend on."""
    names = ("acq", "torch", "numpy", "scipy", "opencv-python-headless", "facenet-pytorch")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def _is_number(value: float) -> bool:
    return value - value == 0
