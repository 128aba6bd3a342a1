"""The losses of a training as TensorBoard reads them (extra `tensorboard`), while it goes on."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .state import LossCurve

FOLDER = "tensorboard"          # of a run, in it


@contextmanager
def open_log(folder: Path | None, curve: LossCurve) -> Iterator[Callable[[LossCurve], None]]:
    """Begin a training's log with what is trained already; yield what adds the last epoch to it.

    What an interrupted training logged is removed: the state that it goes on from holds it all.
    Where the extra is missing, as on another machine that resumes it, it is warned of, and goes on.

    Parameters
    ----------
    folder : of this training alone; None: no log
    """
    if folder is None:
        yield lambda curve: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        warnings.warn(
            "the extra `tensorboard` is missing: the training goes on without its logs",
            stacklevel=2,
        )
        yield lambda curve: None
        return

    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:

        def add(curve: LossCurve) -> None:
            for part, value in curve[-1].items():
                writer.add_scalar(part, value, len(curve))
            writer.flush()          # TensorBoard sees it at once

        for epochs in range(1, len(curve) + 1):
            add(curve[:epochs])
        yield add
