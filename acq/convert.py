"""The verb `acq convert`."""


def convert() -> None:
    """(being written)."""
