"""Networks of other papers, trained and tested on the same people as teacher and student.

Each has its own clips, loss and learning rate; optimiser, schedule and the number of epochs are
those of the recipe's teacher. The test videos are read once, after the last epoch.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from acquire.errors import TrainingError
from dataset.common.progress import OnProgress
from models.data.net_clips import NetClips
from models.data.videos import TrainingData
from models.evaluation.by_clips import ms_per_frame_of_clips, read_by_clips
from models.evaluation.mean_rate import count_missing
from models.published_nets.registry import find_network
from models.published_nets.spec import NetSpec, PublishedNet, reads_as_published
from models.published_nets.titles import CAN, titles

from .fit import fit
from .recipe import Recipe
from .state import STATE
from .trained import Trained


def check_beside(names: Sequence[str]) -> tuple[str, ...]:
    """Return the networks to train beside, each once and in the tables' order; "all": all of them.

    Raises
    ------
    TrainingError : there is no network of a name, or one of these cannot be loaded
    """
    known = titles()            # a wrong name is told of before a package that is broken
    for name in names:
        if name != "all" and name not in known:
            near = get_close_matches(name, known, n=1)
            raise TrainingError(
                expected=f"one of the networks {', '.join(known)}, or all", found=repr(name),
                fix=f"did you mean {near[0]}?" if near else "name one of them",
            )
    chosen = tuple(name for name in known if name in names or "all" in names)
    for name in chosen:
        find_network(name)      # now: hours of training come before its turn
    return chosen


def choose_teacher(recipe: Recipe) -> Recipe:
    """Return how is trained with the teacher that a recipe names.

    With another than the paper's no feature maps are compared, for it has none of the student's
    kind: the answer alone is learnt.

    Raises
    ------
    TrainingError : there is no such network, or it cannot be loaded; it predicts no pulse, its
        answer is not to be learnt, or it would have to start from another's weights
    """
    if (name := recipe.teacher) == CAN:
        return recipe
    known = titles()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise TrainingError(
            expected=f"{CAN} (the paper's teacher), or one of {', '.join(known)}",
            found=repr(name), where="as the teacher",
            fix=f"did you mean {near[0]}?" if near else "name one of them",
        )
    spec = _spec_of(name)
    if reads_as_published(spec).predicts == "rate":
        raise TrainingError(
            expected="a teacher that predicts a pulse",
            found=f"{spec.title}, which predicts a rate",
            fix="train it beside, and choose another teacher",
        )
    if not recipe.distill.weight_pulse:
        raise TrainingError(
            expected=f"a teacher's answer to learn, for {spec.title} has no feature maps of the "
                     "student's kind",
            found=f"distill.weight_pulse: 0 in the recipe {recipe.name}",
            fix="take another recipe, or copy it and set that key",
        )
    if recipe.init is not None:
        raise TrainingError(
            expected="the paper's teacher, where it starts from another's weights",
            found=spec.title, fix="start from scratch",
        )
    return replace(recipe, distill=replace(recipe.distill, kd="none"))


def train_beside(
    name: str, data: TrainingData, recipe: Recipe, *, device: torch.device,
    states: Path | None = None, logs: Path | None = None, config: Any = None,
    on_progress: OnProgress | None = None,
) -> Trained:
    """Train and test a network of the registry.

    Parameters
    ----------
    config : its hyperparameters; the published ones where not given
    states : folder in which the training saves its state after every epoch, and from which it is
        resumed
    logs : folder in which the training logs its losses, as TensorBoard reads them

    Raises
    ------
    TrainingError : no clip of its length to train on, the loss is no longer finite, a state does
        not fit, or a video's frames are not at hand in its size
    """
    begun = time.perf_counter()
    spec = _spec_of(name)
    torch.manual_seed(recipe.seed)
    net = spec.net(config or spec.config())
    assert isinstance(net, PublishedNet)
    trained = spec.training(net).to(device)
    clips = NetClips(
        data.train, net.reads, batch=spec.batch, seed=recipe.seed, epochs=recipe.teacher_epochs,
        device=device, mirrored=recipe.shift > 0,
    )
    curve = fit(
        trained, trained, clips, replace(recipe, learning_rate=spec.learning_rate),
        epochs=recipe.teacher_epochs, stage=spec.title,
        state_file=states and states / f"{name}{STATE}", log=logs and logs / name,
        on_progress=on_progress,
    )
    seconds = time.perf_counter() - begun
    net.cpu()        # as a checkpoint is read again
    videos = count_missing((read_by_clips(net, video) for video in data.test), data)
    return Trained(net, curve, videos, seconds, ms_per_frame_of_clips(net))


def _spec_of(name: str) -> NetSpec:
    spec = find_network(name)
    assert spec is not None     # the names were checked before
    return spec
