"""Runs of true values in a mask, and spans of time joined where they meet.

numpy is loaded where it is used: lists of exclusions need none.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def true_runs(mask: "np.ndarray") -> list[range]:
    """Return the indices of each unbroken run of true values in a (N,) mask, in order."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.asarray(mask, np.int8), prepend=0, append=0))
    return [range(first, stop) for first, stop in edges.reshape(-1, 2).tolist()]


def join_spans(
    spans: Iterable[tuple[float, float]], *, within: float = 0
) -> list[tuple[float, float]]:
    """Join spans (from, to) that overlap, touch or lie at most `within` apart; sort the rest."""
    joined: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + within:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def is_inside(times: "np.ndarray", spans: Iterable[tuple[float, float]]) -> "np.ndarray":
    """Return which times lie in one of the spans, their ends included, (N,) bool."""
    import numpy as np

    joined = np.array(join_spans(spans)).reshape(-1, 2)
    if not len(joined):
        return np.zeros(len(times), bool)
    before = np.searchsorted(joined[:, 0], times, side="right") - 1
    return (before >= 0) & (times <= joined[np.maximum(before, 0), 1])
