"""What only an extra installs: refused in one line before anything is begun."""

from importlib.util import find_spec

from acquire.errors import TrainingError


def check_installed(*also: str) -> None:
    """Refuse where the extra `train` is missing, or one of the packages `also`; imports nothing.

    Raises
    ------
    TrainingError : it is
    """
    wanted = ("torch", "safetensors", "matplotlib", *also)
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"expected the extra `train`, found no {', '.join(missing)} in this environment; "
            "pip install -c constraints.txt -e '.[train]'"
        )
