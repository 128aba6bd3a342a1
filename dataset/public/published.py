"""A recording of a public data set as it was published, and what is wrong with it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.stamps.number_text import number_of
from acquire.stamps.rising import StampedTimes
from dataset.common.wording import counted

GET_FOLDER, GET_FILE = "get the folder again", "get the file again"     # what mends a bad copy


@dataclass(frozen=True)
class Picture:
    """One frame of a recording."""

    index: int             # in the published order; a jump: frames lack or do not decode
    rgb: np.ndarray        # (H, W, 3) uint8


@dataclass(frozen=True)
class PublishedSamples:
    """The numbers of a recording, one row each; NaN where none was published or it is no number."""

    ppg: np.ndarray        # (S,) float64
    hr_bpm: np.ndarray     # (S,) float64
    spo2: np.ndarray       # (S,) float64
    times: StampedTimes    # may have more rows than S, or fewer


@dataclass(frozen=True)
class PublishedVideo:
    """The pictures of a recording; they come one at a time."""

    width: int                          # [px]
    height: int                         # [px]
    fps: float                          # nominal [Hz]
    time_meaning: str                   # of a frame's time
    times: StampedTimes | None          # None: not published, index over `fps`
    expected_frames: int | None         # how many there should be, where that is known
    pictures: Iterator[Picture]
    left_out: int = 0                   # pictures without a time; lost, and in no index
    announced_frames: int | None = None  # how many its own header says

    def frame_at(self, index: int) -> tuple[int, int]:
        """Return time and published stamp of a frame [ns]."""
        if self.times is not None:
            return self.times.at(index)
        time_ns = round(index / self.fps * 1e9)
        return time_ns, time_ns


@dataclass(frozen=True)
class PublishedRecording:
    """One recording of a public set."""

    folder: Path
    session: str                # its name within the set
    sensor: str
    started_ns: int             # zero of the session's clock, on the clock of the stamps
    started_unix_ns: int        # 0 where it is not known
    samples: PublishedSamples
    video: PublishedVideo
    defects: list[str]          # a line each; reading the pictures adds what only decoding shows
    labels: tuple["Label", ...] = ()
    no_finger_ns: tuple[tuple[int, int], ...] = ()   # from, to: where the device says so itself


@dataclass(frozen=True)
class Label:
    """What a set says of a recording, or of a stretch of it: light, motion, low quality."""

    text: str
    time_ns: int | None = None  # of the stretch's beginning; None: it is of the whole recording


def nominal_times(count: int, rate_hz: float, *, first_ns: int = 0) -> StampedTimes:
    """Return even times for rows whose times were not published."""
    time_ns = first_ns + np.rint(np.arange(count) * (1e9 / rate_hz)).astype(np.int64)
    return StampedTimes(time_ns, time_ns, round(1e9 / rate_hz), ())


def samples_of(ppg: np.ndarray, times: StampedTimes) -> PublishedSamples:
    """Return samples of a set that publishes the PPG alone."""
    return PublishedSamples(ppg, np.full(len(ppg), np.nan), np.full(len(ppg), np.nan), times)


def read_numbers(words: Iterable[object], name: str, defects: list[str]) -> np.ndarray:
    """Read words as float64; what is not a finite number is NaN and named in `defects`."""
    values = np.array([_number(word) for word in words])
    values[~np.isfinite(values)] = np.nan
    name_missing(values, name, defects)
    return values


def name_missing(
    values: np.ndarray, name: str, defects: list[str], *, done: str = "left out"
) -> None:
    """Name in `defects` how many values are NaN, and what is done about them."""
    if len(bad := np.flatnonzero(np.isnan(values))):
        defects.append(
            f"{counted(len(bad), 'value')} of {name} {'is' if len(bad) == 1 else 'are'} not "
            f"finite, the first at {bad[0]}; {done}"
        )


def _number(word: object) -> float:
    if isinstance(word, str):
        return number_of(word.strip())
    if isinstance(word, bool) or not isinstance(word, int | float) or not abs(word) < 1e300:
        return math.nan
    return float(word)
