"""Limits of agreement where each subject has many windows.

Windows of one subject are alike. The standard deviation of all differences, as for one value a
subject, then mixes how much a window differs from its subject's mean with how much subjects differ
from each other, weighed by how many windows each happens to have: the limits come out too narrow
for the next subject. Both variances are estimated apart, and added.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .by_subject import DRAWS

_LIMITS = 1.96      # standard deviations on either side, 95 % of a normal distribution


def limits_of_agreement(
    differences_bpm: Sequence[np.ndarray], *, subjects: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """Compute the mean difference and the limits within which 95 % of differences are [bpm].

    Parameters
    ----------
    differences_bpm : the differences of each video, one a window
    subjects : the subject of each video
    seed : of the bootstrap

    Returns
    -------
    `bias_bpm`, `low_bpm`, `high_bpm`; `within_sd_bpm` and `between_sd_bpm`, of windows of one
    subject and of subjects (NaN with one subject, or one window each); and `interval`, of the first
    three the 95 % interval by drawing whole subjects, None with one subject

    Source
    ------
    Bland and Altman, "Agreement between methods of measurement with multiple observations per
    individual", J. Biopharm. Stat. 17(4), 2007, where the true value varies: a one-way analysis of
    variance of the differences, subjects as groups. Where the mean squares leave less than nothing
    for the variance between subjects, it is 0.
    """
    names = sorted(set(subjects))
    sums = np.array([_sums([
        of_video for of_video, subject in zip(differences_bpm, subjects, strict=True)
        if subject == name
    ]) for name in names])
    bias, within, between = (float(one[0]) for one in _components(sums[None]))
    half = _half(np.array([within]), np.array([between]))[0]
    interval = dict.fromkeys(("bias_bpm", "low_bpm", "high_bpm"))
    if len(names) > 1:
        drawn = np.random.default_rng(seed).integers(len(names), size=(DRAWS, len(names)))
        biases, withins, betweens = _components(sums[drawn])
        halves = _half(withins, betweens)
        interval = {
            "bias_bpm": _ends(biases), "low_bpm": _ends(biases - halves),
            "high_bpm": _ends(biases + halves),
        }
    return {
        "bias_bpm": bias, "low_bpm": bias - half, "high_bpm": bias + half,
        "within_sd_bpm": within**0.5, "between_sd_bpm": between**0.5, "interval": interval,
    }


def _sums(of_videos: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """Return the count, the sum and the sum of squares of one subject's differences."""
    values = np.concatenate(of_videos)
    return float(len(values)), float(values.sum()), float(values @ values)


def _components(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean and the variances within and between subjects, (D, S, 3) to (D,) each."""
    counts, totals, squares = np.moveaxis(sums, -1, 0)
    subjects, windows = counts.shape[1], counts.sum(axis=1)
    mean = totals.sum(axis=1) / windows
    of_means = (totals**2 / counts).sum(axis=1)
    nothing = np.full(len(mean), np.nan)
    within = np.divide(
        squares.sum(axis=1) - of_means, windows - subjects, out=nothing.copy(),
        where=windows > subjects,
    )
    if subjects < 2:
        return mean, np.maximum(within, 0), nothing
    between_square = (of_means - windows * mean**2) / (subjects - 1)
    windows_each = (windows - (counts**2).sum(axis=1) / windows) / (subjects - 1)
    within = np.maximum(within, 0)          # rounding
    between = np.maximum(between_square - np.nan_to_num(within), 0) / windows_each
    return mean, within, between


def _half(within: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Return half the distance of the limits; of one subject, or one window each, what there is."""
    unknown = np.isnan(within) & np.isnan(between)
    total = np.nan_to_num(within) + np.nan_to_num(between)
    return np.where(unknown, np.nan, _LIMITS * np.sqrt(total))


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))
