"""Values far off all others in a trace: what a device writes for none, and digits gone wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_FEWEST = 20                 # values of which some can be called far
_BEYOND_SHARE, _FAR_SPANS, _FAR_SHARE = 0.02, 20.0, 0.005
_FILLER_SPANS = 3.0          # of all others together; between a PPG and its tops are values
_MOST_FILLERS = 0.5          # of all values
_LEAST_LEVELS = 5            # of the others: a trace of two levels has no filler


@dataclass(frozen=True)
class FarValues:
    """Some values of a trace that are far off the others."""

    places: np.ndarray       # (N,) int, rising
    value: float             # the first
    low: float               # of the others
    high: float
    is_filler: bool          # all are one value, which stands for none
    is_kept: bool            # too many to be errors: they may be what was measured

    def describe(self, name: str, at_s: float) -> str:
        """Return one line of what they are, and what is done with them.

        Parameters
        ----------
        name : of the trace
        at_s : when the first of them is [s]
        """
        count, others = len(self.places), f"{self.low:g} to {self.high:g}"
        place = f"at {self.places[0]} ({at_s:.2f} s)"
        values = f"{count} value{'s' * (count > 1)} of {name}"
        if self.is_filler:
            return (
                f"{values} are {self.value:g}, which stands for none: all others are {others}; the "
                f"first is {place}; left out"
            )
        return (
            f"{values} out of range: the first is {self.value:g} {place}, where nearly all others "
            f"are {others}; {'kept' if self.is_kept else 'left out'}"
        )


def take_out_far(values: np.ndarray) -> list[FarValues]:
    """Find values that are far off all others; all but those that are kept become NaN.

    A filler is one value, written at least twice, that is further from all others than three times
    what these span. Others are far where they are further outside of what 96 of 100 values span
    than 20 times that span; more than 1 in 200 of them may be what was measured.

    Parameters
    ----------
    values : (S,) float64; NaN where there is none
    """
    found = []
    for find in (_fillers, _out_of_range):
        known = np.flatnonzero(np.isfinite(values))
        for far in find(values, known) if len(known) >= _FEWEST else ():
            found.append(far)
            if not far.is_kept:
                values[far.places] = np.nan
    return found


def _fillers(values: np.ndarray, known: np.ndarray) -> list[FarValues]:
    levels, counts = np.unique(values[known], return_counts=True)
    for at_low, at_high in ((1, 1), (1, 0), (0, 1)):
        low, high = at_low, len(levels) - at_high
        others = levels[low:high]
        ends = [*range(low), *range(high, len(levels))]
        if len(others) < _LEAST_LEVELS or counts[ends].sum() > _MOST_FILLERS * len(known):
            continue
        least = _FILLER_SPANS * float(others[-1] - others[0])
        off = np.maximum(others[0] - levels[ends], levels[ends] - others[-1])
        if (counts[ends] > 1).all() and (off > least).all():
            return [
                FarValues(
                    known[values[known] == levels[end]], float(levels[end]), float(others[0]),
                    float(others[-1]), is_filler=True, is_kept=False,
                ) for end in ends
            ]
    return []


def _out_of_range(values: np.ndarray, known: np.ndarray) -> Iterator[FarValues]:
    ordered, beyond = np.sort(values[known]), max(1, int(_BEYOND_SHARE * len(known)))
    low, high = float(ordered[beyond]), float(ordered[-1 - beyond])
    margin = _FAR_SPANS * (high - low)
    far = known[(values[known] < low - margin) | (values[known] > high + margin)]
    if len(far) and margin > 0:
        yield FarValues(
            far, float(values[far[0]]), low, high, is_filler=False,
            is_kept=len(far) > max(1, _FAR_SHARE * len(known)),
        )
