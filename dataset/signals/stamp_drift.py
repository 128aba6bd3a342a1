"""How far a stream's time stamps drift from the host's clock, by the times of arrival.

Nothing arrives before it happened, and some of it arrives at once: in each second, the least delay
between a time and its arrival is free of the adapter's holding (up to 16 ms) and of a busy host.
Along a session those least delays lie on a level line. A slope is an error of rate; a step is a
clock that was set, or stamps that were shifted, and is taken out before the slope is measured.
"""

from dataclasses import dataclass

import numpy as np

_BLOCK_S = 1.0
_MIN_BLOCKS = 8
_MOST_BLOCKS = 4000                # of which all pairs are compared: 8 million
_AROUND = 3                        # blocks before and after in which a step must show


@dataclass(frozen=True)
class StampDrift:
    """A stream's time stamps against the host's clock."""

    rate_error: float | None       # relative; None: too short, or arrivals contain nothing
    # when [s, on the axis of the stamps], and by how much the delay grew [s]
    steps: tuple[tuple[float, float], ...]


def measure_stamp_drift(t_s: np.ndarray, arrival_s: np.ndarray) -> StampDrift:
    """Compare stamps with arrivals; only their differences matter.

    Parameters
    ----------
    t_s, arrival_s : (N,) float arrays, rising
    """
    if len(t_s) < 2:
        return StampDrift(None, ())
    block = ((arrival_s - arrival_s[0]) // _BLOCK_S).astype(int)
    delay = arrival_s - t_s
    firsts = np.flatnonzero(np.diff(block, prepend=-1))
    # delays equal to the last bit: arrivals were not noted, or the stamps were made from them
    if len(firsts) < _MIN_BLOCKS or np.ptp(delay) == 0:
        return StampDrift(None, ())
    least = np.minimum.reduceat(delay, firsts)
    ends = [*firsts[1:], len(delay)]
    at = np.array(
        [first + int(np.argmin(delay[first:end])) for first, end in zip(firsts, ends, strict=True)]
    )
    steps = _find_steps(least)
    level = least.copy()
    for i, size in steps:
        level[i:] -= size
    # each pair of these gives a slope
    chosen = np.linspace(0, len(at) - 1, min(len(at), _MOST_BLOCKS)).round().astype(int)
    x, y = arrival_s[at][chosen], level[chosen]
    slopes = []
    for i in range(len(x) - 1):
        rise, run = y[i + 1 :] - y[i], x[i + 1 :] - x[i]
        far = run > (x[-1] - x[0]) / 3
        slopes.append(rise[far] / run[far])
    slope = float(np.median(np.concatenate(slopes), overwrite_input=True))     # Theil-Sen
    return StampDrift(-slope, tuple((float(t_s[firsts[i]]), size) for i, size in steps))


def _find_steps(least: np.ndarray) -> list[tuple[int, float]]:
    """Find where the level changes and stays: the first block after it, and the change [s]."""
    steps = []
    for i in range(_AROUND, len(least) - _AROUND + 1):
        before, after = least[i - _AROUND : i], least[i : i + _AROUND]
        change = float(np.median(after) - np.median(before))
        spread = max(np.ptp(before), np.ptp(after))
        if abs(change) > 3 * spread + 0.005 and abs(least[i] - least[i - 1]) > 0.7 * abs(change):
            steps.append((i, change))
    return steps
