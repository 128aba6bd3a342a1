"""The spectra of one window's pulses on a common grid of heart rates, and their peaks.

The power of what is no pulse (drift, sway, light) falls with frequency. So that its slow end does
not win, the power at each rate is multiplied by that rate before methods are compared. Where a peak
lies exactly is read from the power as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset.signals.filters import hann_tapered, highest_hz, power_spectrum
from dataset.signals.peaks import peak_offset
from dataset.signals.pulse_rate import Repeats

STEP_BPM = 0.5
LOW_BPM, HIGH_BPM = 30.0, 240.0
NEAR_BPM = 6.0          # half the width of a peak of 10 s
BPM = np.arange(LOW_BPM, HIGH_BPM + STEP_BPM / 2, STEP_BPM)     # (B,) where a heart rate may be
_GRID = np.arange(LOW_BPM, 2 * HIGH_BPM + 1, STEP_BPM)          # and where its double is
_REFINE_BPM = 4.0


class Spectra:
    """The spectra of M methods.

    Attributes
    ----------
    shares : (M, B) share of each rate of `BPM` in the method's weighed power; a row sums to 1
    fused : (B,) product of the shares, each with a floor; its maximum is 1
    """

    def __init__(self, pulses: list[np.ndarray], fs_hz: float) -> None:
        """Take the spectra of (T,) pulses at an even rate [Hz]."""
        self._highest_bpm = 60 * highest_hz(fs_hz)
        tapered = [hann_tapered(pulse) for pulse in pulses]
        self._repeats = [Repeats(one, fs_hz, LOW_BPM / 60) for one in tapered]
        self._power = np.array([_power(one, fs_hz) for one in tapered])
        weighed = self._power[:, : len(BPM)] * BPM
        total = weighed.sum(axis=1, keepdims=True)
        self.shares = np.divide(weighed, total, out=np.zeros_like(weighed), where=total > 0)
        logs = np.log(self.shares + _FLOOR).sum(axis=0)
        self.fused = np.exp(logs - logs.max())

    def maxima(self, values: np.ndarray) -> np.ndarray:
        """Return the indices of (B,) values' local maxima, up to what the frames hold."""
        found = _local_maxima(values)
        return found[BPM[found] <= self._highest_bpm]

    def peaks_bpm(self) -> list[float | None]:
        """Return the rate of each method's highest peak [bpm]; None where it has none."""
        return [
            None if not len(maxima := self.maxima(row))
            else self._refined(self._power[at], float(BPM[maxima[np.argmax(row[maxima])]]))
            for at, row in enumerate(self.shares)
        ]

    def peaks_near_bpm(self, bpm: float, half_width_bpm: float) -> np.ndarray:
        """Return each method's highest peak near a rate of `BPM`, (M,) [bpm]; NaN without one."""
        peaks_bpm = np.full(len(self.shares), np.nan)
        for method, row in enumerate(self.shares):
            near = self.maxima(row)
            near = near[np.abs(BPM[near] - bpm) <= half_width_bpm]
            if len(near):
                peaks_bpm[method] = BPM[near[np.argmax(row[near])]]
        return peaks_bpm

    def refined_bpm(self, bpm: float) -> float:
        """Return where the methods' peak near a rate of `BPM` lies [bpm]."""
        power = self._power[:, : len(BPM)]
        whole = power.sum(axis=1, keepdims=True)
        shares = np.divide(power, whole, out=np.zeros_like(power), where=whole > 0)
        return self._refined(shares.mean(axis=0), bpm)

    def within(self, bpm: float, half_width_bpm: float) -> np.ndarray:
        """Return the share of weighed power near a rate, (M,) from 0 to 1."""
        return self.shares[:, np.abs(BPM - bpm) <= half_width_bpm].sum(axis=1)

    def power_within(self, bpm: float, half_width_bpm: float) -> np.ndarray:
        """Return the power near a rate, which may be up to twice the highest, (M,)."""
        return self._power[:, np.abs(_GRID - bpm) <= half_width_bpm].sum(axis=1)

    def similarity(self, bpm: float) -> np.ndarray:
        """Return how similar each method's pulse is to itself a beat later, (M,) about 0 to 1."""
        return np.array([repeats.after_a_beat(bpm / 60) for repeats in self._repeats])

    def _refined(self, power: np.ndarray, bpm: float) -> float:
        near = self.maxima(power[: len(BPM)])
        near = near[np.abs(BPM[near] - bpm) <= _REFINE_BPM]
        if not len(near):
            return bpm
        at = int(near[np.argmin(np.abs(BPM[near] - bpm))])
        around = np.log(power[at - 1 : at + 2] + np.finfo(float).tiny)
        return float(BPM[at] + STEP_BPM * peak_offset(around, 1))


@dataclass(frozen=True)
class MeanSpectrum:
    """The mean of the spectra of several windows and all methods: how much of each rate there was.
    """

    shares: np.ndarray          # (B,) of the power, weighed by the rate, at the rates of `BPM`
    peak_bpm: float             # where it is highest


def mean_spectrum(windows: Sequence[Spectra], seconds: Sequence[float]) -> MeanSpectrum | None:
    """Average windows of one video, each for so many seconds of it; None where there is no peak."""
    shares = np.average(
        [window.shares.mean(axis=0) for window in windows], axis=0, weights=seconds
    )
    maxima = windows[0].maxima(shares)
    if not len(maxima):
        return None
    return MeanSpectrum(shares, float(BPM[maxima[np.argmax(shares[maxima])]]))


_FLOOR = 0.3 / len(BPM)         # of a share: a method alone cannot forbid a rate


def _power(tapered: np.ndarray, fs_hz: float) -> np.ndarray:
    power, bin_hz = power_spectrum(tapered, fs_hz)
    return np.interp(_GRID, np.arange(len(power)) * bin_hz * 60, power, right=0.0)


def _local_maxima(values: np.ndarray) -> np.ndarray:
    """Return the indices at which (B,) values are highest among their neighbours."""
    inner = values[1:-1]
    return np.flatnonzero((inner >= values[:-2]) & (inner > values[2:])) + 1
