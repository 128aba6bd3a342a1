"""The training loop."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from acquire.errors import TrainingError
from dataset.common.progress import OnProgress
from models.data.clips import Batches

from .device import uses_bfloat16
from .recipe import Recipe
from .state import LossCurve, restore_state, save_state
from .tensorboard import open_log

_log = logging.getLogger(__name__)         # a line an epoch

BatchT = TypeVar("BatchT")
# of a batch: the loss to minimise, and its parts without gradient
Loss = Callable[[BatchT], tuple[Tensor, dict[str, Tensor]]]


def fit(
    module: nn.Module, loss: Loss[BatchT], clips: Batches[BatchT], recipe: Recipe, *,
    epochs: int, stage: str = "", state_file: Path | None = None, log: Path | None = None,
    on_progress: OnProgress | None = None,
) -> LossCurve:
    """Minimise `loss` over the batches with AdamW and a one-cycle schedule.

    Parameters
    ----------
    module : whose parameters, all of them, are trained
    stage : name of this training, for `on_progress` and errors
    state_file : where the state is saved after every epoch; where the file exists already, the
        training is resumed from it
    log : folder that gets the losses of each epoch, as TensorBoard reads them

    Returns
    -------
    for each epoch, the mean over its batches of `loss` and of each of its parts

    Raises
    ------
    TrainingError : the loss is no longer finite, or the state does not fit
    """
    # the same dropout draws for both students, whatever was built before
    torch.manual_seed(recipe.seed)
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = epochs * len(clips)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=steps
    )
    curve: LossCurve = []
    if state_file is not None and state_file.exists():
        curve = restore_state(state_file, module, optimiser, schedule)
    is_bfloat16 = uses_bfloat16(recipe.precision, clips.device)
    tell = on_progress or (lambda stage, done, total: None)
    tell(stage, len(curve) * len(clips), steps)
    with open_log(log, curve) as add_to_log:
        for epoch in range(len(curve), epochs):
            module.train()
            sums: dict[str, Tensor] = {}
            for done, batch in enumerate(clips.epoch(epoch), epoch * len(clips) + 1):
                with torch.autocast(clips.device.type, torch.bfloat16, enabled=is_bfloat16):
                    total, parts = loss(batch)
                optimiser.zero_grad(set_to_none=True)
                total.backward()
                optimiser.step()
                if done < steps:
                    schedule.step()
                for name, value in {"loss": total.detach(), **parts}.items():
                    sums[name] = sums.get(name, torch.zeros((), device=clips.device)) + value
                tell(stage, done, steps)
            curve.append({name: float(value) / len(clips) for name, value in sums.items()})
            _check_finite(curve, stage)
            _log.info("%s: epoch %d of %d, loss %.4f", stage, epoch + 1, epochs, curve[-1]["loss"])
            if state_file is not None:
                save_state(state_file, module, optimiser, schedule, curve)
            add_to_log(curve)
    return curve


def _check_finite(curve: LossCurve, stage: str) -> None:
    if not all(value - value == 0 for value in curve[-1].values()):
        raise TrainingError(
            expected="a finite loss", found=curve[-1],
            where=f"in epoch {len(curve)} of {stage or 'the training'}",
            fix="lower the learning rate",
        )
