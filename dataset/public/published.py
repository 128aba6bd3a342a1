"""A recording of a public data set, as it was published: pictures in order, numbers, stamps, and
what is wrong with them.

Published stamps repeat, go back and leave gaps. A session's times rise strictly, so `Timeline`
keeps as many stamps as rise, and lays the others evenly between their neighbours: of stamps that
repeat the first stays, and the rest are spread up to the next later one. The published stamp is
never lost; a session keeps it beside the time.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import CurationError

GAP_S = 0.25       # a longer step between stamps is told


@dataclass(frozen=True)
class Picture:
    """One frame of a recording."""

    index: int  # in the published order; a jump is a frame that does not decode or is not there
    rgb: np.ndarray        # (H, W, 3) uint8


@dataclass(frozen=True)
class Samples:
    """The numbers of a recording, one row each; NaN where none was published or it was none."""

    ppg: np.ndarray        # (S,) float64
    hr_bpm: np.ndarray     # (S,) float64
    spo2: np.ndarray       # (S,) float64


class Timeline:
    """Strictly rising times for published stamps.

    Parameters
    ----------
    stamp_ns : (N,) int64 as published, N at least 2
    what : whose they are, for the defects: "frame", "sample"

    Raises
    ------
    CurationError : no two stamps rise
    """

    def __init__(self, stamp_ns: np.ndarray, what: str) -> None:
        self.stamp_ns = stamp_ns
        anchors = _longest_rise(stamp_ns)
        if len(anchors) < 2:
            raise CurationError(
                f"expected {what} stamps that rise, found {len(anchors)} of {len(stamp_ns)}"
            )
        zero, last = int(stamp_ns[anchors[0]]), int(anchors[-1])
        known = stamp_ns[anchors] - zero
        self.step_ns = max(int(np.median(np.diff(known) / np.diff(anchors))), 1)
        at = np.arange(len(stamp_ns))
        placed = np.floor(np.interp(at, anchors, known)).astype(np.int64)
        placed[: anchors[0]] = (at[: anchors[0]] - anchors[0]) * self.step_ns
        placed[last:] = int(known[-1]) + (at[last:] - last) * self.step_ns
        placed[anchors] = known
        self.time_ns = placed + zero
        if (np.diff(self.time_ns) <= 0).any():
            raise CurationError(
                f"expected {what} stamps with room between them, found more repeated ones than "
                "nanoseconds"
            )
        self.defects = self._describe(what)

    def at(self, index: int) -> tuple[int, int]:
        """Give time and published stamp of row `index`; behind the last stamp both go on at the
        median step.
        """
        beyond = index - len(self.time_ns) + 1
        if beyond <= 0:
            return int(self.time_ns[index]), int(self.stamp_ns[index])
        time_ns = int(self.time_ns[-1]) + beyond * self.step_ns
        return time_ns, time_ns

    def _describe(self, what: str) -> list[str]:
        steps = np.diff(self.stamp_ns)
        since_s = (self.time_ns - self.time_ns[0]) / 1e9
        found = []
        if len(same := np.flatnonzero(steps == 0)):
            at_s = since_s[same[0] + 1]
            found.append(
                f"{len(same)} {what} stamps repeat the one before, the first at {at_s:.2f} s; "
                "spread evenly"
            )
        if len(back := np.flatnonzero(steps < 0)):
            at_s = since_s[back[0] + 1]
            found.append(
                f"{len(back)} times a {what} stamp goes back, first at {at_s:.2f} s; laid between "
                "its neighbours"
            )
        if len(gaps := np.flatnonzero(np.diff(self.time_ns) > GAP_S * 1e9)):
            longest = int(gaps[np.argmax(np.diff(self.time_ns)[gaps])])
            size_s = since_s[longest + 1] - since_s[longest]
            found.append(
                f"{len(gaps)} gaps over {GAP_S:g} s between {what} stamps, the longest "
                f"{size_s:.2f} s at {since_s[longest]:.2f} s"
            )
        if self.stamp_ns.min() < 0:
            found.append(
                f"{int(np.count_nonzero(self.stamp_ns < 0))} {what} stamps are negative; kept"
            )
        return found


@dataclass
class Recording:
    """One recording of a public set; its pictures come one at a time, and add to its defects what
    only decoding shows.
    """

    folder: Path
    subject: str                       # number within the set
    session: str                       # its name within the set
    sensor: str
    width: int
    height: int
    fps: float                         # nominal [Hz]
    time_meaning: str                  # of a frame's time
    started_ns: int                    # zero of the session's clock, on the clock of the stamps
    started_unix_ns: int               # 0 where it is not known
    samples: Samples
    sample_times: Timeline
    frame_times: Timeline | None       # None: not published, index over `fps`
    frames: int | None                 # how many there should be, where that is known
    pictures: Iterator[Picture]
    defects: list[str]

    def frame_at(self, index: int) -> tuple[int, int]:
        """Give time and published stamp of a frame [ns]."""
        if self.frame_times is not None:
            return self.frame_times.at(index)
        time_ns = round(index / self.fps * 1e9)
        return time_ns, time_ns


def _longest_rise(values: np.ndarray) -> np.ndarray:
    """Give the indices of the longest strictly rising subsequence; of equal values the first."""
    tails: list[int] = []          # the last value of the best rise of each length
    ends: list[int] = []           # its index
    before = np.full(len(values), -1)
    for at, value in enumerate(values.tolist()):
        length = bisect_left(tails, value)
        before[at] = ends[length - 1] if length else -1
        if length == len(tails):
            tails.append(value)
            ends.append(at)
        elif value < tails[length]:
            tails[length], ends[length] = value, at
    rise = []
    at = ends[-1] if ends else -1
    while at >= 0:
        rise.append(at)
        at = int(before[at])
    return np.array(rise[::-1], np.int64)


def numbers(words: Iterable[str], name: str, defects: list[str]) -> np.ndarray:
    """Read words as float64; what is none, or not finite, is NaN and named in `defects`."""
    values = np.array([_number(word) for word in words])
    if len(bad := np.flatnonzero(~np.isfinite(values))):
        defects.append(
            f"{len(bad)} values of {name} are no finite numbers, the first at {bad[0]}; left out"
        )
        values[bad] = np.nan
    return values


def _number(word: object) -> float:
    try:
        return float(word)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def to_ns(values: np.ndarray, unit_ns: int) -> np.ndarray:
    """Turn published times into int64 ns; one that is NaN repeats the one before it.

    Raises
    ------
    CurationError : there is none, or one lies beyond 100,000 s
    """
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        raise CurationError("expected time stamps, found none")
    before = known[
        np.clip(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0, None)
    ]
    if np.abs(values[known]).max() * unit_ns > 1e14:
        raise CurationError(
            f"expected times of one recording, found {np.abs(values[known]).max():g}"
        )
    return np.round(values[before] * unit_ns).astype(np.int64)
