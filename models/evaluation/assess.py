"""All figures of one method over its videos, as numbers for JSON."""

from collections.abc import Sequence

import numpy as np

from dataset.signals.filters import HR_GRID_BPM, WINDOW_S
from models.metrics.agreement import limits_of_agreement
from models.metrics.by_subject import interval_of_mean
from models.metrics.toolbox import BAND_HZ, PAPER_BAND_HZ, ToolboxFigures

from .metrics import METRICS, Metrics, bootstrap_intervals, heart_rate_errors
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
    qualities = {
        "snr_db": [video.snr_db for video in videos],
        "snr_de_haan_db": [video.snr_de_haan_db for video in videos],
        "macc": [video.macc for video in videos],
        "pulse_correlation": [np.atleast_1d(video.correlation) for video in videos],
    }
    return {
        **_named(windows),
        **_windows(videos),
        **{name: float(np.concatenate(of).mean()) for name, of in qualities.items()},
        "interval": {
            **bootstrap_intervals(predicted_bpm, reference_bpm, subjects=subjects, seed=seed),
            **{
                name: interval_of_mean(of, subjects=subjects, seed=seed)
                for name, of in qualities.items()
            },
        },
        "per_video_mean": {
            **_named(means), "count": means.count,
            "interval": bootstrap_intervals(
                predicted_means, reference_means, subjects=subjects, seed=seed
            ),
        },
        "bland_altman": {
            **limits_of_agreement(
                [
                    np.nan_to_num(predicted) - reference
                    for predicted, reference in zip(predicted_bpm, reference_bpm, strict=True)
                ],
                subjects=subjects, seed=seed,
            ),
            "windows": windows.count,
        },
        "toolbox": {
            **_toolbox([video.toolbox for video in videos], subjects, seed, BAND_HZ),
            "of_paper": _toolbox(
                [video.toolbox_of_paper for video in videos], subjects, seed, PAPER_BAND_HZ
            ),
        },
        "resolution": {
            "grid_bpm": HR_GRID_BPM, "main_lobe_bpm": 4 * 60 / WINDOW_S, "window_s": WINDOW_S,
        },
        "videos": [_figures_of_video(video) for video in videos],
    }


def _means_bpm(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    """Average predicted and reference heart rates over each video's windows; no peak is 0 bpm."""
    return (np.array([np.nan_to_num(video.predicted_bpm).mean() for video in videos]),
            np.array([video.reference_bpm.mean() for video in videos]))


def _windows(videos: Sequence[VideoResult]) -> dict[str, float]:
    """Count the windows, those in no figure, and how many a rate was given for [%]."""
    predicted_bpm = np.concatenate([video.predicted_bpm for video in videos])
    return {
        "windows": len(predicted_bpm),
        # the others count as 0 bpm
        "coverage_percent": 100 * float(np.isfinite(predicted_bpm).mean()),
        "windows_left_out": sum(video.left_out for video in videos),
        "windows_without_finger": sum(video.without_finger for video in videos),
    }


def _named(metrics: Metrics) -> dict[str, float]:
    return {name: getattr(metrics, name) for name in METRICS}


def _toolbox(
    of_videos: Sequence[ToolboxFigures], subjects: Sequence[str], seed: int,
    band_hz: tuple[float, float],
) -> dict:
    """Compute the errors over whole videos by rPPG-Toolbox's chain, and its resolution."""
    reference, predicted, peak_reference, peak = (
        np.array([getattr(video, name) for video in of_videos])
        for name in ("fft_reference_bpm", "fft_bpm", "peak_reference_bpm", "peak_bpm")
    )
    points = [video.points for video in of_videos]
    bins_bpm = [video.bin_bpm for video in of_videos]
    return {
        **_named(heart_rate_errors(predicted, reference)),
        "interval": bootstrap_intervals(
            list(predicted[:, None]), list(reference[:, None]), subjects=subjects, seed=seed
        ),
        "peak": _named(heart_rate_errors(peak, peak_reference)),
        "snr_db": float(np.mean([video.snr_db for video in of_videos])),
        "macc": float(np.mean([video.macc for video in of_videos])),
        "videos": len(of_videos), "band_hz": list(band_hz),
        "fft_points": [min(points), max(points)], "bin_bpm": [min(bins_bpm), max(bins_bpm)],
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
