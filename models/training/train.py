"""The experiment: a teacher, a student alone, and the same student with the teacher's help; and
PhysNet beside them where asked.

The two students get the same everything: data, epochs, initial weights, batches in the same order,
the same dropout draws, optimiser and schedule. Only the loss differs. The test side is looked at
once, after the last epoch of each; no epoch and no weight is chosen by it.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from acquire.errors import TrainingError
from dataset.common.progress import OnProgress
from models.data.clips import Batch, Clips
from models.data.videos import TrainingData
from models.distillation.distill import Distillation, label_loss, shape_loss
from models.evaluation.evaluate import measure, ms_per_frame, predict
from models.evaluation.methods import NETWORKS
from models.nets.can import Net, Student, Teacher
from models.nets.physnet import PhysNet, negative_pearson

from .recipe import Recipe, Trained
from .state import Curve, keep_state, restore_state

Loss = Callable[[Batch], tuple[Tensor, dict[str, Tensor]]]


def experiment(curated: TrainingData, recipe: Recipe, *, device: torch.device, keep: Path | None = None,
               on_progress: OnProgress | None = None) -> dict[str, Trained]:
    """Train and test the networks.

    Parameters
    ----------
    keep : folder in which each training leaves where it stands after every epoch, and from which it
        goes on

    Returns
    -------
    `teacher`, `student`, `student_kd`, and `physnet` where the recipe says so, in that order
    """
    teacher = teach(curated, recipe, device=device, keep=keep, on_progress=on_progress)
    assert isinstance(teacher.net, Teacher)
    trained = {
        "teacher": teacher,
        "student": study(curated, recipe, device=device, keep=keep, on_progress=on_progress),
        "student_kd": study(
            curated, recipe, teacher=teacher.net, device=device, keep=keep, on_progress=on_progress
        ),
    }
    if recipe.physnet:
        trained["physnet"] = teach_physnet(
            curated, recipe, device=device, keep=keep, on_progress=on_progress
        )
    return trained


def teach(curated: TrainingData, recipe: Recipe, *, device: torch.device, keep: Path | None = None,
          on_progress: OnProgress | None = None) -> Trained:
    """Train and test a teacher."""
    torch.manual_seed(recipe.seed)
    net = Teacher()
    loss = _alone(lambda batch: net(batch.motion, batch.appearance).pulse, recipe)
    return _train_and_test(
        net, net, loss, curated, recipe, epochs=recipe.teacher_epochs, name="teacher",
        device=device, keep=keep, on_progress=on_progress,
    )


def study(curated: TrainingData, recipe: Recipe, *, teacher: Teacher | None = None, device: torch.device,
          keep: Path | None = None, on_progress: OnProgress | None = None) -> Trained:
    """Train and test a student, alone or with a teacher; both begin with the same weights."""
    torch.manual_seed(recipe.seed)
    net = Student()
    alone = _alone(lambda batch: net(batch.motion).pulse, recipe)
    if teacher is None:
        return _train_and_test(
            net, net, alone, curated, recipe, epochs=recipe.epochs, name="student", device=device,
            keep=keep, on_progress=on_progress,
        )
    # A copy: it is frozen and moved to the device, and the caller's stays as it was.
    whole = Distillation(net, copy.deepcopy(teacher).to(device), recipe.distill)
    before = (net, alone) if recipe.pretrain_epochs else None

    def taught(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss, parts, said = whole(batch)
        return _shaped(loss, parts, said, batch, recipe)

    return _train_and_test(
        net, whole, taught, curated, recipe, epochs=recipe.epochs, name="student_kd", before=before,
        device=device, keep=keep, on_progress=on_progress,
    )


def teach_physnet(
    curated: TrainingData, recipe: Recipe, *, device: torch.device, keep: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Trained:
    """Train and test a PhysNet, on the same frames, in clips of its own length."""
    torch.manual_seed(recipe.seed)
    net = PhysNet()
    clip = net.config.clip

    def loss(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        said = net(batch.motion.unflatten(0, (-1, clip)).transpose(1, 2))
        label = negative_pearson(said, batch.ppg_change.unflatten(0, (-1, clip)))
        return label, {"label": label.detach()}

    longer = replace(
        recipe, clip=clip, batch_clips=max(1, recipe.clip * recipe.batch_clips // clip)
    )
    return _train_and_test(
        net, net, loss, curated, longer, epochs=recipe.teacher_epochs, name="physnet",
        device=device, keep=keep, on_progress=on_progress,
    )


def _alone(say: Callable[[Batch], Tensor], recipe: Recipe) -> Loss:
    """Give the loss of a network that learns from the finger's PPG."""

    def loss(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        said = say(batch)
        label = label_loss(said, batch)
        return _shaped(label, {"label": label.detach()}, said, batch, recipe)

    return loss


def _shaped(
    loss: Tensor, parts: dict[str, Tensor], said: Tensor, batch: Batch, recipe: Recipe
) -> tuple[Tensor, dict[str, Tensor]]:
    if recipe.shape_weight > 0:
        shape = shape_loss(said, batch)
        loss, parts = loss + recipe.shape_weight * shape, {**parts, "shape": shape.detach()}
    return loss, parts


def _train_and_test(
    net: Net, whole: nn.Module, loss: Loss, curated: TrainingData, recipe: Recipe, *, epochs: int,
    name: str, before: tuple[nn.Module, Loss] | None = None, device: torch.device,
    keep: Path | None, on_progress: OnProgress | None,
) -> Trained:
    clock = time.perf_counter()
    whole.to(device)
    if not isinstance(net, PhysNet):
        whole.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    clips = Clips(
        curated.train, clip=recipe.clip, batch=recipe.batch_clips, seed=recipe.seed, device=device,
        shift=recipe.shift,
    )
    curve: Curve = []
    if before is not None:
        first, alone = before
        curve += fit(
            first, alone, clips, recipe, epochs=recipe.pretrain_epochs,
            stage=f"{NETWORKS[name]}, before", keep=keep and keep / f"{name}-before.state",
            on_progress=on_progress,
        )
    curve += fit(
        whole, loss, clips, recipe, epochs=epochs, stage=NETWORKS[name],
        keep=keep and keep / f"{name}.state", on_progress=on_progress,
    )
    seconds = time.perf_counter() - clock
    videos = [
        measure(predict(net, r, clip=recipe.clip, device=str(device)), r) for r in curated.test
    ]
    net.cpu()
    return Trained(net, curve, videos, seconds, ms_per_frame(net))


def fit(whole: nn.Module, loss: Loss, clips: Clips, recipe: Recipe, *, epochs: int, stage: str = "",
        keep: Path | None = None, on_progress: OnProgress | None = None) -> Curve:
    """Minimise `loss` over the clips: AdamW, a one-cycle schedule, every parameter of `whole`.

    Parameters
    ----------
    keep : file that says after every epoch where the training stands; where it is there already, it
        is gone on from

    Returns
    -------
    per epoch, the mean over its batches of `loss` and of each of its parts

    Raises
    ------
    TrainingError : the loss is no longer a number
    """
    # dropout draws the same for both students, whatever was built before
    torch.manual_seed(recipe.seed)
    optimiser = torch.optim.AdamW(
        whole.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = epochs * len(clips)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=steps
    )
    use_bf16 = multiplies_bf16(recipe.precision, clips.device)
    curve = (
        restore_state(keep, whole, optimiser, schedule)
        if keep is not None and keep.exists()
        else []
    )
    done = len(curve) * len(clips)
    for epoch in range(len(curve), epochs):
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
        if not all(value - value == 0 for value in curve[-1].values()):
            raise TrainingError(
                f"expected a finite loss, got {curve[-1]} in epoch {epoch + 1} of {stage}; "
                "lower the learning rate"
            )
        if keep is not None:
            keep_state(keep, whole, optimiser, schedule, curve)
    if on_progress is not None:
        on_progress(stage, steps, steps)
    return curve


def pick_device(device: str) -> torch.device:
    """Turn "auto", "cpu" or "cuda" into a device that is there."""
    if device not in ("auto", "cpu", "cuda"):
        raise TrainingError(f"expected a device auto, cpu or cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "expected a CUDA device, found none that torch can use; leave --device out to use the "
            "CPU"
        )
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def multiplies_bf16(precision: str, device: torch.device) -> bool:
    """Say whether training multiplies in bfloat16: by default where the hardware does it, which is
    twice as fast.

    Elsewhere bfloat16 is emulated, and slower than float32. Losses, weights and tests are float32
    in any case.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"expected a precision auto, float32 or bfloat16, got {precision!r}")
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(has and has())
