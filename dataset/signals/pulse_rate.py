"""The heart rate of a pulse that was measured, or the reason why it cannot be told.

The spectrum of a pulse is a comb: the rate and its multiples. The highest tooth need not be the
first (a dicrotic notch doubles the beat), and the highest peak of noise is a peak as well. So the
first tooth is looked for below the highest one, at a half and a third of it; and the rate counts
only where the trace repeats itself after one beat: the autocorrelation, freed of the window's own
(Boersma, "Accurate short-term analysis of the fundamental frequency", Proc. IFA Amsterdam 17,
1993), taken from just below the rate up to `TOP_HZ`, where noise has most of its power and a pulse
little. Slow breathing beside a pulse is neither: it has no multiples, and lies below the rate.

Beats that differ in turn (every second one early or weak, as in bigeminy) repeat at a half or a
third of the heart's rate. So one period of a slow rate is drawn from its multiples: a wave far from
the highest is no second wave of the same beat, but another beat. Then the rate is that of all
beats where neighbours are alike, and else it cannot be told.

The limits come from virtual pulses, from noise of ten kinds and from real fingers with an ECG
beside them: benchmarks/heart_rate.py, docs/decisions/0011-a-rate-or-a-reason.md.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .filters import FILTER_ORDER, HIGH_HZ, LOW_HZ, hann_tapered, power_spectrum
from .peaks import peak_offset

FINGER_LOW_HZ, FINGER_HIGH_HZ = 0.5, 4.0    # 30 to 240 bpm: every heart at rest or at work
TOLD_FROM = 0.5         # similarity of neighbouring beats from which a rate can be told
TOP_HZ = 8.0            # the similarity is that of the trace up to here

TOO_SHORT = "too short"
TOO_SLOW = "sampled too slowly"
FLAT = "flat"
NOISE = "no beat that repeats, as in noise"
TWO_RATES = "two rates of equal strength"
UNLIKE_BEATS = "beats that differ in turn, as in bigeminy"
OUT_OF_BAND = "slower or faster than the band"

_EDGE = 0.02                    # a rate this far beyond the band, relatively, counts as in it
_LEAST_FIRST = 0.06             # of the highest peak's power: what the first tooth has at least
_LEAST_ODD = 0.02               # the same, for the teeth that the highest peak cannot explain
_SLOW_TOLD_FROM = 0.75          # similarity, of a rate below `_BREATH_HZ` that has no multiples
_TWO_BEATS_FROM = 0.25          # similarity two beats later
_ABOVE = 1.3                    # up to so many times the band a higher peak is the trace's rate
_LEAST_OF_DRIFT = 1e-3          # power against that below the band: lower peaks are its tail
_BREATH_HZ = 0.75               # below it, a peak without multiples may be breathing
_OFF = 0.04                     # how far, relatively, a tooth may be from its place
_APART_HZ = 0.35                # peaks of a 10 s window closer than this are one pulse
_SECOND_WAVE_S = 0.45           # so long after the highest no dicrotic wave comes (0.2 to 0.4 s)
_BEAT_HEIGHT = 0.3              # of the highest beat: what stands alone from here on is a beat
_POINTS = 128                   # of the one period that is drawn
_DRAWN_HZ = 5.0                 # from its multiples up to here
_EQUAL, _MOST = 0.7, 0.75       # two rates: power of the second, share of both in the band


@dataclass(frozen=True)
class PulseRate:
    """A heart rate, or why there is none."""

    bpm: float              # NaN where it cannot be told
    similarity: float       # of neighbouring beats, about 0 to 1
    height: float           # amplitude of the highest peak of the spectrum, unit of the trace
    why_not: str = ""       # one of the reasons above; "" where the rate can be told


@dataclass(frozen=True)
class _Spectrum:
    """The power spectrum of a tapered trace, and its local maxima."""

    power: np.ndarray
    weight: np.ndarray      # of the same shape: what a filter took from the power, at least 1
    bin_hz: float
    maxima: np.ndarray

    def strength(self, at: np.ndarray | int) -> np.ndarray:
        """Return the power at some maxima as it was before the filter."""
        return self.power[at] * self.weight[at]

    def tooth(self, at_hz: float, least: float) -> bool:
        """Return whether there is a maximum of at least this strength where a tooth should be."""
        place = at_hz / self.bin_hz
        near = self.maxima[np.abs(self.maxima - place) <= _OFF * place]
        return bool(len(near)) and bool(self.strength(near).max() >= least)

    def refined_hz(self, peak: int) -> float:
        around = np.log(self.power[peak - 1 : peak + 2] + np.finfo(float).tiny)
        return self.bin_hz * (peak + peak_offset(around, 1))

    def highest_below(self, low_hz: float) -> float:
        return float(self.power[: max(1, int(0.9 * low_hz / self.bin_hz))].max())

    def between(self, low_hz: float, high_hz: float) -> np.ndarray:
        hz = self.maxima * self.bin_hz
        return self.maxima[(hz >= low_hz) & (hz <= high_hz)]


@dataclass(frozen=True)
class _Tooth:
    """The first tooth of a comb, and the highest of the band."""

    hz: float
    peak: int               # the highest, a number of the spectrum
    strength: float         # of the highest


def pulse_rate(
    trace: np.ndarray, fs_hz: float, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ,
    filtered: bool = False,
) -> PulseRate:
    """Return the rate of a pulse in the band, or the reason why it cannot be told.

    Parameters
    ----------
    trace : (T,) float array; an offset and a straight drift have no effect
    fs_hz : sampling rate [Hz]
    low_hz, high_hz : the band; a finger's is `FINGER_LOW_HZ` to `FINGER_HIGH_HZ`
    filtered : the trace went through `filters.bandpass` with its usual band: what that took from
        the slow end is put back before the rate is looked for

    Raises
    ------
    ValueError : the trace holds NaN or infinity
    """
    trace = np.asarray(trace, np.float64)
    if not np.isfinite(trace).all():
        raise ValueError("expected finite values, found NaN or infinity")
    if why_not := _why_no_spectrum(trace, fs_hz, low_hz, high_hz):
        return PulseRate(math.nan, 0.0, 0.0, why_not)
    tapered = hann_tapered(trace)
    if np.ptp(tapered) <= 1e-9 * np.abs(trace).max():          # a straight line
        return PulseRate(math.nan, 0.0, 0.0, FLAT)
    spectrum = _spectrum(tapered, fs_hz, filtered=filtered)
    first = _first_tooth(spectrum, low_hz, high_hz)
    if first is None:
        return PulseRate(math.nan, 0.0, 0.0, NOISE)
    repeats = Repeats(tapered, fs_hz, low_hz)
    first, similarity, least = _choose(spectrum, first, repeats, (low_hz, high_hz))
    if _has_second_rate(spectrum, first, (low_hz, high_hz)):
        why_not = TWO_RATES
    elif similarity < least:
        why_not = NOISE
    elif (beats := _beats_a_period(tapered, fs_hz, spectrum, first.hz)) > 1:
        first = replace(first, hz=beats * first.hz)
        similarity = repeats.after_a_beat(first.hz)
        why_not = "" if similarity >= TOLD_FROM else UNLIKE_BEATS
    if not why_not and _is_outside(spectrum, first, (low_hz, high_hz)):
        why_not = OUT_OF_BAND
    height = 4 * math.sqrt(first.strength) / max(len(trace), 1)
    return PulseRate(math.nan if why_not else 60 * first.hz, similarity, height, why_not)


def finger_rate(ppg: np.ndarray, fs_hz: float, *, filtered: bool = False) -> PulseRate:
    """Return the rate of a finger's pulse from 30 to 240 bpm: `pulse_rate` in that band."""
    return pulse_rate(
        ppg, fs_hz, low_hz=FINGER_LOW_HZ, high_hz=FINGER_HIGH_HZ, filtered=filtered
    )


