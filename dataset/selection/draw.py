"""Draw the subjects that are tested: at random, stratified by heart rate, equal on every machine.

Subjects are sorted by heart rate and cut into layers. Each test set gets one subject of each layer,
so that both sides of a split cover the whole range of heart rates. Within a layer the seed decides
through SHA-256, which no version of Python or numpy changes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise


def draw_folds(hr_bpm: Mapping[str, float | None], folds: int, *, seed: int) -> list[list[str]]:
    """Draw each subject into one of `folds` test sets, whose sizes differ by one at most.

    The sets are sorted by their first subjects: two seeds that draw the same sets give the same
    folds.
    """
    ordered = _sort_by_heart_rate(hr_bpm)
    test_sets: list[list[str]] = [[] for _ in range(folds)]
    for first in range(0, len(ordered), folds):
        layer = _shuffle(ordered[first : first + folds], seed)
        # The last layer may be short: which sets get one of its subjects is drawn, too.
        numbers = _shuffle([str(number) for number in range(folds)], seed)
        for subject, number in zip(layer, numbers, strict=False):
            test_sets[int(number)].append(subject)
    return sorted(sorted(test_set) for test_set in test_sets)


def draw_test_set(hr_bpm: Mapping[str, float | None], count: int, *, seed: int) -> list[str]:
    """Draw `count` subjects, one of each of as many layers."""
    ordered = _sort_by_heart_rate(hr_bpm)
    bounds = [number * len(ordered) // count for number in range(count + 1)]
    return sorted(_shuffle(ordered[first:end], seed)[0] for first, end in pairwise(bounds))


def _sort_by_heart_rate(hr_bpm: Mapping[str, float | None]) -> list[str]:
    """Sort subjects by heart rate, those without one last."""
    return sorted(
        hr_bpm, key=lambda subject: (hr_bpm[subject] is None, hr_bpm[subject] or 0.0, subject)
    )


def _shuffle(names: Sequence[str], seed: int) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
