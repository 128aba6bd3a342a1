"""Pearson's correlation of two traces."""

import numpy as np


def pearson_r(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's r of two (N,) traces; NaN below two values, or where one does not vary."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:      # a mean of equal values is rounded
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    power = float(a @ a) * float(b @ b)
    return float(a @ b) / power**0.5 if power > 0 else float("nan")
