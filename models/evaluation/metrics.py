"""Errors of predicted heart rates and pulses against the finger's: arrays in, numbers out.

Windows of one subject are alike, and neighbouring ones share nine of ten seconds, so an interval
over windows would be far too narrow: `bootstrap_intervals` draws whole subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset.signals.pearson import pearson_r
from models.metrics.by_subject import DRAWS

METRICS = ("mae_bpm", "rmse_bpm", "mape_percent", "pearson_r")


@dataclass(frozen=True)
class Metrics:
    """Errors of predicted heart rates against the reference."""

    count: int
    mae_bpm: float
    rmse_bpm: float
    mape_percent: float
    pearson_r: float           # NaN below two values, or where one side does not vary


def heart_rate_errors(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> Metrics:
    """Compute MAE, RMSE, MAPE and Pearson's r of heart rates, at least one; all finite."""
    predicted = np.asarray(predicted_bpm, np.float64)
    reference = np.asarray(reference_bpm, np.float64)
    error = predicted - reference
    return Metrics(
        count=len(error), mae_bpm=float(np.abs(error).mean()),
        rmse_bpm=float(np.sqrt((error**2).mean())),
        mape_percent=float(100 * np.abs(error / reference).mean()),
        pearson_r=pearson_r(predicted, reference),
    )


def bootstrap_intervals(
    predicted_bpm: Sequence[np.ndarray], reference_bpm: Sequence[np.ndarray], *,
    subjects: Sequence[str], seed: int = 0,
) -> dict[str, tuple[float, float] | None]:
    """Compute 95 % bootstrap intervals of `METRICS` by drawing subjects with all their values.

    Parameters
    ----------
    predicted_bpm, reference_bpm : the values of each video
    subjects : the subject of each video

    Returns
    -------
    the 2.5 and 97.5 percentiles over `DRAWS` draws; None with one subject, which says nothing about
    others

    Source
    ------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 (clusters) and 13
    (percentiles).
    """
    if len(set(subjects)) < 2:
        return dict.fromkeys(METRICS)
    values = _of_draws(predicted_bpm, reference_bpm, subjects, np.random.default_rng(seed))
    return {name: _ends(v) if len(v) else None for name, v in values.items()}


def intervals_of_mean_of_folds(
    predicted_bpm: Sequence[np.ndarray], reference_bpm: Sequence[np.ndarray], *,
    subjects: Sequence[str], tested: Sequence[Sequence[str]], seed: int = 0,
) -> dict[str, tuple[float, float] | None]:
    """Compute the same of MAE and RMSE where they are the mean of those of folds.

    Subjects are drawn within each fold. A fold of one subject cannot vary: it stays as it is, and
    the interval is too narrow by what it would have added.

    Parameters
    ----------
    predicted_bpm, reference_bpm : the values of each video
    subjects : the subject of each video
    tested : the subjects of each fold; who has no video is left out

    Returns
    -------
    the ends as above; None where no fold has two subjects
    """
    rng, of_folds, names = np.random.default_rng(seed), [], ("mae_bpm", "rmse_bpm")
    largest = 0
    for fold in tested:
        at = [n for n, subject in enumerate(subjects) if subject in fold]
        if not at:
            continue
        largest = max(largest, len({subjects[n] for n in at}))
        of_folds.append(_of_draws(
            [predicted_bpm[n] for n in at], [reference_bpm[n] for n in at],
            [subjects[n] for n in at], rng,
        ))
    if largest < 2:
        return dict.fromkeys(names)
    return {name: _ends(np.mean([of[name] for of in of_folds], axis=0)) for name in names}


def _of_draws(
    predicted_bpm: Sequence[np.ndarray], reference_bpm: Sequence[np.ndarray],
    subjects: Sequence[str], rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Compute `METRICS` in each of `DRAWS` draws of whole subjects."""
    names = sorted(set(subjects))
    sums = np.array([
        _sums(*(
            np.concatenate([v for v, s in zip(values, subjects, strict=True) if s == name])
            for values in (predicted_bpm, reference_bpm)
        ))
        for name in names
    ])                                                                     # (S, 9)
    drawn = rng.integers(len(names), size=(DRAWS, len(names)))
    n, absolute, square, percent, p, r, pp, rr, pr = sums[drawn].sum(axis=1).T
    spread = (n * pp - p * p) * (n * rr - r * r)
    is_known = spread > 1e-9 * n**4
    return {
        "mae_bpm": absolute / n, "rmse_bpm": np.sqrt(square / n), "mape_percent": percent / n,
        "pearson_r": ((n * pr - p * r)[is_known] / np.sqrt(spread[is_known])),
    }


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))


def _sums(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> list[float]:
    """Sum what the metrics of any union of subjects are computed from: nine numbers."""
    p, r = predicted_bpm, reference_bpm
    error = p - r
    sums = (
        len(p), np.abs(error).sum(), (error**2).sum(), 100 * np.abs(error / r).sum(), p.sum(),
        r.sum(), p @ p, r @ r, p @ r,
    )
    return [float(value) for value in sums]