def _why_no_spectrum(trace: np.ndarray, fs_hz: float, low_hz: float, high_hz: float) -> str:
    """Return why there is nothing to be looked for in a trace; "" where there may be."""
    if fs_hz <= 2 * high_hz:
        return TOO_SLOW
    if len(trace) < math.ceil(2 * fs_hz / low_hz):
        return TOO_SHORT
    is_flat = np.ptp(trace) <= 1e-9 * max(np.abs(trace).max(), np.finfo(float).tiny)
    return FLAT if is_flat else ""


def _spectrum(tapered: np.ndarray, fs_hz: float, *, filtered: bool) -> _Spectrum:
    power, bin_hz = power_spectrum(tapered, fs_hz)
    power = power[: math.ceil(1.5 * TOP_HZ / bin_hz)]
    hz = np.arange(len(power)) * bin_hz
    weight = _loss_at_slow_end(hz) if filtered else np.ones(len(power))
    inner = power[1:-1]
    maxima = np.flatnonzero((inner >= power[:-2]) & (inner > power[2:])) + 1
    return _Spectrum(power, weight, bin_hz, maxima)


def _loss_at_slow_end(hz: np.ndarray) -> np.ndarray:
    """Return the share of power that the usual band-pass, run twice, took: 1 to 300 times."""
    detune = (LOW_HZ * HIGH_HZ - hz**2) / np.maximum(hz * (HIGH_HZ - LOW_HZ), 1e-9)
    loss = (1 + np.minimum(detune, 10) ** (2 * FILTER_ORDER)) ** 2
    return np.where(hz < 1.0, np.minimum(loss, 300.0), 1.0)


