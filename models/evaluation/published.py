"""The figures of the reference paper, and how much of the teacher's lead a student gains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dataset.common.wording import number

from .metrics import intervals_of_mean_of_folds

PUBLISHED = {  # MAE, RMSE [bpm]; the project's reference paper, tables 1 to 3
    "UBFC-rPPG, five subject-disjoint folds": {
        "teacher": (0.956, 1.580), "student": (4.559, 9.686), "student_kd": (3.444, 7.298),
    },
    "the paper’s own recordings, trained on 3 subjects, tested on 1": {
        "teacher": (2.180, 5.951), "student": (2.800, 6.706), "student_kd": (2.518, 6.208),
    },
}


@dataclass(frozen=True)
class PublishedSystem:
    """A row of the paper's table 1: a system on UBFC-rPPG, as the paper quotes it."""

    title: str
    errors: tuple[float, float]     # MAE, RMSE [bpm]
    method: str = ""                # of this name here; "": it cannot be run here
    why_not: str = ""              # why it cannot


# Its windows, folds and filters were each author's own, so that an order is all they show.
SYSTEMS = (
    PublishedSystem("Meta-rPPG", (5.97, 7.42), "metarppg"),
    PublishedSystem("SynRhythm", (5.59, 6.82), "synrhythm"),
    PublishedSystem("3D CNN (Bousefsaf)", (5.45, 8.64), "bousefsaf"),
    PublishedSystem("CHROM", (4.70, 6.61), "chrom"),
    PublishedSystem("AHRE", (4.20, 5.78), why_not="a quote: no public description was found"),
    PublishedSystem("PhysNet", (3.63, 5.29), "physnet"),
    PublishedSystem("PulseGAN", (1.19, 2.10), "pulsegan"),
    PublishedSystem("rPPGNet", (0.72, 1.47), "rppgnet"),
    PublishedSystem("proposed: student + KD", (3.4444, 7.2979), "student_kd"),
)
PUBLISHED_TEST_VIDEOS = 5       # of its table 3: one subject's
LEAST_GAP_BPM = 0.1     # the grid that heart rates are read on
# s a frame, teacher and student, whole pipeline on a Jetson Nano; table 4
PUBLISHED_BOARD = (0.50, 0.05)


def as_the_paper_counts(
    method: Mapping, tested: Sequence[Sequence[str]]
) -> tuple[float, float] | None:
    """Compute MAE and RMSE [bpm] of one rate a signal, the mean over its windows; mean over folds.

    Parameters
    ----------
    method : its entry in metrics.json, with `videos`
    tested : the subjects of each fold's test side; one entry for a hold-out, or for one fold alone

    Returns
    -------
    None where no video is of these subjects
    """
    of_folds = []
    for subjects in tested:
        off_bpm = np.array([
            video["predicted_bpm"] - video["reference_bpm"] for video in method["videos"]
            if video["subject"] in subjects
        ])
        if len(off_bpm):
            of_folds.append((np.abs(off_bpm).mean(), np.sqrt((off_bpm**2).mean())))
    if not of_folds:
        return None
    mae_bpm, rmse_bpm = np.mean(of_folds, axis=0)
    return float(mae_bpm), float(rmse_bpm)


def intervals_as_the_paper_counts(
    method: Mapping, tested: Sequence[Sequence[str]], *, seed: int = 0
) -> dict[str, tuple[float, float] | None]:
    """Compute the 95 % intervals of the same: see `intervals_of_mean_of_folds`."""
    videos = method["videos"]
    return intervals_of_mean_of_folds(
        [np.array([video["predicted_bpm"]]) for video in videos],
        [np.array([video["reference_bpm"]]) for video in videos],
        subjects=[video["subject"] for video in videos], tested=tested, seed=seed,
    )


def coverage_of_subjects(method: Mapping, subjects: Sequence[str]) -> float | None:
    """Compute in how many windows of these subjects a method has a prediction [%].

    None where no video is of them.
    """
    windows = [
        (video["windows"], video["coverage_percent"]) for video in method["videos"]
        if video["subject"] in subjects
    ]
    total = sum(count for count, _ in windows)
    if all(percent == 100 for _, percent in windows):
        return 100.0 if windows else None               # exactly
    return sum(count * percent for count, percent in windows) / total


def largest_ratio(videos: int) -> float:
    """Return the most that RMSE / MAE can be over so many errors: all but one of them are zero."""
    return videos**0.5


def gap_closed(mae_bpm: Mapping[str, float]) -> float | None:
    """Compute which part of the gap from `student` to `teacher` is closed by `student_kd` [%].

    None where the teacher is ahead by less than `LEAST_GAP_BPM`: a part of no gap means nothing.
    """
    gap = mae_bpm["student"] - mae_bpm["teacher"]
    return (
        100 * (mae_bpm["student"] - mae_bpm["student_kd"]) / gap if gap >= LEAST_GAP_BPM else None
    )


def over_seeds(seeds: Sequence[dict]) -> dict[str, float]:
    """Compute in how many seeds student + KD has the lower MAE, and its mean gain [bpm].

    The interval of the gain is that of Student's t, 95 %; NaN with one seed.
    """
    from scipy import stats

    gain = np.array([
        seed["methods"]["student"]["mae_bpm"] - seed["methods"]["student_kd"]["mae_bpm"]
        for seed in seeds
    ])
    mean, half = float(gain.mean()), float("nan")
    if len(gain) > 1:
        half = float(stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain)))
    return {
        "seeds": len(gain), "ahead": int((gain > 0).sum()), "gain_bpm": mean,
        "low_bpm": mean - half, "high_bpm": mean + half,
    }


def gain_over_seeds(seeds: Sequence[dict]) -> str:
    """Return the same in words."""
    gain = over_seeds(seeds)
    return (
        f"student + KD ahead of the student alone in {gain['ahead']} of {gain['seeds']} seeds, by "
        f"{number(gain['gain_bpm'])} bpm [{number(gain['low_bpm'])}, {number(gain['high_bpm'])}] "
        "(95 % over seeds)"
    )
