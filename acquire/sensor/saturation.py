"""Where a PPG is cut off at the ends of its range, of whatever unit."""

import numpy as np

_SHORTEST = 3              # equal values in a row
_STEEP = 2.5               # smallest steps of the trace that lead to a cut-off top; a round one: 1
_FEWEST_RUNS = 3
_LEAST_SHARE = 0.01        # of all values at one end; less may be chance
_STANDS = 0.2              # of all values in one run: it stands at the end of its range


def find_saturated(ppg: np.ndarray) -> np.ndarray:
    """Mark the values that lie at an end of the range in rows, entered or left by a steep step.

    A round top of few levels has rows of equal values, too, but comes to them by single steps.

    Parameters
    ----------
    ppg : (S,) float64; NaN where there is no value

    Returns
    -------
    (S,) bool; all False where the trace is not saturated
    """
    saturated = np.zeros(len(ppg), bool)
    known = np.flatnonzero(np.isfinite(ppg))
    values = ppg[known]
    levels = np.unique(values)
    if len(levels) < 3:
        return saturated
    # of whole numbers not all levels need to have come up
    is_whole = bool((values == np.round(values)).all())
    smallest = 1.0 if is_whole else float(np.diff(levels).min())
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    ends = np.append(starts[1:], len(values))
    before = np.abs(values[starts] - values[np.maximum(starts - 1, 0)])
    after = np.abs(values[np.minimum(ends, len(values) - 1)] - values[ends - 1])
    lengths = ends - starts
    steep = np.maximum(before, after) > _STEEP * smallest
    for level in levels[[0, -1]]:
        at_end = values[starts] == level
        cut = at_end & (lengths >= _SHORTEST) & (steep | (lengths > _STANDS * len(values)))
        share = lengths[cut].sum() / len(values)
        if share >= _STANDS or (share >= _LEAST_SHARE and cut.sum() >= _FEWEST_RUNS):
            saturated[known[values == level]] = True
    return saturated
