"""The verb `acq train-kd`."""


def train_kd() -> None:
    """(being written)."""
