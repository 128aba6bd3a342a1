"""PPG onto frame times, by time stamps alone.

The sensor's samples are evenly spaced on its own clock and nearly so on the host's; a filter wants
exactly even spacing, and frames come when the camera pleases. So each unbroken run of samples is
interpolated onto a uniform grid at the sensor's rate that is laid through its true times, filtered
there without phase shift, and read out at each frame's own time. `index / fps` appears nowhere.

Both interpolations are splines of degree 9. A cardinal spline of degree k errs by about
2 (f / (fs - f))^(k+1) of a tone of f Hz: for 4 Hz, the top of the pulse band, sampled at 25 Hz that
is 3e-3 for the usual cubic and 1e-7 here. What is left at the ends of a run is the filter's: it
knows one side only there, and its edge is still worth 6e-3 of amplitude 2 s from the end.

A hole is a jump in the sensor's sequence. A frame inside a hole gets no value. A hole of up to
`BRIDGE_S` does not end the run, though: for the filter's sake only it is crossed by a straight
line, which disturbs the neighbours less than two filter ends would. Longer holes end the run, and
frames in a run that is too short to filter get no value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from acquire.errors import CurationError, apart
from acquire.limits import FASTEST_HZ
from dataset.common.splines import interpolate

from .filters import HIGH_HZ, LOW_HZ, bandpass, min_samples
from .finger_rates import FingerRates, commonest_reason, finger_rates

BRIDGE_S = 0.25
FLAT_S = 1.4            # as the watch on the recorder's finger has it
_MOST_PLACES = 8        # on the grid for each sample; of a run with fewer, too much is missing
SPLINE_DEGREE = 9

COVERED, BEFORE, AFTER, HOLE, SHORT, SPARSE = 0, 1, 2, 3, 4, 5
SHORTEST_RUN_S = 2 / LOW_HZ
WHY_NOT = {
    BEFORE: "before the first usable sample", AFTER: "after the last usable sample",
    HOLE: "samples were lost",
    SHORT: f"less than {SHORTEST_RUN_S:.1f} s of PPG, too short to filter",
    SPARSE: "too few samples a second to filter",
}


@dataclass(frozen=True)
class AlignedPpg:
    """One PPG value per frame, where there is one."""

    read_ppg: Callable[[], np.ndarray]     # gives `ppg`, for whoever asks for more than rates
    # (N,) float64, the finger's, sliding 10 s windows; NaN where not covered or not to be told
    hr_bpm: np.ndarray
    cover: np.ndarray      # (N,) uint8: COVERED, or why not
    fs_hz: float           # the sensor's rate by the session's clock
    why_no_rate: str       # the commonest reason of windows without a rate; "" where all have one

    @cached_property
    def ppg(self) -> np.ndarray:
        """(N,) float64, units of the input; NaN where not covered."""
        return self.read_ppg()

    @property
    def covered(self) -> np.ndarray:
        """(N,) bool: the frame has a PPG value."""
        return self.cover == COVERED


@dataclass(frozen=True)
class _Samples:
    """A PPG with the places of its samples on the sensor's own even grid."""

    ppg: np.ndarray        # (S,) float64
    t_s: np.ndarray        # (S,) after the first sample
    place: np.ndarray      # (S,) int64, number on the grid, from 0; a jump is a loss
    holes: np.ndarray      # (S - 1,) bool: samples are missing after this one
    runs: list[np.ndarray]  # indices of the samples of each unbroken run


@dataclass(frozen=True)
class _Run:
    """One unbroken run of samples on an even grid, filtered."""

    values: np.ndarray     # (T,) what is read out at the frames
    rates: FingerRates
    flat_s: list[tuple[float, float]]      # where the sensor stood still
    fs_hz: float
    samples: int
    first_s: float
    last_s: float

    def read(self, t_s: np.ndarray) -> np.ndarray:
        """Return the value at each time within the run."""
        return interpolate(
            np.arange(len(self.values)), self.values, (t_s - self.first_s) * self.fs_hz,
            degree=SPLINE_DEGREE,
        )