def _first_tooth(spectrum: _Spectrum, low_hz: float, high_hz: float) -> _Tooth | None:
    """Return the tooth that explains the highest peak of the band; None where there is no peak.

    It may lie below the band: then the trace is slower than what is looked for.
    """
    inside = spectrum.between(low_hz * (1 - _EDGE), high_hz * (1 + _EDGE))
    if not len(inside):
        return None
    peak = int(inside[np.argmax(spectrum.strength(inside))])
    peak_hz, power = spectrum.refined_hz(peak), float(spectrum.strength(peak))
    for parts, others in ((2, (3,)), (3, (2, 4))):
        first_hz = peak_hz / parts
        # a beat that breathing makes higher and lower has peaks at its sides, but breath is slow
        is_comb = (first_hz >= _BREATH_HZ and parts == 2) or all(
            spectrum.tooth(number * first_hz, _LEAST_ODD * power) for number in others
        )
        if is_comb and spectrum.tooth(first_hz, _LEAST_FIRST * power):
            return _Tooth(first_hz, peak, power)
    return _Tooth(peak_hz, peak, power)


def _choose(
    spectrum: _Spectrum, first: _Tooth, repeats: "Repeats", band_hz: tuple[float, float]
) -> tuple[_Tooth, float, float]:
    """Return the rate, its similarity and the least it must have; breath gives way to a pulse.

    Alone, a slow wave without multiples is a pulse like another, and has to repeat itself well.
    """
    similarity = repeats.after_a_beat(first.hz)
    is_drift = spectrum.power[first.peak] < _LEAST_OF_DRIFT * spectrum.highest_below(band_hz[0])
    is_bare = not spectrum.tooth(2 * first.hz, _LEAST_ODD * first.strength)
    if first.hz >= _BREATH_HZ or not (is_drift or is_bare):
        return first, similarity, TOLD_FROM
    above = _first_tooth(spectrum, _BREATH_HZ, band_hz[1])
    if above is not None and above.strength >= _LEAST_FIRST * first.strength:
        of_above = repeats.after_a_beat(above.hz)
        if of_above >= TOLD_FROM:
            return above, of_above, TOLD_FROM
    return first, similarity, math.inf if is_drift else _SLOW_TOLD_FROM


def _beats_a_period(
    tapered: np.ndarray, fs_hz: float, spectrum: _Spectrum, rate_hz: float
) -> int:
    """Return how many beats lie in one period of a rate; a beat's own second wave is none."""
    far = round(_SECOND_WAVE_S * rate_hz * _POINTS)
    if 2 * far >= _POINTS:
        return 1
    hz = rate_hz * np.arange(1, math.floor(min(_DRAWN_HZ, fs_hz / 2.1) / rate_hz) + 1)
    heights = np.exp(-2j * np.pi * np.outer(hz, np.arange(len(tapered)) / fs_hz)) @ tapered
    points_hz = np.arange(len(spectrum.weight)) * spectrum.bin_hz
    heights *= np.sqrt(np.interp(hz, points_hz, spectrum.weight))
    wave = np.fft.irfft(np.append(0, heights), _POINTS)
    wave = np.roll(wave, -int(np.argmax(wave)))         # the highest beat is at 0
    tops = 1 + np.flatnonzero((wave[1:-1] >= wave[:-2]) & (wave[1:-1] > wave[2:]))
    beats, last = 1, 0
    for top in tops[tops <= _POINTS - far]:
        valley = max(wave[last:top].min(), wave[top:].min())
        if top - last >= far and wave[top] - valley >= _BEAT_HEIGHT * np.ptp(wave):
            beats, last = beats + 1, top
    return beats


