"""Which subjects are tested: drawn at random from layers of like heart rate, the same draw on every
machine.

Subjects in the order of their heart rates are cut into layers, and each test set gets one of each
layer: so both sides of a split span the range. Within a layer the seed decides, through SHA-256,
which no version of Python or numpy changes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise


def deal_folds(hr_bpm: Mapping[str, float | None], folds: int, *, seed: int) -> list[list[str]]:
    """Deal subjects into `folds` sets, each subject into one; the sizes differ by one at most.

    The sets are in the order of their first subjects: two seeds that draw the same sets give the
    same folds.
    """
    ordered = _by_heart_rate(hr_bpm)
    sets: list[list[str]] = [[] for _ in range(folds)]
    for at in range(0, len(ordered), folds):
        layer = _shuffled(ordered[at : at + folds], seed)
        # The last layer may be short: who gets one of it is drawn, too.
        for subject, chosen in zip(
            layer, _shuffled([str(number) for number in range(folds)], seed), strict=False
        ):
            sets[int(chosen)].append(subject)
    return sorted(sorted(chosen) for chosen in sets)


def draw_test_set(hr_bpm: Mapping[str, float | None], count: int, *, seed: int) -> list[str]:
    """Draw `count` subjects, one of each of as many layers."""
    ordered = _by_heart_rate(hr_bpm)
    ends = [at * len(ordered) // count for at in range(count + 1)]
    return sorted(_shuffled(ordered[first:last], seed)[0] for first, last in pairwise(ends))


def _by_heart_rate(hr_bpm: Mapping[str, float | None]) -> list[str]:
    """Sort subjects by heart rate, those without one last."""
    return sorted(
        hr_bpm, key=lambda subject: (hr_bpm[subject] is None, hr_bpm[subject] or 0.0, subject)
    )


def _shuffled(names: Sequence[str], seed: int) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
