"""Where a peak lies between the points of a grid."""

import numpy as np


def peak_offset(values: np.ndarray, at: int) -> float:
    """Return how far the peak of `values` is from index `at`, by a parabola through three points.

    Parameters
    ----------
    values : (N,) float array
    at : the index of a local maximum

    Returns
    -------
    -0.5 to 0.5 [points]; 0 where `at` is an end of `values`, or the three points have no maximum
    """
    if not 0 < at < len(values) - 1:
        return 0.0
    left, middle, right = (float(value) for value in values[at - 1 : at + 2])
    bend = left - 2 * middle + right
    return 0.5 * (left - right) / bend if bend < 0 else 0.0
