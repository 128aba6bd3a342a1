"""Are a stream's times those of the host's clock? Told from the times themselves beside those of
arrival.

Nothing arrives before it happened, and some of it arrives at once: in each second, the least delay
between a time and its arrival is free of the adapter's holding (up to 16 ms) and of a busy host.
Along a session those least delays lie on a level line. A slope is an error of rate; a step is a
clock that was set, or stamps that were shifted, and is taken out before the slope is told.
"""

from dataclasses import dataclass

import numpy as np

_BLOCK_S = 1.0
_LEAST_BLOCKS = 8
_AROUND = 3                        # blocks before and after that tell a step


@dataclass(frozen=True)
class ClockCheck:
    """A stream's clock against the host's."""

    rate_error: float | None       # of one; None: too short, or arrivals say nothing
    # when [s, in the times given], by how much the delay grew [s]
    steps: tuple[tuple[float, float], ...]


def check_clock(t_s: np.ndarray, arrival_s: np.ndarray) -> ClockCheck:
    """Compare times with arrivals; only their differences matter.

    Parameters
    ----------
    t_s, arrival_s : (N,) rising
    """
    if len(t_s) < 2:
        return ClockCheck(None, ())
    block = ((arrival_s - arrival_s[0]) // _BLOCK_S).astype(int)
    # Equal to the last bit: nobody noted arrivals, or the times were made from them.
    delay = arrival_s - t_s
    firsts = np.flatnonzero(np.diff(block, prepend=-1))
    if len(firsts) < _LEAST_BLOCKS or np.ptp(delay) == 0:
        return ClockCheck(None, ())
    least = np.minimum.reduceat(delay, firsts)
    ends = [*firsts[1:], len(delay)]
    at = np.array(
        [first + int(np.argmin(delay[first:end])) for first, end in zip(firsts, ends, strict=True)]
    )
    steps = _steps(least)
    flat = least.copy()
    for i, size in steps:
        flat[i:] -= size
    x, y = arrival_s[at], flat
    i, j = np.triu_indices(len(x), 1)
    far = x[j] - x[i] > (x[-1] - x[0]) / 3
    slope = float(np.median((y[j] - y[i])[far] / (x[j] - x[i])[far]))          # Theil-Sen
    return ClockCheck(-slope, tuple((float(t_s[firsts[i]]), size) for i, size in steps))


def _steps(least: np.ndarray) -> list[tuple[int, float]]:
    """Find where the level changes and stays: the block it begins at, and by how much."""
    found = []
    for i in range(_AROUND, len(least) - _AROUND + 1):
        before, after = least[i - _AROUND : i], least[i : i + _AROUND]
        gap = float(np.median(after) - np.median(before))
        wide = max(np.ptp(before), np.ptp(after))
        if abs(gap) > 3 * wide + 0.005 and abs(least[i] - least[i - 1]) > 0.7 * abs(gap):
            found.append((i, gap))
    return found
