"""Intervals over subjects: windows of one subject are alike, so whole subjects are drawn."""

from collections.abc import Sequence

import numpy as np

DRAWS = 2000


def interval_of_mean(
    values: Sequence[np.ndarray], *, subjects: Sequence[str], seed: int = 0
) -> tuple[float, float] | None:
    """Compute the 95 % bootstrap interval of the mean of all values, drawing whole subjects.

    Values that are NaN, and subjects that have no other, are left out.

    Parameters
    ----------
    values : of each video, one a window
    subjects : the subject of each video

    Returns
    -------
    the 2.5 and 97.5 percentiles; None below two subjects

    Source
    ------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13.
    """
    known = [of_video[~np.isnan(of_video)] for of_video in values]
    names = sorted({name for name, of in zip(subjects, known, strict=True) if len(of)})
    if len(names) < 2:
        return None
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    for of_video, subject in zip(known, subjects, strict=True):
        if len(of_video):
            sums[names.index(subject)] += of_video.sum()
            counts[names.index(subject)] += len(of_video)
    drawn = np.random.default_rng(seed).integers(len(names), size=(DRAWS, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))
