"""How much of the teacher's lead a student gains, told only where there is a lead.

`100 (student - student_kd) / (student - teacher)` is a number for any three errors: where the
teacher is ahead by chance, or not at all, it is 300 % or -80 % and means nothing. So it is told
over several subjects, or over several seeds, and only where the 95 % interval of the teacher's
lead, by drawing these, lies above zero; with an interval of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.metrics.by_subject import DRAWS

from .published import gap_closed
from .video_result import VideoResult

# fewer subjects that all agree do so by chance more often than once in 20: 2 * 0.5**5 is 6 %
FEWEST_SUBJECTS = 6
NETWORKS: tuple[str, ...] = ("teacher", "student", "student_kd")


@dataclass(frozen=True)
class GapClosed:
    """Which part of the gap from student to teacher the taught student closes [%]."""

    percent: float
    interval_percent: tuple[float, float]       # 95 %


def errors_by_subject(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of absolute errors [bpm] and the windows of each subject, sorted by name."""
    names = sorted({video.subject for video in videos})
    sums, windows = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for video in videos:
        errors = np.abs(video.counted_bpm - video.reference_bpm)
        sums[video.subject] += float(errors.sum())
        windows[video.subject] += len(errors)
    return np.array(list(sums.values())), np.array(list(windows.values()))


def gap_over_subjects(
    networks: Mapping[str, Sequence[VideoResult]], *, seed: int = 0
) -> GapClosed | None:
    """Compute the gap closed over the subjects tested; None where it cannot be told."""
    if not set(NETWORKS) <= set(networks):
        return None
    of_networks = [errors_by_subject(networks[name]) for name in NETWORKS]
    return _gap(np.array([sums for sums, _ in of_networks]), of_networks[0][1], seed)


def gap_over_seeds(seeds: Sequence[Mapping], *, seed: int = 0) -> GapClosed | None:
    """Compute the gap closed over the seeds of a run, of `metrics.json`; None as above."""
    mae_bpm = [[of["methods"][name]["mae_bpm"] for of in seeds] for name in NETWORKS]
    return _gap(np.array(mae_bpm), np.ones(len(seeds)), seed)


def _gap(sums: np.ndarray, weights: np.ndarray, seed: int) -> GapClosed | None:
    """Compute the gap closed from (3, N) sums of errors over N subjects or seeds."""
    count = sums.shape[1]
    if count < FEWEST_SUBJECTS:
        return None
    mean_bpm = dict(zip(NETWORKS, sums.sum(axis=1) / weights.sum(), strict=True))
    percent = gap_closed(mean_bpm)
    drawn = np.random.default_rng(seed).integers(count, size=(DRAWS, count))
    teacher, student, taught = sums[:, drawn].sum(axis=2)
    if percent is None or np.percentile(student - teacher, 2.5) <= 0:
        return None
    lead = student - teacher
    parts = 100 * (student - taught)[lead > 0] / lead[lead > 0]
    low, high = (float(np.percentile(parts, end)) for end in (2.5, 97.5))
    return GapClosed(float(percent), (low, high))
