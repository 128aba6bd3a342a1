"""The verb `acq split`."""


def split() -> None:
    """(being written)."""
