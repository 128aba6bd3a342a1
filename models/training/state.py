"""An interrupted training as a file to resume from, written whole after every epoch, no pickle.

It holds the weights (with the student's embeddings), the optimiser's moments, the position in the
schedule, the state of the random numbers and the curve so far. On a CPU, a resumed training ends
with the same bits as one that was not interrupted.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from acquire.documents import Kind, parse_document
from acquire.errors import TrainingError
from models.nets.checkpoint import read_tensors, shorten_reason, write_tensors

FORMAT = "acq-training-1"
STATE = ".state"         # the end of its file's name
REMOVE_FOLDER = "remove the folder of the interrupted run"
LossCurve = list[dict[str, float]]      # per epoch: the mean of the loss and of its parts


@dataclass(frozen=True)
class _Group:
    """What the schedule changes of one group of parameters."""

    lr: float
    betas: tuple[float, float]


@dataclass(frozen=True)
class _About:
    """The header's part in JSON."""

    curve: LossCurve
    groups: list[_Group]
    last_step: int


_ABOUT = Kind(_About, "the state of a training", TrainingError, REMOVE_FOLDER)


def save_state(
    path: Path, trained: nn.Module, optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler, curve: LossCurve,
) -> None:
    """Write the state of a training after `len(curve)` epochs."""
    tensors = {
        f"weights/{name}": tensor.detach().cpu().contiguous().clone()
        for name, tensor in trained.state_dict().items()
    }
    for number, moments in optimiser.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimiser/{number}/{name}"] = (
                torch.as_tensor(value).detach().cpu().contiguous().clone()
            )
    tensors["random"] = torch.get_rng_state()
    groups = [
        {"lr": group["lr"], "betas": list(group["betas"])} for group in optimiser.param_groups
    ]
    about = {"curve": curve, "groups": groups, "last_step": schedule.last_epoch}
    write_tensors(path, tensors, {"format": FORMAT, "about": json.dumps(about)})


def restore_state(
    path: Path, trained: nn.Module, optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> LossCurve:
    """Bring a training to where `save_state` left it, and return the curve so far.

    Raises
    ------
    TrainingError : the file cannot be read, or is of another network
    """
    header, tensors = read_tensors(
        path, called="the state of a training", file_format=FORMAT, fix=REMOVE_FOLDER
    )
    about = parse_document(_ABOUT, header.get("about", "").encode(), path)
    try:
        trained.load_state_dict({
            name.removeprefix("weights/"): tensor
            for name, tensor in tensors.items() if name.startswith("weights/")
        })
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser/"):
                _, number, moment = name.split("/")
                moments.setdefault(int(number), {})[moment] = tensor
        optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        for group, saved in zip(optimiser.param_groups, about.groups, strict=True):
            group.update(lr=saved.lr, betas=saved.betas)
        schedule.last_epoch = about.last_step
        torch.set_rng_state(tensors["random"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise TrainingError(
            expected="the state of a training of this network", found=shorten_reason(error),
            where=path, fix=REMOVE_FOLDER,
        ) from error
    return about.curve
