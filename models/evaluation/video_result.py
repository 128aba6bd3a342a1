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

from dataset.signals.colour_methods import METHODS
from dataset.signals.filters import bandpass, heart_rate, sliding_windows
from dataset.signals.pearson import pearson_r
from dataset.signals.windows import even_grid, to_even_grid, window_length
from models.data.checks import check_has_finger
from models.data.videos import CuratedVideo
from models.metrics.snr import DE_HAAN, OURS, SnrDefinition, snr_db
from models.metrics.toolbox import PAPER_BAND_HZ, ToolboxFigures, macc, toolbox_figures


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
    snr_de_haan_db: np.ndarray           # (W,) by the definition of de Haan and Jeanne
    correlation: float         # of pulse and PPG over the whole video, at the best lag
    lag_s: float               # that lag, within half a second: positive where the pulse is late
    left_out: int              # windows that span a gap, and are in no figure
    # others in which the finger's rate cannot be told; they are in no figure either
    without_finger: int
    macc: np.ndarray           # (W,) maximum amplitude of the cross-correlation with the PPG
    toolbox: ToolboxFigures    # of the whole video, as rPPG-Toolbox has them
    toolbox_of_paper: ToolboxFigures     # in the narrower band of its paper


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
    raw = to_even_grid(pulse, time_s), to_even_grid(video.ppg, time_s)
    pulse, ppg = (_to_unit_variance(bandpass(trace, fs_hz)) for trace in raw)
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
        snr_db=_snr_of_windows(pulse_windows, fs_hz, reference_bpm, OURS),
        snr_de_haan_db=_snr_of_windows(pulse_windows, fs_hz, reference_bpm, DE_HAAN),
        correlation=correlation, lag_s=lag_s, left_out=reference.across_gap,
        without_finger=reference.without_finger,
        macc=np.array([
            macc(window, ppg_window)
            for window, ppg_window in zip(pulse_windows, ppg_windows, strict=True)
        ]),
        toolbox=toolbox_figures(*raw, fs_hz),
        toolbox_of_paper=toolbox_figures(*raw, fs_hz, band_hz=PAPER_BAND_HZ),
    )


def _snr_of_windows(
    windows: np.ndarray, fs_hz: float, reference_bpm: np.ndarray, definition: SnrDefinition
) -> np.ndarray:
    return np.array([
        snr_db(window, fs_hz, hr_bpm=hr_bpm, definition=definition)
        for window, hr_bpm in zip(windows, reference_bpm, strict=True)
    ])


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
    return np.interp(
        time_s, grid_s, METHODS[method](to_even_grid(video.colour, time_s), fs_hz)
    )


def _to_unit_variance(trace: np.ndarray) -> np.ndarray:
    sd = trace.std()
    return trace / sd if sd > 0 else trace


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
