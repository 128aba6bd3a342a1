"""Strictly rising times for published stamps, which repeat, go back and leave gaps.

As many stamps as rise are kept, and the others are spread evenly between their neighbours: of
stamps that repeat the first stays, and the rest are spread up to the next later one. The published
stamp is never lost; a session stores it beside the time.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from acquire.errors import CurationError

GAP_S = 0.25       # a longer step between stamps is a defect


@dataclass(frozen=True)
class StampedTimes:
    """Rising times of N rows, and the stamps that were published."""

    stamp_ns: np.ndarray        # (N,) int64, as published
    time_ns: np.ndarray         # (N,) int64, strictly rising
    step_ns: int                # median step
    defects: tuple[str, ...]    # what is wrong with the stamps, a line each

    def at(self, index: int) -> tuple[int, int]:
        """Return time and published stamp of a row; after the last, both go on by the step."""
        beyond = index - len(self.time_ns) + 1
        if beyond <= 0:
            return int(self.time_ns[index]), int(self.stamp_ns[index])
        time_ns = int(self.time_ns[-1]) + beyond * self.step_ns
        return time_ns, time_ns


def rising_times(stamp_ns: np.ndarray, name: str) -> StampedTimes:
    """Return strictly rising times for published stamps.

    Parameters
    ----------
    stamp_ns : (N,) int64 as published, N at least 2
    name : what is stamped, for the defects: "frame", "sample"

    Raises
    ------
    CurationError : no two stamps rise
    """
    kept = _longest_rise(stamp_ns)
    if len(kept) < 2:
        raise CurationError(
            expected=f"{name} stamps that rise", found=f"{len(kept)} of {len(stamp_ns)}"
        )
    first, last = int(kept[0]), int(kept[-1])
    zero_ns = int(stamp_ns[first])
    known_ns = stamp_ns[kept] - zero_ns
    step_ns = max(int(np.median(np.diff(known_ns) / np.diff(kept))), 1)
    index = np.arange(len(stamp_ns))
    since_ns = np.floor(np.interp(index, kept, known_ns)).astype(np.int64)
    since_ns[:first] = (index[:first] - first) * step_ns
    since_ns[last:] = int(known_ns[-1]) + (index[last:] - last) * step_ns
    since_ns[kept] = known_ns
    time_ns = since_ns + zero_ns
    if (np.diff(time_ns) <= 0).any():
        raise CurationError(
            expected=f"{name} stamps with room between them",
            found="more repeated ones than nanoseconds",
        )
    return StampedTimes(stamp_ns, time_ns, step_ns, tuple(_defects(stamp_ns, time_ns, name)))


def _defects(stamp_ns: np.ndarray, time_ns: np.ndarray, name: str) -> list[str]:
    """List what is wrong with the stamps, a line each."""
    steps_ns, gaps_ns = np.diff(stamp_ns), np.diff(time_ns)
    since_s = (time_ns - time_ns[0]) / 1e9
    defects = []
    if len(repeated := np.flatnonzero(steps_ns == 0)):
        defects.append(
            f"{len(repeated)} {name} stamps repeat the one before, the first at "
            f"{since_s[repeated[0] + 1]:.2f} s; spread evenly"
        )
    if len(back := np.flatnonzero(steps_ns < 0)):
        defects.append(
            f"{len(back)} times a {name} stamp goes back, first at {since_s[back[0] + 1]:.2f} s; "
            "laid between its neighbours"
        )
    if len(gaps := np.flatnonzero(gaps_ns > GAP_S * 1e9)):
        longest = int(gaps[np.argmax(gaps_ns[gaps])])
        size_s = since_s[longest + 1] - since_s[longest]
        defects.append(
            f"{len(gaps)} gaps over {GAP_S:g} s between {name} stamps, the longest "
            f"{size_s:.2f} s at {since_s[longest]:.2f} s"
        )
    if stamp_ns.min() < 0:
        defects.append(f"{int(np.count_nonzero(stamp_ns < 0))} {name} stamps are negative; kept")
    return defects


def _longest_rise(values: np.ndarray) -> np.ndarray:
    """Return the indices of the longest strictly rising subsequence; of equal values the first."""
    last_values: list[int] = []      # the smallest last value of a rise of each length
    last_indices: list[int] = []     # its index
    previous = np.full(len(values), -1)
    for index, value in enumerate(values.tolist()):
        length = bisect_left(last_values, value)
        previous[index] = last_indices[length - 1] if length else -1
        if length == len(last_values):
            last_values.append(value)
            last_indices.append(index)
        elif value < last_values[length]:
            last_values[length], last_indices[length] = value, index
    rise = []
    index = last_indices[-1] if last_indices else -1
    while index >= 0:
        rise.append(index)
        index = int(previous[index])
    return np.array(rise[::-1], np.int64)
