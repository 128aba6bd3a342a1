"""Heart rates of a predicted pulse beside those of the finger, window by window.

The steps are the paper's: cumulative sum, band-pass 0.7-4.0 Hz, spectral peak in sliding windows of
10 s, times 60. The finger's rate beside it is the reference, and has to be right: it is looked for
from 0.5 to 4.0 Hz (30 to 240 bpm), and windows in which it cannot be told are in no figure of any
method (`models.data.reference`). Two more things differ from the paper, to be correct. The frames'
own times are used: the sum is brought onto an even grid by the third row of `ground_truth.txt`
before any filter or spectrum; no time is `index / fps`. And the peak is refined below the
spectrum's bins (`dataset.signals.filters.heart_rate`), because bins of 3.5 bpm alone cost 0.9 bpm.

A window has no prediction where the method says the same all through it, or something that is not
a number. `predicted_bpm`, SNR and MACC are NaN there, and it counts as the training set's mean
rate in every error (`mean_rate`).
"""

from dataclasses import dataclass

import numpy as np

from dataset.published_colour.methods import read_pulse
from dataset.signals.filters import bandpass, heart_rate, sliding_windows
from dataset.signals.pearson import pearson_r
from dataset.signals.windows import even_grid, to_even_grid, window_length
from models.data.checks import check_has_finger
from models.data.videos import CuratedVideo
from models.metrics.snr import DE_HAAN, OURS, SnrDefinition, snr_db
from models.metrics.toolbox import PAPER_BAND_HZ, ToolboxFigures, macc, toolbox_figures

# of the largest; what differs by less is the rounding of numbers of 32 bits
_LEAST_VARYING = 1e-6


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
    predicted_bpm: np.ndarray  # (W,); NaN where there is no prediction
    reference_bpm: np.ndarray  # (W,)
    # (W,) of the predicted pulse, at the reference's heart rate; NaN where there is no prediction
    snr_db: np.ndarray
    snr_de_haan_db: np.ndarray           # (W,) by `models.metrics.snr.DE_HAAN`
    correlation: float         # of pulse and PPG over the whole video, at the best lag
    lag_s: float               # that lag, within half a second: positive where the pulse is late
    left_out: int              # windows that span a gap, and are in no figure
    # others in which the finger's rate cannot be told; they are in no figure either
    without_finger: int
    macc: np.ndarray           # (W,) maximum amplitude of the cross-correlation with the PPG
    toolbox: ToolboxFigures    # of the whole video, as rPPG-Toolbox has them
    toolbox_of_paper: ToolboxFigures     # in the narrower band of its paper
    # what counts where there is no prediction [bpm], of `mean_rate`; NaN: it is not known
    mean_rate_bpm: float = float("nan")

    @property
    def counted_bpm(self) -> np.ndarray:
        """(W,) the rate that every error is computed from: the prediction, or the mean rate.

        Raises
        ------
        ValueError : a window has no prediction, and the mean rate is not known
        """
        return or_mean_rate(self.predicted_bpm, self.mean_rate_bpm)


def or_mean_rate(predicted_bpm: np.ndarray, mean_rate_bpm: float) -> np.ndarray:
    """Return predicted rates, the mean rate in place of what is not a number.

    Raises
    ------
    ValueError : it is needed, and not known
    """
    has_rate = np.isfinite(predicted_bpm)
    if not has_rate.all() and not np.isfinite(mean_rate_bpm):
        raise ValueError("expected the training set's mean rate, for windows without a prediction")
    return np.where(has_rate, predicted_bpm, mean_rate_bpm)


def evaluate_changes(changes: np.ndarray, video: CuratedVideo) -> VideoResult:
    """Sum (T - 1,) predicted changes up to a pulse, and evaluate that."""
    pulse = np.append(0.0, np.cumsum(np.where(np.isfinite(changes), changes, 0.0)))
    return _evaluate(pulse, changes, video, least=_rounding_of(changes))


