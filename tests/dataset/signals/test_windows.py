"""Runs of times and even grids: over what is there, never over a span that is only declared."""

import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.signals.windows import even_grid, trusted_windows, unbroken_runs


@pytest.mark.parametrize(
    ("t_s", "runs"),
    [
        ([], []), ([3.0], [(0, 1)]), ([0, 1, 2], [(0, 3)]), ([0, 1, 1e9], [(0, 2), (2, 3)]),
        ([0, 10, 20.5], [(0, 2), (2, 3)]),
    ],
)
def test_runs_end_where_a_step_is_too_long(t_s, runs):
    assert [(run.start, run.stop) for run in unbroken_runs(np.array(t_s), 10.0)] == runs


def test_a_grid_over_decades_is_refused_and_one_over_a_minute_s_hole_is_not():
    t_s = np.arange(0, 30, 1 / 30)
    later = np.concatenate([t_s, t_s + 90])
    assert len(even_grid(later)[0]) == pytest.approx(3600, abs=2)
    assert trusted_windows(later).sum() == pytest.approx(42, abs=2)
    with pytest.raises(CurationError, match="3000000000 points of an even grid; are they"):
        even_grid(np.append(t_s, 1e8))
    with pytest.raises(CurationError, match="points of an even grid"):
        even_grid(np.concatenate([np.arange(60) * 1e-9, [1.0, 2.0]]))
    even_grid(np.array([0.0, 0.001, 0.002, 0.5]))          # frames that came late together
