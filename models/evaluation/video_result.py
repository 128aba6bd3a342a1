"""Heart rates of a predicted pulse beside those of the finger, window by window.

The steps are the paper's: cumulative sum, band-pass 0.7-4.0 Hz, spectral peak in sliding windows of
10 s, times 60. The finger's rate beside it is the reference, and has to be right: it is looked for
from 0.5 to 4.0 Hz (30 to 240 bpm), and windows in which it cannot be told are in no figure of any
method (`models.data.reference`). Two more things differ from the paper, to be correct. The frames'
own times are used: the sum is brought onto an even grid by the third row of `ground_truth.txt`
before any filter or spectrum; no time is `index / fps`. And the peak is refined below the
spectrum's bins (`dataset.signals.filters.heart_rate`), because bins of 3.5 bpm alone cost 0.9 bpm.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from dataset.signals.colour_methods import METHODS
from dataset.signals.filters import (
    HIGH_HZ,
    HR_GRID_BPM,
    LOW_HZ,
    bandpass,
    heart_rate,
    sliding_windows,
)
from dataset.signals.pearson import pearson_r
from dataset.signals.windows import even_grid, to_even_grid, window_length
from models.data.checks import check_has_finger
from models.data.videos import CuratedVideo

from .metrics import macc, toolbox_heart_rate

# 6 bpm around the pulse and its first harmonic, as de Haan and Jeanne (2013)
SNR_HALF_WIDTH_HZ = 0.1


@dataclass(frozen=True)
class VideoResult:
    """One method on one video."""

    folder: str
    subject: str
    fs_hz: float               # of the even grid
    time_s: np.ndarray         # (T,) seconds from the video's start
    pulse: np.ndarray          # (T,) predicted pulse, band-passed, unit variance
    ppg: np.ndarray            # (T,) contact PPG, band-passed, unit variance
    start_s: np.ndarray        # (W,) beginning of each window
    window_s: float
    predicted_bpm: np.ndarray  # (W,)
    reference_bpm: np.ndarray  # (W,)
    snr_db: np.ndarray         # (W,) of the predicted pulse, at the reference's heart rate
    correlation: float         # of pulse and PPG over the whole video, at the best lag
    lag_s: float               # that lag, within half a second: positive where the pulse is late
    left_out: int              # windows that span a gap, and are in no figure
    # others in which the finger's rate cannot be told; they are in no figure either
    without_finger: int
    macc: np.ndarray           # (W,) maximum amplitude of the cross-correlation with the PPG
    toolbox_predicted_bpm: np.ndarray    # (W,) by rPPG-Toolbox's FFT metric
    toolbox_reference_bpm: np.ndarray    # (W,)


def evaluate_changes(changes: np.ndarray, video: CuratedVideo) -> VideoResult:
    """Sum (T - 1,) predicted changes up to a pulse, and evaluate that.

    A network that predicts the same for every pair has seen no pulse, and has no heart rate (NaN).
    """
    # A constant sums up to a line, which frames at uneven times bend; the filter would make a pulse
    # of that.
    varying = changes if np.ptp(changes) > 0 else np.zeros_like(changes)
    return evaluate_pulse(np.append(0.0, np.cumsum(varying)), video)


def evaluate_pulse(pulse: np.ndarray, video: CuratedVideo) -> VideoResult:
    """Compare the heart rates of a (T,) pulse at the video's frame times with the PPG's.

    Raises
    ------
    TrainingError : the finger's rate can be told in no window of the video
    """
    check_has_finger(video, video.video.parent)
    time_s = video.time_s - video.time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    pulse, ppg = (
        _to_unit_variance(bandpass(to_even_grid(trace, time_s), fs_hz))
        for trace in (pulse, video.ppg)
    )
    length, step = window_length(fs_hz)
    reference = video.reference
    is_used = reference.is_used
    pulse_windows, ppg_windows = (
        sliding_windows(trace, length, step=step)[is_used] for trace in (pulse, ppg)
    )
    reference_bpm = reference.bpm[is_used]
    correlation, lag_s = best_lag(pulse, ppg, fs_hz)
    return VideoResult(
        folder=video.folder, subject=video.subject, fs_hz=fs_hz, time_s=grid_s, pulse=pulse,
        ppg=ppg, start_s=grid_s[::step][: len(is_used)][is_used], window_s=length / fs_hz,
        predicted_bpm=np.array([heart_rate(window, fs_hz) for window in pulse_windows]),
        reference_bpm=reference_bpm,
        snr_db=np.array([
            snr_db(window, fs_hz, hr_bpm=hr_bpm)
            for window, hr_bpm in zip(pulse_windows, reference_bpm, strict=True)
        ]),
        correlation=correlation, lag_s=lag_s, left_out=reference.across_gap,
        without_finger=reference.without_finger,
        macc=np.array([
            macc(window, ppg_window)
            for window, ppg_window in zip(pulse_windows, ppg_windows, strict=True)
        ]),
        toolbox_predicted_bpm=np.array([
            toolbox_heart_rate(window, fs_hz) if np.ptp(window) > 0 else np.nan
            for window in pulse_windows
        ]),
        toolbox_reference_bpm=np.array([
            toolbox_heart_rate(window, fs_hz) for window in ppg_windows
        ]),
    )


def colour_pulse(method: str, video: CuratedVideo) -> np.ndarray:
    """Read the pulse of a video with a method of `dataset.signals.colour_methods.METHODS`.

    The colours are brought onto an even grid by the frames' own times first, and the pulse back
    onto the frames.

    Returns
    -------
    (T,) float64 array
    """
    time_s = video.time_s - video.time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    colours = np.stack([to_even_grid(channel, time_s) for channel in video.colour.T], axis=1)
    return np.interp(time_s, grid_s, METHODS[method](colours, fs_hz))


def _to_unit_variance(trace: np.ndarray) -> np.ndarray:
    sd = trace.std()
    return trace / sd if sd > 0 else trace


def spectrum(trace: np.ndarray, fs_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies [Hz] and power of a Hann-windowed, zero-padded trace."""
    points = 2 ** int(np.ceil(np.log2(max(60 * fs_hz / HR_GRID_BPM, len(trace)))))
    return signal.periodogram(trace, fs_hz, window="hann", nfft=points, detrend="linear")


