"""Pulse signals: arrays in, arrays out.

Heart rate comes from the peak of a Hann-windowed spectrum that is zero-padded to a grid finer than
0.1 bpm and refined by a parabola through the logarithm of the three highest points. On a pure tone
of 45-180 bpm in a 10 s window that is right to 0.01 bpm (a plain 512-point FFT at 30 Hz has bins of
3.5 bpm). Two tones in 10 s are separate peaks only where they are about 24 bpm apart: zero-padding
refines a peak, but separates none.
"""

import math
from functools import lru_cache

import numpy as np

from .peaks import peak_offset

LOW_HZ = 0.7       # 42 bpm
HIGH_HZ = 4.0      # 240 bpm
FILTER_ORDER = 3
WINDOW_S = 10.0    # the window of the published heart rates
PEAK_HZ = 2 / WINDOW_S     # half the width of a peak, in the spectrum of a Hann window
# A face's heart rate needs more frames a second: of fewer, a heart of 240 bpm looks like a slower
# one within `highest_hz`.
LEAST_FS_HZ = 2 * (HIGH_HZ - PEAK_HZ)      # 7.6
HR_GRID_BPM = 0.1  # spacing of the spectrum before the parabola
_FREQUENCIES = 2**14    # whose response is worked out at once


def bandpass(
    ppg: np.ndarray, fs_hz: float, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ,
    order: int = FILTER_ORDER,
) -> np.ndarray:
    """Keep the heart-rate band of a PPG trace, without phase shift.

    Butterworth of the given order, run forwards and backwards as second-order sections; the ends
    are mirrored over three periods of the lowest frequency, so that the first and last seconds are
    usable.

    Parameters
    ----------
    ppg : (T,) float array, arbitrary units; NaN is not allowed
    fs_hz : sampling rate [Hz], > 2 * high_hz

    Returns
    -------
    (T,) float64 array, zero mean

    Raises
    ------
    ValueError : the band does not fit below fs_hz / 2, or ppg holds NaN or fewer than
        `min_samples` samples
    """
    ppg = _checked(ppg, fs_hz, low_hz=low_hz, high_hz=high_hz)
    pad = min(len(ppg) - 1, round(3 * fs_hz / low_hz))
    kept = filter_both_ways(
        ppg - ppg.mean(), fs_hz, low_hz=low_hz, high_hz=high_hz, order=order, pad=pad
    )
    return kept - kept.mean()


def filter_both_ways(
    values: np.ndarray, fs_hz: float, *, low_hz: float, high_hz: float, order: int, pad: int
) -> np.ndarray:
    """Filter by a Butterworth band-pass forwards, then backwards, along the last axis.

    It is `scipy.signal.sosfiltfilt`, to rounding, as two products of spectra: that module takes
    longer to import than all else that reads a video. A constant has no response, so the state
    that the filter begins with is reached by subtracting the first value.

    Parameters
    ----------
    values : (..., T) float array
    pad : values that are mirrored at either end (odd), less than T

    Returns
    -------
    (..., T) float64 array
    """
    first, last = values[..., :1], values[..., -1:]
    ends = 2 * first - values[..., pad:0:-1], 2 * last - values[..., -2 : -pad - 2 : -1]
    kept = np.concatenate([ends[0], values, ends[1]], axis=-1)
    response, points = _band_response(kept.shape[-1], fs_hz, low_hz, high_hz, order)
    for _ in range(2):
        spectrum = np.fft.rfft(kept - kept[..., :1], points)
        spectrum *= response
        kept = np.fft.irfft(spectrum, points)[..., : kept.shape[-1]][..., ::-1]
    return kept[..., pad : kept.shape[-1] - pad]


