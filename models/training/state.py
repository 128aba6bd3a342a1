"""A training that was interrupted, as a file to go on from: after every epoch, whole, and without
pickle.

It holds the weights (the student's embeddings among them), the optimiser's moments, where the
schedule stands, the state of the random numbers and the curve so far. On a CPU, what goes on from
it ends at the same bits as what was never interrupted.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from acquire.errors import TrainingError

FORMAT = "acq-training-1"
Curve = list[dict[str, float]]


def keep_state(
    path: Path, whole: nn.Module, optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler, curve: Curve,
) -> None:
    """Write where a training stands after `len(curve)` epochs; the file appears whole or not at
    all.
    """
    tensors = {
        f"weights/{name}": tensor.detach().cpu().contiguous().clone()
        for name, tensor in whole.state_dict().items()
    }
    for number, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimiser/{number}/{name}"] = (
                torch.as_tensor(value).detach().cpu().contiguous().clone()
            )
    tensors["random"] = torch.get_rng_state()
    groups = [
        {"lr": group["lr"], "betas": list(group["betas"])} for group in optimiser.param_groups
    ]
    about = {"curve": curve, "groups": groups, "last_step": schedule.last_epoch}
    part = path.with_suffix(".part")
    part.write_bytes(save(tensors, metadata={"format": FORMAT, "about": json.dumps(about)}))
    part.replace(path)


def restore_state(
    path: Path, whole: nn.Module, optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> Curve:
    """Bring a training to where `keep_state` left it; give the curve so far.

    Raises
    ------
    TrainingError : no such file, or one of another network
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if header.get("format") != FORMAT:
            raise TrainingError(
                f"expected {FORMAT} in {path}, got "
                f"{header.get('format', 'a file without a format')}"
            )
        about = json.loads(header["about"])
        whole.load_state_dict(
            {
                name.removeprefix("weights/"): t
                for name, t in tensors.items()
                if name.startswith("weights/")
            }
        )
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser/"):
                _, number, what = name.split("/")
                state.setdefault(int(number), {})[what] = tensor
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
        for group, kept in zip(optimiser.param_groups, about["groups"], strict=True):
            group.update(lr=kept["lr"], betas=tuple(kept["betas"]))
        schedule.last_epoch = about["last_step"]
        torch.set_rng_state(tensors["random"])
        return about["curve"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"expected a training to go on from in {path}, got {reason}; remove its folder"
        ) from error
