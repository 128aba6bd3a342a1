"""From what a network says about pairs of frames to heart rates, and how far they are from the
finger's.

The road is the paper's: cumulative sum, band-pass 0.7-4.0 Hz, spectral peak in sliding windows of
10 s, times 60; the same is done to the PPG. Two things differ, for truth's sake. The frames' own
times are used: the sum is brought onto an even grid by the third row of `ground_truth.txt` before
any filter or spectrum, nothing is `index / fps`. And the peak is refined below the spectrum's bins
(`dataset.signals.filters.heart_rate`), because 3.5 bpm bins alone cost 0.9 bpm.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import signal
from torch import Tensor

from dataset.signals.colour_methods import METHODS
from dataset.signals.filters import (
    HIGH_HZ,
    HR_GRID_BPM,
    LOW_HZ,
    WINDOW_S,
    bandpass,
    heart_rate,
    sliding_windows,
)
from dataset.signals.pearson import pearson_r
from dataset.signals.windows import even_grid, to_even_grid, trusted_windows, window_length
from models.data.clips import as_input
from models.data.videos import CuratedVideo
from models.nets.can import SIZE, Net, Teacher
from models.nets.physnet import PhysNet

from .metrics import (
    METRICS,
    Metrics,
    bland_altman,
    compare,
    interval,
    macc,
    toolbox_heart_rate,
    toolbox_points,
)

# 6 bpm around the pulse and its first harmonic, as de Haan and Jeanne (2013)
SNR_HALF_WIDTH_HZ = 0.1


@dataclass(frozen=True)
class VideoResult:
    """One network on one recording."""

    folder: str
    subject: str
    fs_hz: float               # of the even grid
    time_s: np.ndarray         # (T,) seconds from the recording's start
    pulse: np.ndarray          # (T,) predicted pulse, band-passed, unit variance
    ppg: np.ndarray            # (T,) contact PPG, band-passed, unit variance
    start_s: np.ndarray        # (W,) where each window begins
    window_s: float
    predicted_bpm: np.ndarray  # (W,)
    reference_bpm: np.ndarray  # (W,)
    snr_db: np.ndarray         # (W,) of the predicted pulse, at the reference's heart rate
    correlation: float         # of pulse and PPG over the whole recording, at the best lag
    lag_s: float               # that lag, within half a second: positive where the pulse is late
    left_out: int              # windows that span a gap, and are in no figure
    macc: np.ndarray           # (W,) maximum amplitude of the cross-correlation with the PPG
    toolbox_predicted_bpm: np.ndarray    # (W,) by rPPG-Toolbox's FFT metric
    toolbox_reference_bpm: np.ndarray    # (W,)


def predict(
    net: Net, recording: CuratedVideo, *, clip: int = 10, batch: int = 250, device: str = "cpu"
) -> np.ndarray:
    """Let a network look at every pair of frames of a recording.

    The teacher's masks are shared by `clip` pairs, as in training.

    Returns
    -------
    (T - 1,) float64 array of predicted changes
    """
    net.eval()
    if isinstance(net, PhysNet):
        return _predict_clips(net, recording, device=device)
    said = []
    step = batch // clip * clip
    with torch.no_grad():
        for at in range(0, len(recording.motion), step):
            motion = recording.motion[at:at + step]
            short = -len(motion) % clip
            motion = as_input(torch.cat([motion, motion[-1:].expand(short, -1, -1, -1)])).to(device)
            appearance = as_input(recording.appearance[at:at + step:clip], 255).to(device)
            said.append(net(motion, appearance).pulse[:len(motion) - short].float().cpu())
    return torch.cat(said).numpy().astype(np.float64)


def _predict_clips(net: PhysNet, recording: CuratedVideo, *, device: str) -> np.ndarray:
    """Let a PhysNet look at a recording clip by clip, each answer brought to unit variance: it has
    no scale of its own.
    """
    clip, said = net.config.clip, []
    with torch.no_grad():
        for at in range(0, len(recording.motion), clip):
            # The last clip is a whole one too, and its beginning was read before.
            first = max(0, min(at, len(recording.motion) - clip))
            motion = recording.motion[first:first + clip]
            motion = torch.cat([motion, motion[-1:].expand(clip - len(motion), -1, -1, -1)])
            answer = net(as_input(motion).to(device).transpose(0, 1)[None])[0].float().cpu()
            answer = (answer - answer.mean()) / answer.std().clamp(min=1e-12)
            said.append(answer[at - first:len(recording.motion) - first])
    return torch.cat(said).numpy().astype(np.float64)


def measure(change: np.ndarray, recording: CuratedVideo) -> VideoResult:
    """Turn (T - 1,) predicted changes into a pulse by their cumulative sum, and measure that.

    A network that says the same of every pair has seen no pulse, and has no heart rate (NaN).
    """
    # A constant sums up to a line that frames at uneven times bend; the filter would make a pulse
    # of that.
    return measure_pulse(
        np.append(0.0, np.cumsum(change if np.ptp(change) > 0 else np.zeros_like(change))),
        recording,
    )


def measure_pulse(pulse: np.ndarray, recording: CuratedVideo) -> VideoResult:
    """Compare the heart rates of a (T,) pulse at the recording's frame times with the PPG's, window
    by window.
    """
    time_s = recording.time_s - recording.time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    pulse, ppg = (_unit(bandpass(to_even_grid(x, time_s), fs_hz)) for x in (pulse, recording.ppg))
    length, step = window_length(fs_hz)
    trusted = trusted_windows(time_s)
    said, meant = (sliding_windows(x, length, step=step)[trusted] for x in (pulse, ppg))
    reference = np.array([heart_rate(w, fs_hz) for w in meant])
    correlation, lag_s = best_lag(pulse, ppg, fs_hz)
    return VideoResult(
        folder=recording.folder,
        subject=recording.subject,
        fs_hz=fs_hz,
        time_s=grid_s,
        pulse=pulse,
        ppg=ppg,
        start_s=grid_s[::step][: len(trusted)][trusted],
        window_s=length / fs_hz,
        predicted_bpm=np.array([heart_rate(w, fs_hz) for w in said]),
        reference_bpm=reference,
        snr_db=np.array(
            [snr_db(w, fs_hz, hr_bpm=hr) for w, hr in zip(said, reference, strict=True)]
        ),
        correlation=correlation,
        lag_s=lag_s,
        left_out=int((~trusted).sum()),
        macc=np.array([macc(w, m) for w, m in zip(said, meant, strict=True)]),
        toolbox_predicted_bpm=np.array(
            [toolbox_heart_rate(w, fs_hz) if np.ptp(w) > 0 else np.nan for w in said]
        ),
        toolbox_reference_bpm=np.array([toolbox_heart_rate(w, fs_hz) for w in meant]),
    )


def colour_pulse(method: str, recording: CuratedVideo) -> np.ndarray:
    """Let a method without training (`dataset.signals.colour_methods.METHODS`) read a recording.

    The colours are brought onto an even grid by the frames' own times first, and the pulse back
    onto the frames.

    Returns
    -------
    (T,) float64 array
    """
    time_s = recording.time_s - recording.time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    colours = np.stack([to_even_grid(c, time_s) for c in recording.colour.T], axis=1)
    return np.interp(time_s, grid_s, METHODS[method](colours, fs_hz))


def _unit(x: np.ndarray) -> np.ndarray:
    sd = x.std()
    return x / sd if sd > 0 else x


def spectrum(trace: np.ndarray, fs_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Give frequencies [Hz] and power of a Hann-windowed, zero-padded trace."""
    points = 2 ** int(np.ceil(np.log2(max(60 * fs_hz / HR_GRID_BPM, len(trace)))))
    return signal.periodogram(trace, fs_hz, window="hann", nfft=points, detrend="linear")


