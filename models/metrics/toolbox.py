"""What rPPG-Toolbox computes of a predicted pulse: its whole chain, of a whole video.

Both traces are detrended (lambda 100), then band-passed by a Butterworth of order 1, forwards and
backwards. Of these are computed the heart rate as the highest bin of a plain periodogram whose
points are the next power of two, the heart rate as the mean distance of all local maxima, the SNR
at the finger's rate, and MACC. Nothing is interpolated, no window is left out.

Source: rPPG-Toolbox (Liu et al., NeurIPS 2023, datasets and benchmarks),
`evaluation/post_process.py`. It has had two bands: `BAND_HZ` is today's, and `PAPER_BAND_HZ` the
one that it recommends to come near the tables of its paper.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from dataset.published_colour.detrend import smoothness_priors

SMOOTHING = 100.0              # lambda
FILTER_ORDER = 1
BAND_HZ = (0.6, 3.3)           # 36 to 198 bpm
PAPER_BAND_HZ = (0.75, 2.5)    # 45 to 150 bpm
HALF_WIDTH_HZ = 0.1            # 6 bpm, on either side of the rate and of its double


@dataclass(frozen=True)
class ToolboxFigures:
    """One video; NaN where the pulse is flat, or has fewer than two maxima."""

    fft_bpm: float              # of the predicted pulse
    fft_reference_bpm: float    # of the finger's
    peak_bpm: float
    peak_reference_bpm: float
    snr_db: float               # at the finger's rate by FFT
    macc: float
    points: int                 # of the FFT
    bin_bpm: float              # from one bin to the next


def toolbox_figures(
    pulse: np.ndarray, ppg: np.ndarray, fs_hz: float, *,
    band_hz: tuple[float, float] = BAND_HZ,
) -> ToolboxFigures:
    """Compute the figures of one video.

    Parameters
    ----------
    pulse, ppg : (T,) float arrays at the same, even times, not filtered before; of a network that
        predicts changes, their cumulative sum
    fs_hz : their rate [Hz]
    """
    points = toolbox_points(len(pulse))
    found = _filtered(ppg, fs_hz, band_hz)
    reference_bpm, reference_peak_bpm = _fft_bpm(found, fs_hz, band_hz), _peak_bpm(found, fs_hz)
    if np.ptp(pulse) == 0:
        predicted = dict.fromkeys(("fft_bpm", "peak_bpm", "snr_db", "macc"), float("nan"))
    else:
        read = _filtered(pulse, fs_hz, band_hz)
        predicted = {
            "fft_bpm": _fft_bpm(read, fs_hz, band_hz), "peak_bpm": _peak_bpm(read, fs_hz),
            "snr_db": _snr_db(read, fs_hz, band_hz, hr_bpm=reference_bpm),
            "macc": macc(read, found),
        }
    return ToolboxFigures(
        fft_reference_bpm=reference_bpm, peak_reference_bpm=reference_peak_bpm, points=points,
        bin_bpm=60 * fs_hz / points, **predicted,
    )


def macc(pulse: np.ndarray, ppg: np.ndarray) -> float:
    """Compute the largest |Pearson's r| over all circular shifts; NaN where one trace is flat.

    It is rPPG-Toolbox's maximum amplitude of cross-correlation: lags from 0 to T - 2, the reference
    rolled.
    """
    a, b = pulse - pulse.mean(), ppg - ppg.mean()
    scale = len(a) * a.std() * b.std()
    if scale == 0:
        return float("nan")
    over_lags = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)), len(a)) / scale
    return float(np.abs(over_lags[: len(a) - 1]).max())


def toolbox_points(length: int) -> int:
    """Return the number of points of rPPG-Toolbox's FFT: the next power of two."""
    return 1 << (length - 1).bit_length()


def _filtered(trace: np.ndarray, fs_hz: float, band_hz: tuple[float, float]) -> np.ndarray:
    edges = [2 * edge / fs_hz for edge in band_hz]
    coefficients = signal.butter(FILTER_ORDER, edges, btype="bandpass", output="ba")
    flat = smoothness_priors(trace, SMOOTHING)
    return signal.filtfilt(*coefficients, flat)  # type: ignore[arg-type]  # two, not eight


def _spectrum(trace: np.ndarray, fs_hz: float) -> tuple[np.ndarray, np.ndarray]:
    return signal.periodogram(
        trace, fs_hz, nfft=toolbox_points(len(trace)),
        detrend=False,  # type: ignore[arg-type]
    )


def _fft_bpm(trace: np.ndarray, fs_hz: float, band_hz: tuple[float, float]) -> float:
    frequency_hz, power = _spectrum(trace, fs_hz)
    in_band = np.flatnonzero((frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1]))
    return float(60 * frequency_hz[in_band[np.argmax(power[in_band])]])


def _peak_bpm(trace: np.ndarray, fs_hz: float) -> float:
    peaks, _ = signal.find_peaks(trace)
    return float(60 * fs_hz / np.diff(peaks).mean()) if len(peaks) > 1 else float("nan")


def _snr_db(
    trace: np.ndarray, fs_hz: float, band_hz: tuple[float, float], *, hr_bpm: float
) -> float:
    """Return the power near a rate and its double over the rest of the band [dB].

    0 where there is no rest.
    """
    frequency_hz, power = _spectrum(trace, fs_hz)
    once, twice = (
        (frequency_hz >= harmonic * hr_bpm / 60 - HALF_WIDTH_HZ)
        & (frequency_hz <= harmonic * hr_bpm / 60 + HALF_WIDTH_HZ)
        for harmonic in (1, 2)
    )
    in_band = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    rest = power[in_band & ~once & ~twice].sum()
    # a bin that is near both counts twice, as there
    return float(10 * np.log10((power[once].sum() + power[twice].sum()) / rest)) if rest else 0.0
