"""What only an extra installs: refused in one line before anything is begun."""

from importlib.util import find_spec
from pathlib import Path

from acquire.errors import AcqError, Fix, TrainingError


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


def check_studio_installed() -> None:
    """Refuse where the extra `studio` is missing; imports nothing.

    Raises
    ------
    AcqError : it is
    """
    if found := _missing("markdown_it", "starlette", "uvicorn", "websockets"):
        raise AcqError(expected="the extra `studio`", found=found, fix=Fix.INSTALL_STUDIO)


def check_hrv_installed(is_asked_for: bool) -> bool:
    """Refuse `--hrv` where its extra is missing; imports nothing. Called as that option is read.

    Raises
    ------
    AcqError : it is
    """
    if is_asked_for and (found := _missing("neurokit2")):
        raise AcqError(expected="the extra `hrv`", found=found, fix=Fix.INSTALL_HRV)
    return is_asked_for


def check_tensorboard_installed(is_asked_for: bool) -> bool:
    """Refuse `--tensorboard` where its extra is missing; imports nothing. Called as it is read.

    Raises
    ------
    AcqError : it is
    """
    if is_asked_for and (found := _missing("tensorboard")):
        raise AcqError(
            expected="the extra `tensorboard`", found=found, fix=Fix.INSTALL_TENSORBOARD
        )
    return is_asked_for


def _check(*packages: str, expected: str) -> None:
    if found := _missing(*packages):
        raise TrainingError(expected=expected, found=found, fix=Fix.INSTALL_TRAIN)


def _missing(*packages: str) -> str:
    """Name the packages that are not installed; "" where all are."""
    missing = [name for name in packages if find_spec(name) is None]
    return f"no {', '.join(missing)} in this environment" if missing else ""
