"""Runs of a mask and joined spans, against what is plain to see."""

import numpy as np
import pytest

from dataset.common.spans import is_inside, join_spans, true_runs


@pytest.mark.parametrize(("mask", "runs"), [
    pytest.param([], [], id="empty"),
    pytest.param([0, 0], [], id="none"),
    pytest.param([1, 1, 1], [range(0, 3)], id="all"),
    pytest.param([1, 0, 1, 1, 0, 0, 1], [range(0, 1), range(2, 4), range(6, 7)], id="both ends"),
    pytest.param([0, 1, 0], [range(1, 2)], id="one inside"),
])
def test_true_runs(mask, runs):
    assert true_runs(np.array(mask, bool)) == runs


def test_spans_that_overlap_touch_or_are_near_are_joined():
    spans = [(5.0, 6.0), (0.0, 1.0), (1.0, 2.0), (1.5, 1.7), (2.4, 3.0)]
    assert join_spans(spans) == [(0.0, 2.0), (2.4, 3.0), (5.0, 6.0)]
    assert join_spans(spans, within=0.5) == [(0.0, 3.0), (5.0, 6.0)]
    assert join_spans([(-float("inf"), 3), (2, float("inf"))]) == [(-float("inf"), float("inf"))]
    assert join_spans([]) == []


def test_times_inside_spans_include_their_ends():
    times = np.array([0, 1, 2, 3, 4, 5, 9])
    assert is_inside(times, [(4, 5), (1, 2)]).tolist() == [0, 1, 1, 0, 1, 1, 0]
    assert is_inside(times, [(1, 4), (2, 3)]).tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert not is_inside(times, []).any()
