"""The losses of a run as TensorBoard reads them (extra `tensorboard`): a log a network."""

from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


def write_losses(run: Path, metrics: dict[str, Any]) -> Path:
    """Write each epoch's mean loss and its parts into the run; return the folder of the logs.

    Parameters
    ----------
    metrics : of the run, as in its metrics.json: curves are those of its own seed's first fold
    """
    from torch.utils.tensorboard import SummaryWriter

    for name, method in metrics["methods"].items():
        if "curve" not in method:                        # not trained
            continue
        with SummaryWriter(str(run / FOLDER / name)) as writer:
            for epoch, losses in enumerate(method["curve"], start=1):
                for part, value in losses.items():
                    writer.add_scalar(part, value, epoch)
    return run / FOLDER