def snr_db(trace: np.ndarray, fs_hz: float, *, hr_bpm: float) -> float:
    """Return the power at a heart rate and its first harmonic over the rest of the band [dB].

    NaN where the trace is flat.

    Source: de Haan and Jeanne, IEEE TBME 60(10), 2013; 0.1 Hz on either side, here in 0.7-4.0 Hz.
    """
    if np.ptp(trace) == 0:
        return float("nan")
    frequency_hz, power = spectrum(trace, fs_hz)
    in_band = (frequency_hz >= LOW_HZ) & (frequency_hz <= HIGH_HZ)
    is_pulse = np.zeros_like(in_band)
    for harmonic in (1, 2):
        is_pulse |= np.abs(frequency_hz - harmonic * hr_bpm / 60) <= SNR_HALF_WIDTH_HZ
    tiny = np.finfo(float).tiny
    ratio = (power[in_band & is_pulse].sum() + tiny) / (power[in_band & ~is_pulse].sum() + tiny)
    return float(10 * np.log10(ratio))


def best_lag(
    pulse: np.ndarray, ppg: np.ndarray, fs_hz: float, *, most_s: float = 0.5
) -> tuple[float, float]:
    """Return the highest Pearson correlation of two traces within `most_s`, and its lag [s].

    The lag is that of the first trace; (NaN, 0) where there is no correlation.
    """
    best = (-2.0, 0.0)
    most = min(round(most_s * fs_hz), len(pulse) // 2)
    for lag in range(-most, most + 1):
        a = pulse[max(lag, 0):len(pulse) + min(lag, 0)]
        b = ppg[max(-lag, 0):len(ppg) + min(-lag, 0)]
        best = max(best, (pearson_r(a, b), lag / fs_hz))
    return best if best[0] > -2 else (float("nan"), 0.0)