def snr_db(trace: np.ndarray, fs_hz: float, *, hr_bpm: float) -> float:
    """Give the power near a heart rate and its first harmonic over the rest of the band [dB]; NaN
    where the trace is flat.

    Source: de Haan and Jeanne, IEEE TBME 60(10), 2013; 0.1 Hz on either side, here in 0.7-4.0 Hz.
    """
    if np.ptp(trace) == 0:
        return float("nan")
    frequency, power = spectrum(trace, fs_hz)
    in_band = (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
    pulse = np.zeros_like(in_band)
    for harmonic in (1, 2):
        pulse |= np.abs(frequency - harmonic * hr_bpm / 60) <= SNR_HALF_WIDTH_HZ
    tiny = np.finfo(float).tiny
    return float(
        10
        * np.log10((power[in_band & pulse].sum() + tiny) / (power[in_band & ~pulse].sum() + tiny))
    )


def best_lag(
    pulse: np.ndarray, ppg: np.ndarray, fs_hz: float, *, most_s: float = 0.5
) -> tuple[float, float]:
    """Give the highest Pearson correlation of two traces within `most_s`, and the lag of the first
    [s].
    """
    best = (-2.0, 0.0)
    most = min(round(most_s * fs_hz), len(pulse) // 2)
    for lag in range(-most, most + 1):
        a = pulse[max(lag, 0):len(pulse) + min(lag, 0)]
        b = ppg[max(-lag, 0):len(ppg) + min(-lag, 0)]
        best = max(best, (pearson_r(a, b), lag / fs_hz))
    return best if best[0] > -2 else (float("nan"), 0.0)


def pool(videos: Sequence[VideoResult]) -> tuple[Metrics, Metrics]:
    """Give the metrics over all windows, and over videos: one heart rate each, the mean over its
    windows.
    """
    windows = compare(
        np.concatenate([v.predicted_bpm for v in videos]),
        np.concatenate([v.reference_bpm for v in videos]),
    )
    return windows, compare(*_means(videos))


def _means(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    return (np.array([np.nan_to_num(v.predicted_bpm).mean() for v in videos]),
            np.array([v.reference_bpm.mean() for v in videos]))


def assess(videos: Sequence[VideoResult], *, seed: int = 0) -> dict:
    """Say all that a report says of one method on its test recordings; every number a JSON number,
    or NaN.

    Parameters
    ----------
    seed : of the bootstrap
    """
    windows, means = pool(videos)
    subjects = [v.subject for v in videos]
    predicted, reference = [v.predicted_bpm for v in videos], [v.reference_bpm for v in videos]
    mean_of = (
        [np.atleast_1d(x) for x in _means(videos)[0]],
        [np.atleast_1d(x) for x in _means(videos)[1]],
    )
    toolbox = compare(np.concatenate([v.toolbox_predicted_bpm for v in videos]),
                      np.concatenate([v.toolbox_reference_bpm for v in videos]))
    points = [toolbox_points(window_length(v.fs_hz)[0]) for v in videos]
    bins = [60 * v.fs_hz / n for v, n in zip(videos, points, strict=True)]
    return {
        **_named(windows),
        "windows": windows.count,
        "windows_left_out": sum(v.left_out for v in videos),
        "snr_db": float(np.concatenate([v.snr_db for v in videos]).mean()),
        "macc": float(np.concatenate([v.macc for v in videos]).mean()),
        "pulse_correlation": float(np.mean([v.correlation for v in videos])),
        "interval": interval(predicted, reference, subjects, seed=seed),
        "per_video_mean": {
            **_named(means), "count": means.count,
            "interval": interval(*mean_of, subjects, seed=seed),
        },
        "bland_altman": {
            **bland_altman(np.concatenate(predicted), np.concatenate(reference)),
            "windows": windows.count,
        },
        "toolbox": {
            **_named(toolbox), "fft_points": [min(points), max(points)],
            "bin_bpm": [min(bins), max(bins)],
        },
        "resolution": {
            "grid_bpm": HR_GRID_BPM, "main_lobe_bpm": 4 * 60 / WINDOW_S, "window_s": WINDOW_S,
        },
        "videos": [_of_video(v) for v in videos],
    }


def _named(metrics: Metrics) -> dict[str, float]:
    return {name: getattr(metrics, name) for name in METRICS}


def _of_video(video: VideoResult) -> dict:
    windows, _ = pool([video])
    return {
        "folder": video.folder, "subject": video.subject, "windows": windows.count,
        **_named(windows), "predicted_bpm": float(np.nan_to_num(video.predicted_bpm).mean()),
        "reference_bpm": float(video.reference_bpm.mean()), "snr_db": float(video.snr_db.mean()),
        "macc": float(video.macc.mean()), "pulse_correlation": video.correlation,
        "lag_s": video.lag_s, "fs_hz": video.fs_hz,
    }


def ms_per_frame(net: Net, *, frames: int = 60) -> float:
    """Measure a network on one frame at a time, on one thread: the median time [ms].

    It is the network alone, from a 36x36 motion frame (and, for the teacher, appearance frame) in
    memory to a number, in float32 on the CPU. Decoding, face detection and averaging come on top,
    and are the same for each network.
    """
    net = net.cpu().eval()
    motion, appearance = torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 3, SIZE, SIZE)
    inputs: tuple[Tensor, ...] = (motion, appearance) if isinstance(net, Teacher) else (motion,)
    at_once = 1
    if isinstance(net, PhysNet):      # reads clips alone: its time is a clip's, shared out
        at_once = net.config.clip
        inputs, frames = (torch.zeros(1, 3, at_once, SIZE, SIZE),), 5
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    took = []
    try:
        with torch.inference_mode():
            for _ in range(frames + 10):
                begun = time.perf_counter()
                net(*inputs)
                took.append(time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    return 1000 * float(np.median(took[10:])) / at_once
