"""The detrending by smoothness priors, of Poh's ICA and of rPPG-Toolbox."""

import numpy as np


def smoothness_priors(trace: np.ndarray, smoothing: float) -> np.ndarray:
    """Subtract from a trace its smooth trend.

    The trend z is the one that makes |x - z|^2 + smoothing^2 |second differences of z|^2 least.

    Parameters
    ----------
    trace : (T,) or (T, C) float array, T >= 3
    smoothing : lambda in the papers; the larger, the slower what is taken out. Half of an
        oscillation of x radians a sample is taken out where 2 sin(x / 2) = lambda^-1/2

    Returns
    -------
    (T,) or (T, C) float64 array

    Source
    ------
    Tarvainen, Ranta-aho, Karjalainen, IEEE TBME 49(2), 2002, eq. 6.
    """
    from scipy.linalg import solveh_banded

    trace = np.asarray(trace, np.float64)
    return trace - solveh_banded(_bands(len(trace), smoothing), trace, lower=True)


def _bands(length: int, smoothing: float) -> np.ndarray:
    """Return I + smoothing^2 D'D of second differences D: the diagonal and two below it."""
    if length < 3:
        raise ValueError(f"expected at least 3 values, found {length}")
    bands = np.zeros((3, length))
    for at, weight in enumerate((1.0, -2.0, 1.0)):
        for below in range(3 - at):
            other = (1.0, -2.0, 1.0)[at + below]
            bands[below, at : at + length - 2] += weight * other
    bands *= smoothing**2
    bands[0] += 1
    return bands