class Repeats:
    """How similar a trace is to itself one beat later."""

    def __init__(self, tapered: np.ndarray, fs_hz: float, low_hz: float) -> None:
        """Take a trace of `filters.hann_tapered`; rates below `low_hz` are not asked for."""
        self._count, self._fs_hz, self._low_hz = len(tapered), fs_hz, low_hz
        points = 2 ** math.ceil(math.log2(2 * len(tapered)))
        self._power = np.abs(np.fft.rfft(tapered, points)) ** 2
        self._hz = np.arange(len(self._power)) * fs_hz / points
        self._of_window = _autocorrelation_of_window(len(tapered), points)

    def after_a_beat(self, rate_hz: float) -> float:
        """Return the similarity at the lag of a beat, about 0 to 1; 0 where two beats differ."""
        is_pulse = (self._hz >= max(0.9 * self._low_hz, 0.6 * rate_hz)) & (self._hz <= TOP_HZ)
        of_trace = np.fft.irfft(self._power * is_pulse)[: self._count]
        if of_trace[0] <= 0:
            return 0.0
        r = of_trace / of_trace[0] / self._of_window
        one, two = (self._highest(r, beats * self._fs_hz / rate_hz) for beats in (1, 2))
        return one if two >= _TWO_BEATS_FROM else 0.0

    def _highest(self, r: np.ndarray, lag: float) -> float:
        near = r[math.floor(0.92 * lag) : math.ceil(1.08 * lag) + 1]
        return float(near.max()) if len(near) else 0.0


@lru_cache(maxsize=8)
def _autocorrelation_of_window(count: int, points: int) -> np.ndarray:
    """Return what the window alone leaves of each lag, (count,) from 1 down to a hundredth."""
    r = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(count + 2)[1:-1], points)) ** 2)[:count]
    return np.maximum(r / r[0], 0.01)       # nothing can be said of longer lags


def _has_second_rate(
    spectrum: _Spectrum, first: _Tooth, band_hz: tuple[float, float]
) -> bool:
    """Return whether a second peak, no multiple of the rate, is as strong, and little is left."""
    low_hz = _BREATH_HZ if first.hz >= _BREATH_HZ else band_hz[0]
    inside = spectrum.between(low_hz, band_hz[1])
    numbers = inside * spectrum.bin_hz / first.hz
    others = inside[
        (np.abs(inside - first.peak) * spectrum.bin_hz > _APART_HZ)
        & (np.abs(numbers - np.maximum(np.round(numbers), 1)) > 0.12)
    ]
    if not len(others):
        return False
    second = int(others[np.argmax(spectrum.power[others])])
    if spectrum.power[second] < _EQUAL * spectrum.power[first.peak]:
        return False
    hz = np.arange(len(spectrum.power)) * spectrum.bin_hz
    is_in = (hz >= low_hz) & (hz <= band_hz[1])
    is_near = is_in & np.any(
        [np.abs(hz - at * spectrum.bin_hz) <= _APART_HZ / 2 for at in (first.peak, second)], axis=0
    )
    return bool(spectrum.power[is_near].sum() >= _MOST * spectrum.power[is_in].sum())


def _is_outside(spectrum: _Spectrum, first: _Tooth, band_hz: tuple[float, float]) -> bool:
    low_hz, high_hz = band_hz[0] * (1 - _EDGE), band_hz[1] * (1 + _EDGE)
    above = spectrum.between(high_hz, _ABOVE * high_hz)
    numbers = above * spectrum.bin_hz / first.hz
    above = above[np.abs(numbers - np.round(numbers)) > _OFF * numbers]     # no teeth of the rate
    is_above = bool(len(above)) and spectrum.power[above].max() > spectrum.power[first.peak]
    return is_above or not low_hz <= first.hz <= high_hz
