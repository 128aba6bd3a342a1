"""The verb `acq info`."""


def info() -> None:
    """(being written)."""
