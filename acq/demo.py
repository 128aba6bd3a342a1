"""The verb `acq demo`."""


def demo() -> None:
    """(being written)."""
