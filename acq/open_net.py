"""The network that `--net` names, opened to read a pulse; torch only for a checkpoint."""

from concurrent.futures import Executor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.errors import TrainingError

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
    check_torch(found.path)
    from models.export.in_memory import open_checkpoint

    return open_live_pulse(open_checkpoint(found.path), executor=executor), found


def check_torch(checkpoint: Path) -> None:
    """Refuse a checkpoint where what reads it is not installed; imports nothing.

    Raises
    ------
    TrainingError : it is not
    """
    missing = [name for name in ("torch", "safetensors", "onnx") if find_spec(name) is None]
    if missing:
        raise TrainingError(
            expected=f"{missing[0]}, which reads a checkpoint", found="no such package here",
            where=f"for {checkpoint}",
            fix="run acq export where it is installed and name the ONNX file; or install it: "
                "pip install 'acq[train]'",
        )