@lru_cache(maxsize=8)
def _band_response(
    length: int, fs_hz: float, low_hz: float, high_hz: float, order: int
) -> tuple[np.ndarray, int]:
    """Return a Butterworth band-pass's response at each frequency, and the points of the spectrum.

    They are so many that what the filter still says after `length` values is below 1e-13.

    Source: Oppenheim and Schafer, "Discrete-Time Signal Processing", chapter 7 (bilinear transform
    of the prototype whose poles lie evenly on the left half of the unit circle).
    """
    poles = np.exp(1j * np.pi * (2 * np.arange(order) + order + 1) / (2 * order))
    low, high = np.tan(np.pi * np.array([low_hz, high_hz]) / fs_hz)
    centre, width = low * high, high - low
    half = np.sqrt((poles * width) ** 2 - 4 * centre)
    of_band = np.concatenate([poles * width + half, poles * width - half]) / 2
    fade = -np.log(np.abs((1 + of_band) / (1 - of_band))).max()      # of the slowest, each value
    points = 2 ** math.ceil(math.log2(length + 30 / fade))
    response = np.zeros(points // 2 + 1, complex)
    for first in range(1, len(response), _FREQUENCIES):
        some = np.s_[first : min(first + _FREQUENCIES, len(response))]
        at = np.tan(np.pi * np.arange(some.start, some.stop) / points)
        prototype = (at**2 - centre) / (width * at)
        response[some] = np.prod(1 / (1j * prototype[:, None] - poles), axis=1)
    return response, points


def highest_hz(fs_hz: float) -> float:
    """Return the highest heart rate that so many frames a second hold [Hz], at most `HIGH_HZ`.

    Frames show f and fs_hz - f alike. In ten seconds the two are separate peaks where half the
    frame rate lies half a peak's width between them or more.
    """
    return min(HIGH_HZ, fs_hz / 2 - PEAK_HZ)


def min_samples(fs_hz: float, *, low_hz: float = LOW_HZ) -> int:
    """Return the samples in two periods of `low_hz`; a band-pass of fewer is mostly its ends."""
    return math.ceil(2 * fs_hz / low_hz)


def _checked(ppg: np.ndarray, fs_hz: float, *, low_hz: float, high_hz: float) -> np.ndarray:
    """Return the trace in float64; ValueError where the band cannot be taken from it."""
    ppg = np.asarray(ppg, np.float64)
    if not 0 < low_hz < high_hz < fs_hz / 2:
        raise ValueError(f"expected 0 < {low_hz} < {high_hz} < {fs_hz / 2} Hz")
    if not np.isfinite(ppg).all():
        raise ValueError("expected finite values, found NaN or infinity")
    if len(ppg) < (fewest := min_samples(fs_hz, low_hz=low_hz)):
        raise ValueError(f"expected at least {fewest} samples, found {len(ppg)}")
    return ppg


def heart_rate(
    ppg: np.ndarray, fs_hz: float, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ
) -> float:
    """Return the heart rate of a trace [bpm]: its highest spectral peak in the band.

    Parameters
    ----------
    ppg : (T,) float array; an offset and a straight drift have no effect
    fs_hz : sampling rate [Hz], > 2 * high_hz

    Returns
    -------
    bpm, refined below the grid of `HR_GRID_BPM`; NaN where the trace is flat

    Raises
    ------
    ValueError : the band does not fit below fs_hz / 2, or ppg holds NaN or fewer than two periods
        of `low_hz`
    """
    ppg = _checked(ppg, fs_hz, low_hz=low_hz, high_hz=high_hz)
    if np.ptp(ppg) == 0:
        return math.nan
    power, bin_hz = power_spectrum(hann_tapered(ppg), fs_hz)
    first, last = math.ceil(low_hz / bin_hz), math.floor(high_hz / bin_hz)
    inside = np.arange(first, last + 1)
    # A slope that falls into the band from below is drift, not a pulse: only a local maximum
    # counts, where there is one.
    maxima = inside[(power[inside] >= power[inside - 1]) & (power[inside] > power[inside + 1])]
    candidates = maxima if len(maxima) else inside
    peak = int(candidates[np.argmax(power[candidates])])
    around = np.log(power[peak - 1 : peak + 2] + np.finfo(float).tiny)
    return 60.0 * bin_hz * (peak + (peak_offset(around, 1) if len(maxima) else 0.0))


def hann_tapered(ppg: np.ndarray) -> np.ndarray:
    """Subtract the Hann-weighted straight line, then apply the window: 0 Hz leaks nowhere."""
    window = np.hanning(len(ppg) + 2)[1:-1]
    from_middle = np.arange(len(ppg)) - (len(ppg) - 1) / 2      # so level and slope are apart
    level = window @ ppg / window.sum()
    slope = (window * from_middle) @ ppg / (window @ from_middle**2)
    return (ppg - level - slope * from_middle) * window


def power_spectrum(tapered: np.ndarray, fs_hz: float) -> tuple[np.ndarray, float]:
    """Return the power of a tapered trace from 0 Hz up, and the step [Hz], under `HR_GRID_BPM`."""
    points = 2 ** math.ceil(math.log2(max(60 * fs_hz / HR_GRID_BPM, len(tapered))))
    return np.abs(np.fft.rfft(tapered, points)) ** 2, fs_hz / points


def sliding_windows(values: np.ndarray, length: int, *, step: int) -> np.ndarray:
    """View `values` (T, ...) as overlapping windows, (N, length, ...).

    A remainder shorter than `length` is left out.

    Raises
    ------
    ValueError : `length` or `step` is not positive
    """
    if length < 1 or step < 1:
        raise ValueError(f"expected a positive length and step, found {length} and {step}")
    values = np.asarray(values)
    if len(values) < length:
        return np.empty((0, length, *values.shape[1:]), values.dtype)
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(values, length, axis=0), -1, 1)[
        ::step
    ]


def sliding_heart_rate(
    ppg: np.ndarray, fs_hz: float, *, window_s: float = WINDOW_S, step_s: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return heart rates along a trace: window centres [s after the first sample] and bpm.

    A trace shorter than one window has one rate, over all of it.
    """
    length = min(len(ppg), round(window_s * fs_hz))
    step = max(1, round(step_s * fs_hz))
    rates = np.array(
        [heart_rate(window, fs_hz) for window in sliding_windows(ppg, length, step=step)]
    )
    centres_s = (np.arange(len(rates)) * step + (length - 1) / 2) / fs_hz
    return centres_s, rates
