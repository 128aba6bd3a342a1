"""The network that `--net` names, opened to read a pulse; torch only for a checkpoint."""

from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from acq.advice import advise
from acq.extras import check_checkpoints_readable
from acq.terminal.printing import warn
from acquire.errors import Fix, TrainingError

if TYPE_CHECKING:
    from models.board.find_net import NetFile
    from models.live.pulse import LivePulse, PulseNet


def open_pulse(
    named: Path | None, data: Path, *, executor: Executor | None = None
) -> tuple["LivePulse", "NetFile"]:
    """Open a network and the face finder; return also which network it is.

    Parameters
    ----------
    named : as `models.board.find_net.find_net`
    executor : runs the search for faces beside the frames

    Raises
    ------
    TrainingError : no such network, or a checkpoint where torch is not installed
    """
    from models.board.find_net import find_net
    from models.live.pulse import open_live_pulse

    found = find_net(named, data)
    if found.is_checkpoint:
        check_checkpoints_readable(found.path)
        from models.export.in_memory import open_checkpoint

        pulse = open_live_pulse(open_checkpoint(found.path), executor=executor)
    else:
        pulse = open_live_pulse(found.path, executor=executor)
    if not _sees(pulse.net):
        warn(advise(TrainingError(
            expected="a network that reads a pulse",
            found="one that gives the same for every picture", where=found.path,
            fix=Fix.TRAIN_AGAIN,
        ), "predict"))
    return pulse, found


def _sees(net: "PulseNet") -> bool:
    """Return whether a network gives two numbers for two pictures; none of weights 0 does."""
    import numpy as np

    from dataset.face.box import SIZE

    noise = np.random.default_rng(0).standard_normal((2, 3, SIZE, SIZE), np.float32)
    first, second = net.predict(noise, np.abs(noise))
    return bool(first != second)