def evaluate_pulse(pulse: np.ndarray, video: CuratedVideo) -> VideoResult:
    """Compare the heart rates of a (T,) pulse at the video's frame times with the PPG's.

    Raises
    ------
    TrainingError : the finger's rate can be told in no window of the video
    """
    is_known = np.isfinite(pulse)
    if not is_known.any():
        return _evaluate(np.zeros(len(pulse)), np.full(len(pulse) - 1, np.nan), video, least=0.0)
    at = np.arange(len(pulse))
    whole = np.interp(at, at[is_known], pulse[is_known])
    changes = np.diff(np.where(is_known, pulse, np.nan))
    return _evaluate(whole, changes, video, least=_rounding_of(whole))


def _evaluate(
    pulse: np.ndarray, changes: np.ndarray, video: CuratedVideo, *, least: float
) -> VideoResult:
    """Evaluate a (T,) pulse without gaps; where its changes vary by no more than `least`, none."""
    check_has_finger(video, video.video.parent)
    if not _varies(changes[np.isfinite(changes)], least):
        # A constant sums up to a line, which frames at uneven times bend; the filter would make a
        # pulse of that.
        pulse = np.zeros_like(pulse)
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
    start_s = grid_s[::step][: len(is_used)][is_used]
    has_rate = np.array([
        _varies(changes[_pairs_within(time_s, at, at + length / fs_hz)], least)
        for at in start_s.tolist()
    ])

    def where_predicted(values: list[float]) -> np.ndarray:
        return np.where(has_rate, values, np.nan)

    return VideoResult(
        folder=video.folder, subject=video.subject, fs_hz=fs_hz, time_s=grid_s, pulse=pulse,
        ppg=ppg, start_s=start_s, window_s=length / fs_hz,
        predicted_bpm=where_predicted([heart_rate(window, fs_hz) for window in pulse_windows]),
        reference_bpm=reference_bpm,
        snr_db=where_predicted(_snr_of_windows(pulse_windows, fs_hz, reference_bpm, OURS)),
        snr_de_haan_db=where_predicted(
            _snr_of_windows(pulse_windows, fs_hz, reference_bpm, DE_HAAN)
        ),
        correlation=correlation, lag_s=lag_s, left_out=reference.across_gap,
        without_finger=reference.without_finger,
        macc=where_predicted([
            macc(window, ppg_window)
            for window, ppg_window in zip(pulse_windows, ppg_windows, strict=True)
        ]),
        toolbox=toolbox_figures(*raw, fs_hz),
        toolbox_of_paper=toolbox_figures(*raw, fs_hz, band_hz=PAPER_BAND_HZ),
    )


def _snr_of_windows(
    windows: np.ndarray, fs_hz: float, reference_bpm: np.ndarray, definition: SnrDefinition
) -> list[float]:
    return [
        snr_db(window, fs_hz, hr_bpm=hr_bpm, definition=definition)
        for window, hr_bpm in zip(windows, reference_bpm, strict=True)
    ]


def _rounding_of(said: np.ndarray) -> float:
    """Return by how much equal numbers of 32 bits may differ."""
    return _LEAST_VARYING * float(np.abs(said[np.isfinite(said)]).max(initial=0.0))


def _varies(changes: np.ndarray, least: float) -> bool:
    """Return whether changes say anything: all are numbers, and not all are the same."""
    return bool(len(changes) and np.isfinite(changes).all() and np.ptp(changes) > least)


def _pairs_within(time_s: np.ndarray, first_s: float, last_s: float) -> slice:
    """Return which pairs of adjacent frames lie within a window."""
    tiny = 1e-9
    first, stop = np.searchsorted(time_s, [first_s - tiny, last_s + tiny])
    return slice(int(first), max(int(stop) - 1, int(first)))


def colour_pulse(method: str, video: CuratedVideo) -> np.ndarray:
    """Read the pulse of a video with one of `dataset.published_colour.methods.ALL_METHODS`.

    The colours are brought onto an even grid by the frames' own times first, and the pulse back
    onto the frames.

    Returns
    -------
    (T,) float64 array; NaN where the method's region cannot be seen

    Raises
    ------
    ValueError : the method reads a region of the face, and the video's are not at hand
    """
    time_s = video.time_s - video.time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    regions = None if video.regions is None else to_even_grid(video.regions, time_s)
    pulse = read_pulse(method, to_even_grid(video.colour, time_s), regions, fs_hz)
    return np.interp(time_s, grid_s, pulse)


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
