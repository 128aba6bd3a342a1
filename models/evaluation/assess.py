"""All figures of one method over its videos, as numbers for JSON."""

from collections.abc import Sequence

import numpy as np

from dataset.signals.filters import HR_GRID_BPM, WINDOW_S
from dataset.signals.windows import window_length

from .metrics import (
    METRICS,
    Metrics,
    bland_altman,
    bootstrap_intervals,
    heart_rate_errors,
    toolbox_points,
)
from .video_result import VideoResult


def pool_metrics(videos: Sequence[VideoResult]) -> tuple[Metrics, Metrics]:
    """Compute the metrics over all windows, and over videos by the mean over each one's windows."""
    windows = heart_rate_errors(
        np.concatenate([video.predicted_bpm for video in videos]),
        np.concatenate([video.reference_bpm for video in videos]),
    )
    return windows, heart_rate_errors(*_means_bpm(videos))


def assess(videos: Sequence[VideoResult], *, seed: int = 0) -> dict:
    """Return all that a report states of one method on its test videos: JSON numbers, or NaN.

    Parameters
    ----------
    seed : of the bootstrap
    """
    windows, means = pool_metrics(videos)
    subjects = [video.subject for video in videos]
    predicted_bpm = [video.predicted_bpm for video in videos]
    reference_bpm = [video.reference_bpm for video in videos]
    predicted_means, reference_means = (
        [np.atleast_1d(mean) for mean in means_bpm] for means_bpm in _means_bpm(videos)
    )
    return {
        **_named(windows),
        "windows": windows.count,
        "windows_left_out": sum(video.left_out for video in videos),
        "windows_without_finger": sum(video.without_finger for video in videos),
        "snr_db": float(np.concatenate([video.snr_db for video in videos]).mean()),
        "macc": float(np.concatenate([video.macc for video in videos]).mean()),
        "pulse_correlation": float(np.mean([video.correlation for video in videos])),
        "interval": bootstrap_intervals(predicted_bpm, reference_bpm, subjects=subjects, seed=seed),
        "per_video_mean": {
            **_named(means), "count": means.count,
            "interval": bootstrap_intervals(
                predicted_means, reference_means, subjects=subjects, seed=seed
            ),
        },
        "bland_altman": {
            **bland_altman(np.concatenate(predicted_bpm), np.concatenate(reference_bpm)),
            "windows": windows.count,
        },
        "toolbox": _toolbox_figures(videos),
        "resolution": {
            "grid_bpm": HR_GRID_BPM, "main_lobe_bpm": 4 * 60 / WINDOW_S, "window_s": WINDOW_S,
        },
        "videos": [_figures_of_video(video) for video in videos],
    }


def _means_bpm(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    """Average predicted and reference heart rates over each video's windows; no peak is 0 bpm."""
    return (np.array([np.nan_to_num(video.predicted_bpm).mean() for video in videos]),
            np.array([video.reference_bpm.mean() for video in videos]))


def _named(metrics: Metrics) -> dict[str, float]:
    return {name: getattr(metrics, name) for name in METRICS}


def _toolbox_figures(videos: Sequence[VideoResult]) -> dict:
    """Compute the metrics of heart rates by rPPG-Toolbox's FFT metric, and its resolution."""
    errors = heart_rate_errors(
        np.concatenate([video.toolbox_predicted_bpm for video in videos]),
        np.concatenate([video.toolbox_reference_bpm for video in videos]),
    )
    points = [toolbox_points(window_length(video.fs_hz)[0]) for video in videos]
    bins_bpm = [60 * video.fs_hz / count for video, count in zip(videos, points, strict=True)]
    return {
        **_named(errors), "fft_points": [min(points), max(points)],
        "bin_bpm": [min(bins_bpm), max(bins_bpm)],
    }


def _figures_of_video(video: VideoResult) -> dict:
    windows, _ = pool_metrics([video])
    predicted_bpm, reference_bpm = _means_bpm([video])
    return {
        "folder": video.folder, "subject": video.subject, "windows": windows.count,
        **_named(windows), "predicted_bpm": float(predicted_bpm[0]),
        "reference_bpm": float(reference_bpm[0]), "snr_db": float(video.snr_db.mean()),
        "macc": float(video.macc.mean()), "pulse_correlation": video.correlation,
        "lag_s": video.lag_s, "fs_hz": video.fs_hz,
    }
