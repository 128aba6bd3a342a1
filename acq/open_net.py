"""The network that `--net` names, opened to read a pulse; torch only for a checkpoint."""

from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from acq.extras import check_checkpoints_readable

if TYPE_CHECKING:
    from models.board.find_net import NetFile
    from models.live.pulse import LivePulse


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
    if not found.is_checkpoint:
        return open_live_pulse(found.path, executor=executor), found
    check_checkpoints_readable(found.path)
    from models.export.in_memory import open_checkpoint

    return open_live_pulse(open_checkpoint(found.path), executor=executor), found
