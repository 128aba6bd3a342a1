"""The finger's heart rate along a PPG trace, and where the trace shows a finger's pulse at all.

Windows of 10 s every second, each with a rate or a reason. A window whose pulse is a tenth of the
usual one has none: what is left there is the tail of a filter, or the light of a room. Where most
windows of a trace tell no rate, one that does is chance, since one window of noise in twenty
repeats itself; unless it is one of many in a row, which noise never has. A value of the trace is
trusted where at least half of the windows around it have a rate.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from .filters import WINDOW_S, sliding_windows
from .pulse_rate import FLAT, NOISE, PulseRate, finger_rate
from .windows import unbroken_runs, window_length

LEAST_SHARE = 0.5       # of the windows that are not flat: with fewer rates it is noise, but for
LEAST_IN_A_ROW = 8      # windows of a second's step that all have one: noise has 3 in 9 of 10 times
LEAST_HEIGHT = 0.1      # of the usual pulse's, as the watch on the recorder's finger has it

# heart rates in the place of a PPG
_RATES_BPM, _IN_RANGE = (30.0, 240.0), 0.95     # where they lie, and how many of them at least
_LEAST_BPM = 2.0        # between the lowest and the highest, but for a twentieth at each end
_MOST_BPM_S = 6.0       # they move by, a second
_MOST_TURNS_S = 1.0     # up and down, a second: a pulse has two a beat or more, noise has many
_LONGEST_HOLE_S = 2.0


@dataclass(frozen=True)
class FingerRates:
    """Heart rates along a trace, one for each window."""

    centres_s: np.ndarray       # (W,) middle of each window, from the first sample
    bpm: np.ndarray             # (W,) NaN where it cannot be told
    why_not: tuple[str, ...]    # (W,) reason of each window without a rate, "" of the others
    window_s: float

    @property
    def is_told(self) -> np.ndarray:
        """(W,) bool: the window has a rate."""
        return np.isfinite(self.bpm)

    @property
    def mean_bpm(self) -> float | None:
        """Mean over the windows with a rate; None where there is none."""
        return float(np.nanmean(self.bpm)) if self.is_told.any() else None

    def is_trusted(self, t_s: np.ndarray) -> np.ndarray:
        """Return where half of the windows around a time, or more, have a rate, (N,) bool.

        Parameters
        ----------
        t_s : (N,) from the trace's first sample
        """
        reach_s = self.window_s / 2 + 1e-6
        told = np.append(0, np.cumsum(self.is_told))
        first = np.searchsorted(self.centres_s, np.asarray(t_s) - reach_s)
        last = np.searchsorted(self.centres_s, np.asarray(t_s) + reach_s, side="right")
        # what no window reaches, at the very end, belongs to the last one
        first = np.minimum(first, len(self.centres_s) - 1)
        last = np.maximum(last, first + 1)
        return 2 * (told[last] - told[first]) >= last - first

    def at(self, t_s: np.ndarray) -> np.ndarray:
        """Return the rate at each time [bpm], (N,); NaN where the trace is not trusted."""
        t_s = np.asarray(t_s, float)
        if not self.is_told.any():
            return np.full(len(t_s), np.nan)
        bpm = np.interp(t_s, self.centres_s[self.is_told], self.bpm[self.is_told])
        return np.where(self.is_trusted(t_s), bpm, np.nan)


def finger_rates(ppg: np.ndarray, fs_hz: float, *, filtered: bool = False) -> FingerRates:
    """Return the finger's heart rates along a trace; one shorter than a window is one window.

    Parameters
    ----------
    ppg : (T,) float array, T >= 1
    fs_hz : sampling rate [Hz]
    filtered : as in `dataset.signals.pulse_rate.pulse_rate`

    Raises
    ------
    ValueError : the trace holds NaN or infinity
    """
    whole, step = window_length(fs_hz)
    length = min(len(ppg), whole)
    rates = judge_together(
        [
            finger_rate(window, fs_hz, filtered=filtered)
            for window in sliding_windows(ppg, length, step=step)
        ],
        in_a_row=LEAST_IN_A_ROW,
    )
    centres_s = (np.arange(len(rates)) * step + (length - 1) / 2) / fs_hz
    return FingerRates(
        centres_s, np.array([rate.bpm for rate in rates]), tuple(rate.why_not for rate in rates),
        length / fs_hz,
    )


def judge_together(rates: list[PulseRate], *, in_a_row: int | None = None) -> list[PulseRate]:
    """Return the windows of one trace judged beside each other: its height, its share of rates.

    Parameters
    ----------
    in_a_row : so many windows with a rate in a row are no chance; None: the windows do not overlap
    """
    heights = [rate.height for rate in rates if not rate.why_not]
    if not heights:
        return rates
    least = LEAST_HEIGHT * float(np.median(heights))
    rates = [_without(rate, FLAT) if rate.height < least else rate for rate in rates]
    is_told = np.array([not rate.why_not for rate in rates])
    flat = sum(rate.why_not == FLAT for rate in rates)
    if is_told.sum() >= LEAST_SHARE * (len(rates) - flat):
        return rates
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_told, [False]])))
    for first, last in edges.reshape(-1, 2):
        if in_a_row is None or last - first < in_a_row:
            is_told[first:last] = False
    return [
        rate if is_kept or rate.why_not else _without(rate, NOISE)
        for rate, is_kept in zip(rates, is_told, strict=True)
    ]


def _without(rate: PulseRate, why_not: str) -> PulseRate:
    return replace(rate, bpm=np.nan, why_not=rate.why_not or why_not)


def describe_heart_rates(values: np.ndarray, time_s: np.ndarray) -> str:
    """Return in words what makes a trace look like heart rates, and not like a PPG; "" else.

    They lie where heart rates do, move slowly, and turn less often than the slowest pulse. No
    spectrum is looked at: of a value that is held for a second it has a peak at 60 bpm.

    Parameters
    ----------
    values : (S,) float64, finite
    time_s : (S,) not falling
    """
    runs = unbroken_runs(time_s, _LONGEST_HOLE_S)
    run = max(runs, key=lambda run: time_s[run.stop - 1] - time_s[run.start], default=slice(0))
    values, time_s = values[run], time_s[run]
    seconds = float(time_s[-1] - time_s[0]) if len(time_s) else 0.0
    if seconds < WINDOW_S or np.diff(np.quantile(values, (0.05, 0.95)))[0] < _LEAST_BPM:
        return ""
    low, high = _RATES_BPM
    steps = np.diff(values)
    steps = steps[steps != 0]
    turns = np.count_nonzero(np.diff(np.sign(steps)))
    if (
        np.mean((values >= low) & (values <= high)) < _IN_RANGE
        or np.abs(steps).sum() > _MOST_BPM_S * seconds or turns >= _MOST_TURNS_S * seconds
    ):
        return ""
    return f"values from {values.min():g} to {values.max():g} that move slowly and hold no pulse"


def commonest_reason(reasons: tuple[str, ...] | list[str]) -> str:
    """Return the reason that stands most often; "" where there is none."""
    counts = Counter(reason for reason in reasons if reason)
    return counts.most_common(1)[0][0] if counts else ""
