"""The experiment: a teacher, a student alone, a student with the teacher's help, others beside.

Any network that predicts a pulse can be the teacher. One without feature maps of the student's kind
is asked once, after its training, what it predicts of each pair to learn from; the student learns
these answers beside the labels.

The two students get the same data, epochs, initial weights, batches in the same order, dropout
draws, optimiser and schedule. Only the loss differs. The test videos are read once, after the last
epoch of each network; no epoch and no weight is chosen by them.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dataset.common.progress import OnProgress
from models.data.clips import Batch, Clips
from models.data.videos import TrainingData
from models.distillation.distill import Distillation, label_loss, shape_loss
from models.evaluation.by_clips import answers_of
from models.evaluation.inference import ms_per_frame, predict_changes
from models.evaluation.mean_rate import count_missing
from models.evaluation.methods import NETWORK_TITLES
from models.evaluation.video_result import evaluate_changes
from models.nets.can import Net, Student, Teacher
from models.published_nets.titles import CAN

from .beside import train_beside
from .fit import Loss, fit
from .recipe import Recipe
from .state import STATE, LossCurve
from .teacher_init import recipe_of_teacher
from .trained import Trained


@dataclass(frozen=True)
class _Phase:
    """What is minimised over the clips, and for how long."""

    module: nn.Module           # whose parameters are trained
    loss: Loss
    epochs: int


def train_networks(
    data: TrainingData, recipe: Recipe, *, init: Teacher | None = None, device: torch.device,
    states: Path | None = None, logs: Path | None = None, on_progress: OnProgress | None = None,
) -> dict[str, Trained]:
    """Train and test all networks of an experiment.

    Parameters
    ----------
    init : what the teacher starts from; None: from scratch, as all others do
    states : folder in which each training saves its state after every epoch, and from which it is
        resumed
    logs : folder in which each training logs its losses, as TensorBoard reads them
    on_progress : called with the stage, the steps done and the steps in all

    Returns
    -------
    `teacher`, `student`, `student_kd`, and those that the recipe has beside, in that order

    Raises
    ------
    TrainingError : no clip to train on, the loss is no longer finite, or a state does not fit
    """
    common: dict[str, Any] = {
        "device": device, "states": states, "logs": logs, "on_progress": on_progress
    }
    if recipe.teacher == CAN:
        teacher = train_teacher(data, recipe, init=init, **common)
    else:
        teacher = train_beside(recipe.teacher, data, recipe, **common)
    trained = {
        "teacher": teacher,
        "student": train_student(data, recipe, **common),
        "student_kd": train_student(data, recipe, teacher=teacher.net, **common),
    }
    for name in recipe.also:
        is_teacher = name == recipe.teacher
        trained[name] = teacher if is_teacher else train_beside(name, data, recipe, **common)
    return trained


def train_teacher(
    data: TrainingData, recipe: Recipe, *, init: Teacher | None = None, device: torch.device,
    states: Path | None = None, logs: Path | None = None, on_progress: OnProgress | None = None,
) -> Trained:
    """Train and test a teacher; see `train_networks`."""
    recipe = recipe_of_teacher(recipe, init)
    torch.manual_seed(recipe.seed)
    net = Teacher()
    if init is not None:
        net.load_state_dict(init.state_dict())
    loss = _loss_on_ppg(lambda batch: net(batch.motion, batch.appearance).pulse, recipe)
    return _train_and_test(
        "teacher", net, [_Phase(net, loss, recipe.teacher_epochs)], data, recipe, device=device,
        states=states, logs=logs, on_progress=on_progress,
    )


def train_student(
    data: TrainingData, recipe: Recipe, *, teacher: Net | None = None, device: torch.device,
    states: Path | None = None, logs: Path | None = None, on_progress: OnProgress | None = None,
) -> Trained:
    """Train and test a student, alone or with a teacher; both begin with the same weights.

    The teacher stays as it is. One that is no `Teacher` teaches its answers only, which it gives
    of the videos as they are: where clips are shifted and mirrored, the answer is not. Else see
    `train_networks`.
    """
    torch.manual_seed(recipe.seed)
    net = Student()
    alone = _loss_on_ppg(lambda batch: net(batch.motion).pulse, recipe)
    if teacher is None:
        return _train_and_test(
            "student", net, [_Phase(net, alone, recipe.epochs)], data, recipe, device=device,
            states=states, logs=logs, on_progress=on_progress,
        )
    # A copy: it is frozen and moved to the device, and the caller's is not changed.
    asked, answers = None, None
    if isinstance(teacher, Teacher):
        asked = copy.deepcopy(teacher).to(device)
    else:
        answers = [answers_of(teacher, video) for video in data.train]
    distillation = Distillation(net, asked, recipe.distill)

    def taught(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        loss, parts, predicted = distillation(batch)
        return _add_shape_loss(loss, parts, predicted, batch, recipe)

    phases = [_Phase(distillation, taught, recipe.epochs)]
    if recipe.pretrain_epochs:
        phases.insert(0, _Phase(net, alone, recipe.pretrain_epochs))
    return _train_and_test(
        "student_kd", net, phases, data, recipe, device=device, states=states, logs=logs,
        on_progress=on_progress, answers=answers,
    )


def _loss_on_ppg(predict: Callable[[Batch], Tensor], recipe: Recipe) -> Loss:
    """Return the loss of a network that learns from the finger's PPG only."""

    def loss(batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        predicted = predict(batch)
        label = label_loss(predicted, batch)
        return _add_shape_loss(label, {"label": label.detach()}, predicted, batch, recipe)

    return loss


def _add_shape_loss(
    loss: Tensor, parts: dict[str, Tensor], predicted: Tensor, batch: Batch, recipe: Recipe
) -> tuple[Tensor, dict[str, Tensor]]:
    """Add the loss on the pulse's shape, where the recipe gives it a weight."""
    if recipe.shape_weight > 0:
        shape = shape_loss(predicted, batch)
        loss, parts = loss + recipe.shape_weight * shape, {**parts, "shape": shape.detach()}
    return loss, parts


def _train_and_test(
    name: str, net: Net, phases: list[_Phase], data: TrainingData, recipe: Recipe, *,
    device: torch.device, states: Path | None, logs: Path | None, on_progress: OnProgress | None,
    answers: list[Tensor] | None = None,
) -> Trained:
    """Train a network in one phase after another, then let it read the test videos."""
    begun = time.perf_counter()
    last = phases[-1].module
    last.to(device)
    last.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    clips = Clips(
        data.train, clip=recipe.clip, batch=recipe.batch_clips, seed=recipe.seed, device=device,
        shift=recipe.shift, answers=answers,
    )
    curve: LossCurve = []
    for phase in phases:
        is_last = phase is phases[-1]
        file = name if is_last else f"{name}-before"
        curve += fit(
            phase.module, phase.loss, clips, recipe, epochs=phase.epochs,
            stage=NETWORK_TITLES[name] + ("" if is_last else ", before"),
            state_file=states and states / f"{file}{STATE}", log=logs and logs / file,
            on_progress=on_progress,
        )
    seconds = time.perf_counter() - begun
    # as a checkpoint is read again: on the CPU, its weights in their usual order
    net.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    videos = count_missing(
        (
            evaluate_changes(predict_changes(net, video, clip=recipe.clip), video)
            for video in data.test
        ),
        data,
    )
    return Trained(net, curve, videos, seconds, ms_per_frame(net))
