"""All figures of one method over its videos, as numbers for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dataset.common.files import finite
from dataset.signals.filters import HR_GRID_BPM, WINDOW_S
from models.metrics.agreement import limits_of_agreement
from models.metrics.by_subject import interval_of_mean
from models.metrics.toolbox import BAND_HZ, PAPER_BAND_HZ, ToolboxFigures

from .mean_rate import coverage_percent
from .metrics import METRICS, Metrics, bootstrap_intervals, heart_rate_errors
from .published import as_the_paper_counts, intervals_as_the_paper_counts
from .video_result import VideoResult, or_mean_rate


def pool_metrics(videos: Sequence[VideoResult]) -> tuple[Metrics, Metrics]:
    """Compute the metrics over all windows, and over videos by the mean over each one's windows."""
    windows = heart_rate_errors(
        np.concatenate([video.counted_bpm for video in videos]),
        np.concatenate([video.reference_bpm for video in videos]),
    )
    return windows, heart_rate_errors(*_means_bpm(videos))


def assess(
    videos: Sequence[VideoResult], *, tested: Sequence[Sequence[str]] = (), seed: int = 0
) -> dict:
    """Return all that a report states of one method on its test videos: JSON numbers, or NaN.

    Errors are of all windows, those without a prediction at the training set's mean rate
    (`mean_rate`); SNR, MACC and the correlation with the PPG are of those that have a pulse.

    Parameters
    ----------
    tested : the subjects of each fold's test side; (): all are of one
    seed : of the bootstrap
    """
    windows, means = pool_metrics(videos)
    subjects = [video.subject for video in videos]
    counted_bpm = [video.counted_bpm for video in videos]
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
    of_videos = [_figures_of_video(video) for video in videos]
    return {
        **_named(windows),
        **_windows(videos),
        **{name: _mean_of_known(np.concatenate(of)) for name, of in qualities.items()},
        "interval": {
            **bootstrap_intervals(counted_bpm, reference_bpm, subjects=subjects, seed=seed),
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
        "per_signal": _per_signal(of_videos, tested or [subjects], seed),
        "bland_altman": {
            **limits_of_agreement(
                [video.counted_bpm - video.reference_bpm for video in videos],
                subjects=subjects, seed=seed,
            ),
            "windows": windows.count,
        },
        "toolbox": _in_both_bands(videos, seed),
        "resolution": {
            "grid_bpm": HR_GRID_BPM, "main_lobe_bpm": 4 * 60 / WINDOW_S, "window_s": WINDOW_S,
        },
        "videos": of_videos,
    }


def figures_by_fold(
    methods: Mapping[str, Sequence[VideoResult]], tested: Sequence[Sequence[str]]
) -> list[dict]:
    """Return the main figures of each method on the subjects of each fold."""
    return [
        {
            "test": list(subjects),
            "methods": {
                name: _main_figures([video for video in videos if video.subject in subjects])
                for name, videos in methods.items()
            },
        }
        for subjects in tested
    ]


def figures_by_seed(
    of_seeds: Mapping[Any, Mapping[str, Sequence[VideoResult]]],
    tested: Sequence[Sequence[str]],
) -> list[dict]:
    """Return the main figures of each method with the networks of each seed."""
    return [
        {
            "seed": seed,
            "methods": {name: _main_figures(videos, tested) for name, videos in methods.items()},
        }
        for seed, methods in of_seeds.items()
    ]


def _main_figures(
    videos: Sequence[VideoResult], tested: Sequence[Sequence[str]] = ()
) -> dict[str, Any]:
    figures = assess(videos, tested=tested)
    names = ("mae_bpm", "rmse_bpm", "per_signal", "snr_db", "coverage_percent")
    return finite({name: figures[name] for name in names})


def _means_bpm(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    """Average predicted and reference heart rates over each video's windows."""
    return (np.array([video.counted_bpm.mean() for video in videos]),
            np.array([video.reference_bpm.mean() for video in videos]))


def _per_signal(
    videos: Sequence[dict], tested: Sequence[Sequence[str]], seed: int
) -> dict[str, Any] | None:
    """Compute MAE and RMSE as the paper counts; None where nobody of these was read."""
    method = {"videos": videos}
    errors = as_the_paper_counts(method, tested)
    return None if errors is None else {
        **dict(zip(("mae_bpm", "rmse_bpm"), errors, strict=True)),
        "interval": intervals_as_the_paper_counts(method, tested, seed=seed),
    }


def _windows(videos: Sequence[VideoResult]) -> dict[str, float]:
    """Count the windows, those in no figure, and how many a rate was given for [%]."""
    predicted_bpm = np.concatenate([video.predicted_bpm for video in videos])
    return {
        "windows": len(predicted_bpm),
        "coverage_percent": coverage_percent(predicted_bpm),
        "windows_left_out": sum(video.left_out for video in videos),
        "windows_without_finger": sum(video.without_finger for video in videos),
    }


def _mean_of_known(values: np.ndarray) -> float:
    """Return the mean of the values that there are; NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _named(metrics: Metrics) -> dict[str, float]:
    return {name: getattr(metrics, name) for name in METRICS}


def _in_both_bands(videos: Sequence[VideoResult], seed: int) -> dict:
    in_paper_s = [video.toolbox_of_paper for video in videos]
    return {
        **_toolbox(videos, [video.toolbox for video in videos], seed, BAND_HZ),
        "of_paper": _toolbox(videos, in_paper_s, seed, PAPER_BAND_HZ),
    }


def _toolbox(
    videos: Sequence[VideoResult], of_videos: Sequence[ToolboxFigures], seed: int,
    band_hz: tuple[float, float],
) -> dict:
    """Compute the errors over whole videos by rPPG-Toolbox's chain, and its resolution."""
    subjects = [video.subject for video in videos]
    reference, said, peak_reference, said_peak = (
        np.array([getattr(figures, name) for figures in of_videos])
        for name in ("fft_reference_bpm", "fft_bpm", "peak_reference_bpm", "peak_bpm")
    )
    predicted, peak = (
        np.array([
            or_mean_rate(bpm, video.mean_rate_bpm) for bpm, video in zip(rates, videos, strict=True)
        ])
        for rates in (said, said_peak)
    )
    snr_db, toolbox_macc = (
        np.array([getattr(figures, name) for figures in of_videos]) for name in ("snr_db", "macc")
    )
    points = [video.points for video in of_videos]
    bins_bpm = [video.bin_bpm for video in of_videos]
    return {
        **_named(heart_rate_errors(predicted, reference)),
        "interval": {
            **bootstrap_intervals(
                list(predicted[:, None]), list(reference[:, None]), subjects=subjects, seed=seed
            ),
            "snr_db": interval_of_mean(list(snr_db[:, None]), subjects=subjects, seed=seed),
            "macc": interval_of_mean(list(toolbox_macc[:, None]), subjects=subjects, seed=seed),
        },
        "coverage_percent": coverage_percent(said),
        "peak": {
            **_named(heart_rate_errors(peak, peak_reference)),
            "interval": bootstrap_intervals(
                list(peak[:, None]), list(peak_reference[:, None]), subjects=subjects, seed=seed
            ),
            "coverage_percent": coverage_percent(said_peak),
        },
        "snr_db": _mean_of_known(snr_db), "macc": _mean_of_known(toolbox_macc),
        "videos": len(of_videos), "band_hz": list(band_hz),
        "fft_points": [min(points), max(points)], "bin_bpm": [min(bins_bpm), max(bins_bpm)],
    }


def _figures_of_video(video: VideoResult) -> dict:
    windows, _ = pool_metrics([video])
    predicted_bpm, reference_bpm = _means_bpm([video])
    return {
        "folder": video.folder, "subject": video.subject, "windows": windows.count,
        "coverage_percent": coverage_percent(video.predicted_bpm),
        **_named(windows), "predicted_bpm": float(predicted_bpm[0]),
        "reference_bpm": float(reference_bpm[0]), "snr_db": _mean_of_known(video.snr_db),
        "macc": _mean_of_known(video.macc), "pulse_correlation": video.correlation,
        "lag_s": video.lag_s, "fs_hz": video.fs_hz,
    }
