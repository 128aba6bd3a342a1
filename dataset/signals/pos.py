"""POS: the pulse from the mean colour of skin, without training.

In each window of 1.6 s the three colour traces are divided by their means and projected onto the
plane orthogonal to skin tone, where the pulse and specular motion have different directions; the
two axes there are added so that the motion cancels, and the windows are overlap-added.

Source: Wang, den Brinker, Stuijk, de Haan, "Algorithmic principles of remote PPG", IEEE TBME 64(7),
2017, algorithm 1.
"""

import numpy as np

from .filters import sliding_windows

POS_WINDOW_S = 1.6
_VALUES = 200_000           # colours that are worked on at once
_PROJECTION = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])


def pos(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse in mean skin colours.

    Parameters
    ----------
    rgb : (T, 3) float array, mean red, green and blue of the skin in each frame, > 0, at a constant
        rate
    fs_hz : frame rate [Hz]

    Returns
    -------
    (T,) float64 array, zero mean, arbitrary units; it follows the brightness of the skin, as the
    paper's does

    Raises
    ------
    ValueError : the shape is wrong, the trace is shorter than one window, or a value is not
        positive
    """
    rgb = np.asarray(rgb, np.float64)
    length = max(2, int(np.ceil(POS_WINDOW_S * fs_hz)))
    if rgb.ndim != 2 or rgb.shape[1] != 3 or len(rgb) < length:
        raise ValueError(f"expected (T >= {length}, 3), found {rgb.shape}")
    if not (np.isfinite(rgb).all() and (rgb > 0).all()):
        raise ValueError("expected positive colours, found others")
    windows = sliding_windows(rgb, length, step=1).swapaxes(0, 1)      # (L, N, 3)
    out = np.zeros(len(rgb))
    block = max(1, _VALUES // length)        # of windows at once: an hour takes gigabytes
    for first in range(0, windows.shape[1], block):
        pulses = _project(windows[:, first : first + block])
        # the last value of each window first: a frame's are added in the order of the windows
        for at in reversed(range(length)):
            out[first + at : first + at + pulses.shape[1]] += pulses[at]
    return out - out.mean()


def _project(windows: np.ndarray) -> np.ndarray:
    """Return the pulse of each window, (L, N, 3) to (L, N), zero mean.

    All windows side by side, numpy goes through them several times as fast as one after another.
    """
    normal = np.divide(windows, windows.mean(axis=0), out=np.empty(windows.shape))
    plane = normal @ _PROJECTION.T                                     # (L, N, 2)
    spread = plane.std(axis=0)                                         # (N, 2)
    ratio = np.divide(spread[:, 0], spread[:, 1], out=np.zeros(len(spread)), where=spread[:, 1] > 0)
    pulse = plane[..., 0] + ratio * plane[..., 1]
    return pulse - np.ascontiguousarray(pulse.T).mean(axis=1)          # as rounded since ever
