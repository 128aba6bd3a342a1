"""Strictly rising times for published stamps, which repeat, go back and leave gaps.

As many stamps as rise are kept, and the others are spread evenly between their neighbours: of
stamps that repeat the first stays, and the rest are spread up to the next later one. The published
stamp is never lost; a session stores it beside the time. A lone stamp far from the rest is laid
between its neighbours, too; where more than a few have no place between theirs, or most repeat,
nothing is certain, and the stamps are refused.
"""

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import AcqError, CurationError

from .plausible import FARTHEST_NS, check_one_stretch, do_fall, is_lone

_CORRECT = "correct the times, or get the file again"
GAP_S = 0.25       # a longer step between stamps is a defect
_FEWEST = 20       # stamps of which shares can be told
_RISING = 0.25     # of all, at least, rise; fewer are stamps of whole seconds
_MISPLACED_NS = 10**9
_LONGEST_NS = 10**14          # a day and four hours: no recording begins that late
_MISPLACED = 0.05  # of all, at most, are further than that from where they were laid


@dataclass(frozen=True)
class StampedTimes:
    """Rising times of N rows, and the stamps that were published."""

    stamp_ns: np.ndarray        # (N,) int64, as published
    time_ns: np.ndarray         # (N,) int64, strictly rising
    step_ns: int                # median step
    defects: tuple[str, ...]    # what is wrong with the stamps, a line each

    @property
    def zero_ns(self) -> tuple[int, int]:
        """Zero of the stamps, and its time since 1970: the first stamp where they count from then.

        Both are 0 for stamps that count from the start of a recording.
        """
        first_ns = int(self.time_ns[0])
        return (first_ns, first_ns) if abs(first_ns) > _LONGEST_NS else (0, 0)

    def at(self, index: int) -> tuple[int, int]:
        """Return time and published stamp of a row; after the last, both go on by the step."""
        beyond = index - len(self.time_ns) + 1
        if beyond <= 0:
            return int(self.time_ns[index]), int(self.stamp_ns[index])
        time_ns = int(self.time_ns[-1]) + beyond * self.step_ns
        return time_ns, time_ns


def rising_times(
    stamp_ns: np.ndarray, name: str, *, error: type[AcqError] = CurationError,
    where: Path | str = "",
) -> StampedTimes:
    """Return strictly rising times for published stamps.

    Parameters
    ----------
    stamp_ns : (N,) int64 as published, N at least 2
    name : what is stamped, for the defects: "frame", "sample"
    error : what to raise
    where : the file that they are from, for an error

    Raises
    ------
    AcqError : `error`; too few stamps rise, too many are out of order, or a gap is longer than all
        the rest
    """
    lone = is_lone(stamp_ns)
    candidates = np.flatnonzero(~lone)
    kept = candidates[_longest_rise(stamp_ns[candidates])]
    if len(kept) < 2 or (len(stamp_ns) >= _FEWEST and len(kept) < _RISING * len(stamp_ns)):
        raise error(
            expected=f"{name} stamps that rise",
            found=f"{len(kept)} of {len(stamp_ns)} that do"
                  + (": they fall from first to last" if do_fall(stamp_ns) else ""),
            where=where, fix=_CORRECT,
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
    misplaced = np.count_nonzero((np.abs(stamp_ns - time_ns) > _MISPLACED_NS) & ~lone)
    if misplaced > max(2, _MISPLACED * len(stamp_ns)):
        raise error(
            expected=f"{name} stamps that rise",
            found=f"{misplaced} of {len(stamp_ns)} more than a second out of order",
            where=where, fix=_CORRECT,
        )
    if (np.diff(time_ns) <= 0).any():
        raise error(
            expected=f"{name} stamps with room between them",
            found="more repeated ones than nanoseconds", where=where, fix=_CORRECT,
        )
    check_one_stretch(time_ns, name, error=error, where=where)
    return StampedTimes(stamp_ns, time_ns, step_ns, tuple(_defects(stamp_ns, time_ns, lone, name)))


def _defects(
    stamp_ns: np.ndarray, time_ns: np.ndarray, lone: np.ndarray, name: str
) -> list[str]:
    """List what is wrong with the stamps, a line each."""
    gaps_ns = np.diff(time_ns)
    since_s = (time_ns - time_ns[0]) / 1e9
    defects = []
    if lone.any():
        at = int(np.flatnonzero(lone)[0])
        over = "over " * (abs(int(stamp_ns[at])) == FARTHEST_NS)
        defects.append(
            f"{np.count_nonzero(lone)} {name} stamps lie far from all others, the first in place "
            f"{at + 1}, {over}{(stamp_ns[at] - time_ns[at]) / 1e9:+.0f} s off; laid between its "
            "neighbours"
        )
    steps_ns = np.where(lone[1:] | lone[:-1], 1, np.diff(stamp_ns))
    if len(repeated := np.flatnonzero(steps_ns == 0)):
        defects.append(
            f"{len(repeated)} {name} stamps repeat the one before, the first at "
            f"{since_s[repeated[0] + 1]:.2f} s; spread evenly"
        )
    if len(back := np.flatnonzero(steps_ns < 0)):
        defects.append(
            f"{len(back)} time{'s' * (len(back) > 1)} a {name} stamp goes back, first at "
            f"{since_s[back[0] + 1]:.2f} s; laid between its neighbours"
        )
    if len(gaps := np.flatnonzero(gaps_ns > GAP_S * 1e9)):
        longest = int(gaps[np.argmax(gaps_ns[gaps])])
        size_s = since_s[longest + 1] - since_s[longest]
        defects.append(
            f"{len(gaps)} gap{'s' * (len(gaps) > 1)} over {GAP_S:g} s between {name} stamps, "
            f"the longest {size_s:.2f} s at {since_s[longest]:.2f} s"
        )
    if len(negative := np.flatnonzero((stamp_ns < 0) & ~lone)):
        defects.append(f"{len(negative)} {name} stamps are negative; kept")
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
