"""The verb `acq simulate`."""


def simulate() -> None:
    """(being written)."""
