"""The windows in which heart rates are compared: 10 s, one every second, none across a gap.

And the runs of times without a long hole, over which all work on times goes.
"""

from itertools import pairwise

import numpy as np

from acquire.errors import CurationError

from .filters import WINDOW_S, sliding_windows

STEP_S = 1.0
# a pair of frames further apart than this is not trained on, and no window spans it
LONGEST_STEP_S = 0.5
FEW_POINTS = 100_000    # of an even grid: that many are never too many
_MOST_POINTS = 100      # of an even grid for each time; of a recording with a hole of a minute 2


def unbroken_runs(t_s: np.ndarray, longest_s: float) -> list[slice]:
    """Return the indices of each run of times without a step longer than `longest_s`, in order.

    Work that goes over time goes over these: a hole of a year costs nothing.

    Parameters
    ----------
    t_s : (N,) rising
    """
    if not len(t_s):
        return []
    cuts = (np.flatnonzero(np.diff(t_s) > longest_s) + 1).tolist()
    return [slice(first, stop) for first, stop in pairwise([0, *cuts, len(t_s)])]


def even_grid(time_s: np.ndarray) -> tuple[np.ndarray, float]:
    """Return even times at the median rate of uneven ones, first to last, and the rate [Hz].

    Parameters
    ----------
    time_s : (T,) rising; some steps may have no length

    Raises
    ------
    CurationError : the grid would have far more points than there are times: a hole of hours, or
        most steps of nearly no length
    """
    steps = np.diff(time_s)
    fs_hz = 1 / float(np.median(steps[steps > 0]))
    if (points := (time_s[-1] - time_s[0]) * fs_hz) > FEW_POINTS + _MOST_POINTS * len(time_s):
        raise CurationError(
            expected="times without a hole of hours, and of one rate",
            found=f"{len(time_s)} times in {time_s[-1] - time_s[0]:.1f} s, most of them "
            f"{1e3 / fs_hz:.3g} ms apart: {points:.0f} points of an even grid",
            fix="are they in another unit, or is one of them wrong?",
        )
    # A hundredth of a step more: times are written to 0.1 us, and the last frame should not fall
    # off the end by that.
    return np.arange(time_s[0], time_s[-1] + 0.01 / fs_hz, 1 / fs_hz), fs_hz


def to_even_grid(values: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Interpolate (T, ...) values onto their even grid; of equal times the last value counts."""
    last_of_time = np.append(np.diff(time_s) > 0, True)
    grid_s, time_s, values = even_grid(time_s)[0], time_s[last_of_time], values[last_of_time]
    if values.ndim == 1:
        return np.interp(grid_s, time_s, values)
    columns = values.reshape(len(values), -1).T
    even = np.stack([np.interp(grid_s, time_s, column) for column in columns], axis=1)
    return even.reshape(len(grid_s), *values.shape[1:])


def window_length(fs_hz: float) -> tuple[int, int]:
    """Return the number of points in a window, and from one window to the next."""
    return round(WINDOW_S * fs_hz), max(1, round(STEP_S * fs_hz))


def trusted_windows(time_s: np.ndarray) -> np.ndarray:
    """Return which windows on the even grid span no gap between frames, (W,) bool."""
    grid_s, fs_hz = even_grid(time_s)
    length, step = window_length(fs_hz)
    after = np.clip(np.searchsorted(time_s, grid_s - 1e-9), 1, len(time_s) - 1)
    is_close = time_s[after] - time_s[after - 1] <= LONGEST_STEP_S
    return np.asarray(sliding_windows(is_close, length, step=step).all(axis=1))