def ppg_on_frames(
    ppg: np.ndarray, time_ns: np.ndarray, sequence: np.ndarray, frame_time_ns: np.ndarray, *,
    filtered: bool = True,
) -> AlignedPpg:
    """Band-pass a PPG trace over its whole length and return its value at each frame.

    Parameters
    ----------
    ppg : (S,) array; NaN or infinity is a hole
    time_ns : (S,) int64, when each sample was taken, rising
    sequence : (S,) int64, the sensor's counter; a jump is a hole
    frame_time_ns : (N,) int64, rising
    filtered : False leaves the trace as the sensor gave it

    Raises
    ------
    CurationError : times do not rise, or no run of samples is long enough for the filter
    """
    check_rising(time_ns, "sample")
    check_rising(frame_time_ns, "frame")
    ppg = np.asarray(ppg, np.float64)
    if not (is_number := np.isfinite(ppg)).all():
        ppg, time_ns, sequence = ppg[is_number], time_ns[is_number], sequence[is_number]
    samples = _place(ppg, time_ns, sequence)
    frame_s = (frame_time_ns - int(time_ns[0])) / 1e9
    why_not = [_why_not_filtered(samples, indices) for indices in samples.runs]
    runs = [
        _filter_run(samples, indices, filtered=filtered)
        for indices, why in zip(samples.runs, why_not, strict=True) if why == COVERED
    ]
    if not runs:
        raise CurationError(
            expected=f"{SHORTEST_RUN_S:.1f} s of PPG without a hole",
            found=f"no run that long in {samples.t_s[-1]:.1f} s", fix="record it again",
        )
    hr_bpm, insides = np.full(len(frame_s), np.nan), []
    for run in runs:
        inside = slice(
            np.searchsorted(frame_s, run.first_s), np.searchsorted(frame_s, run.last_s, "right")
        )
        insides.append(inside)
        hr_bpm[inside] = run.rates.at(frame_s[inside] - run.first_s)
        for first_s, last_s in run.flat_s:
            hr_bpm[(frame_s >= first_s) & (frame_s <= last_s)] = np.nan
    cover = _cover(frame_s, samples, why_not)
    hr_bpm[cover != COVERED] = np.nan
    longest = max(runs, key=lambda run: (run.samples, run.fs_hz))
    why = commonest_reason([reason for run in runs for reason in run.rates.why_not])
    read_ppg = partial(_read_runs, runs, insides, frame_s, cover)
    return AlignedPpg(read_ppg, hr_bpm, cover, longest.fs_hz, why)


def _read_runs(
    runs: list[_Run], insides: list[slice], frame_s: np.ndarray, cover: np.ndarray
) -> np.ndarray:
    """Return the value of the run that each frame is inside; NaN where it is not covered."""
    values = np.full(len(frame_s), np.nan)
    for run, inside in zip(runs, insides, strict=True):
        values[inside] = run.read(frame_s[inside])
    values[cover != COVERED] = np.nan
    return values


def _place(ppg: np.ndarray, time_ns: np.ndarray, sequence: np.ndarray) -> _Samples:
    """Number the samples on the sensor's grid, and cut them where too many are missing.

    Raises
    ------
    CurationError : fewer than two samples, too slow for the band, or faster than any sensor
    """
    if len(ppg) < 2:
        raise CurationError(expected="PPG samples", found=len(ppg))
    t_s = (time_ns - int(time_ns[0])) / 1e9
    gap_s, steps = np.diff(t_s), np.diff(sequence)
    period_s = float(np.median(gap_s[steps == 1] if (steps == 1).any() else gap_s))
    if 1 / period_s <= 2 * HIGH_HZ:
        raise CurationError(
            expected=f"PPG at more than {2 * HIGH_HZ:g} Hz",
            found=f"{apart(1 / period_s, 2 * HIGH_HZ)} Hz",
            fix="it is too slow for the band of heart rates",
        )
    if 1 / period_s > FASTEST_HZ:
        raise CurationError(
            expected=f"PPG at up to {FASTEST_HZ} Hz",
            found=f"{apart(1 / period_s, FASTEST_HZ, digits=0)} Hz",
            fix="are its times in another unit?",
        )
    # The counter says what is missing, not the gap in time: stamps may jitter. Where it started
    # again, time has to tell; where it repeats a number, of the steps beside that one, too.
    is_back = steps < 1
    beside = np.append(is_back[1:], False) | np.append(False, is_back[:-1])
    by_time = np.maximum(np.round(gap_s / period_s), 1)
    steps = np.where(is_back | (beside & (steps != 1)), by_time, steps).astype(np.int64)
    # the second: a counter gone wild
    cuts = np.flatnonzero((gap_s > BRIDGE_S) | (steps > 2 * BRIDGE_S / period_s)) + 1
    return _Samples(
        ppg=ppg, t_s=t_s, place=np.concatenate([[0], np.cumsum(steps)]),
        holes=(steps > 1) | (gap_s > BRIDGE_S), runs=np.split(np.arange(len(ppg)), cuts),
    )


def _grid(samples: _Samples, run: np.ndarray) -> tuple[int, float]:
    """Return how many places of the even grid a run takes, and their rate [Hz]."""
    count = int(samples.place[run[-1]] - samples.place[run[0]]) + 1
    return count, float((count - 1) / (samples.t_s[run[-1]] - samples.t_s[run[0]]))


