"""The verb `acq record`."""


def record() -> None:
    """(being written)."""
