"""What only the extra `train` installs: refused in one line before anything is begun."""

from importlib.util import find_spec
from pathlib import Path

from acquire.errors import Fix, TrainingError


def check_installed(*also: str) -> None:
    """Refuse where the extra `train` is missing, or one of the packages `also`; imports nothing.

    Raises
    ------
    TrainingError : it is
    """
    _check("torch", "safetensors", "matplotlib", *also, expected="the extra `train`")


def check_checkpoints_readable(checkpoint: Path) -> None:
    """Refuse a checkpoint where what reads it is not installed; imports nothing.

    Raises
    ------
    TrainingError : it is not
    """
    _check(
        "torch", "safetensors", "onnx",
        expected=f"the extra `train` to read {checkpoint} (what acq export makes needs none)",
    )


def _check(*packages: str, expected: str) -> None:
    if missing := [name for name in packages if find_spec(name) is None]:
        raise TrainingError(
            expected=expected, found=f"no {', '.join(missing)} in this environment",
            fix=Fix.INSTALL_TRAIN,
        )