def _why_not_filtered(samples: _Samples, run: np.ndarray) -> int:
    """Return COVERED where a run can be filtered, else SHORT or SPARSE."""
    if len(run) < 2:
        return SHORT
    count, fs_hz = _grid(samples, run)
    if count < min_samples(fs_hz):
        return SHORT
    is_sparse = fs_hz <= 2 * HIGH_HZ or count > _MOST_PLACES * len(run)
    return SPARSE if is_sparse or len(run) <= SPLINE_DEGREE else COVERED


def _filter_run(samples: _Samples, run: np.ndarray, *, filtered: bool) -> _Run:
    """Filter one run on its even grid."""
    t_s, ppg, place = samples.t_s[run], samples.ppg[run], samples.place[run]
    count, fs_hz = _grid(samples, run)
    even = _on_grid(t_s, ppg, place - place[0], fs_hz)
    values = bandpass(even, fs_hz) if filtered else even
    if np.ptp(ppg) == 0:
        # what is left of a flat trace is rounding, which has a spectral peak as well
        even = np.zeros(count)
        values = even if filtered else values
    return _Run(
        values, finger_rates(even, fs_hz), _flat_spans(ppg, t_s), fs_hz, samples=len(run),
        first_s=float(t_s[0]), last_s=float(t_s[-1]),
    )


def _flat_spans(ppg: np.ndarray, t_s: np.ndarray) -> list[tuple[float, float]]:
    """Return from when to when a run has one and the same value for longer than a beat lasts."""
    changes = np.flatnonzero(np.diff(ppg, prepend=np.nan, append=np.nan) != 0)
    firsts, lasts = t_s[changes[:-1]], t_s[changes[1:] - 1]
    return [
        (float(first_s), float(last_s))
        for first_s, last_s in zip(firsts, lasts, strict=True) if last_s - first_s > FLAT_S
    ]


def _cover(frame_s: np.ndarray, samples: _Samples, why_not: list[int]) -> np.ndarray:
    """Return for each frame whether filtered samples surround it: COVERED, or why not.

    Parameters
    ----------
    why_not : of each run of samples, as `_why_not_filtered` returns it
    """
    t_s = samples.t_s
    cover = np.full(len(frame_s), COVERED, np.uint8)
    for run, why in zip(samples.runs, why_not, strict=True):
        cover[(frame_s >= t_s[run[0]]) & (frame_s <= t_s[run[-1]])] = why
    before = np.clip(np.searchsorted(t_s, frame_s, side="right") - 1, 0, len(t_s) - 2)
    is_between = (frame_s > t_s[before]) & (frame_s < t_s[before + 1])
    cover[samples.holes[before] & is_between] = HOLE
    cover[frame_s < t_s[0]] = BEFORE
    cover[frame_s > t_s[-1]] = AFTER
    return cover


def _on_grid(t_s: np.ndarray, ppg: np.ndarray, place: np.ndarray, fs_hz: float) -> np.ndarray:
    """Interpolate one run onto the even grid from its first sample to its last.

    Parameters
    ----------
    place : the samples' numbers on the grid, from 0
    """
    # Where samples are missing, a line stands in for them: a spline of high degree would swing
    # across the hole.
    known_s = np.interp(np.arange(place[-1] + 1), place, t_s)
    known = np.interp(known_s, t_s, ppg)
    return interpolate(
        (known_s - t_s[0]) * fs_hz, known, np.arange(place[-1] + 1), degree=SPLINE_DEGREE
    )


def check_rising(time_ns: np.ndarray, what: str) -> None:
    """Refuse times that stand still or go back.

    Raises
    ------
    CurationError : they do; it says where
    """
    back = np.flatnonzero(np.diff(time_ns) <= 0)
    if len(back):
        at = int(back[0]) + 1
        step_ms = (int(time_ns[at]) - int(time_ns[at - 1])) / 1e6
        raise CurationError(
            expected=f"{what} times that rise", found=f"a step of {step_ms:.3f} ms",
            where=f"at {what} {at}", fix="record it again",
        )


def check_numbers(sequence: np.ndarray, what: str) -> None:
    """Refuse numbers of frames or samples that repeat or go back: what is lost is told by them.

    Raises
    ------
    CurationError : they do; it says where
    """
    back = np.flatnonzero(np.diff(sequence) <= 0)
    if len(back):
        at = int(back[0]) + 1
        raise CurationError(
            expected=f"{what} numbers that rise",
            found=f"{sequence[at]} after {sequence[at - 1]}", where=f"at {what} {at}",
            fix="record it again",
        )
