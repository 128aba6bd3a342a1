"""Runs of times and even grids: over what is there, never over a span that is only declared."""

import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.signals.windows import even_grid, to_even_grid, trusted_windows, unbroken_runs


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


def test_a_grid_goes_from_the_first_time_to_the_last_at_their_median_rate():
    t_s = 1e6 + np.arange(300) / 30
    t_s[-1] -= 1e-7                         # as times are rounded
    grid_s, fs_hz = even_grid(np.repeat(t_s, 3))
    assert fs_hz == pytest.approx(30, abs=1e-6)
    np.testing.assert_allclose(grid_s, 1e6 + np.arange(300) / 30, rtol=0, atol=2e-7)


def test_the_more_times_there_are_the_longer_a_hole_may_be():
    t_s = np.arange(9000) / 30
    assert len(even_grid(np.append(t_s, 20_000.0))[0]) == 600_001
    with pytest.raises(CurationError) as refused:
        even_grid(7 + np.append(t_s, 40_000.0))
    assert str(refused.value).startswith(
        "expected times without a hole of hours, and of one rate, found 9001 times in 40000.0 s, "
        "most of them 33.3 ms apart: 1200000 points"
    )


def test_of_equal_times_the_last_value_counts():
    t_s = np.array([3.0, 3.1, 3.1, 3.2, 3.4, 3.4])
    on_grid = to_even_grid(np.array([0.0, 9.0, 1.0, 2.0, 9.0, 4.0]), t_s)
    np.testing.assert_allclose(on_grid, [0, 1, 2, 3, 4], atol=1e-9)


@pytest.mark.parametrize(
    ("missing", "untrusted"),
    [
        pytest.param([], [], id="none"),
        # window 5 is of points 160 to 479, window 16 of points 512 to 831
        pytest.param([(480, 499)], range(6, 16), id="from a window's end"),
        pytest.param([(493, 512)], range(6, 17), id="to a window's first point"),
        pytest.param([(480, 495)], [], id="half a second"),
        pytest.param([(480, 492), (493, 505)], [], id="two shorter steps"),
        pytest.param([(940, 959)], [20], id="before the last frame"),
    ],
)
def test_no_window_spans_a_step_longer_than_half_a_second(missing, untrusted):
    kept = np.ones(30 * 32, bool)
    for first, stop in missing:
        kept[first:stop] = False
    t_s = 3 + np.flatnonzero(kept) / 32
    t_s[-1] -= 1e-7                         # as times are rounded
    trusted = trusted_windows(t_s)
    assert len(trusted) == 21
    assert np.flatnonzero(~trusted).tolist() == list(untrusted)


def test_columns_come_to_the_grid_as_each_would_alone():
    rng = np.random.default_rng(0)
    time_s = np.sort(rng.uniform(0, 10, 200))
    values = rng.normal(size=(200, 4, 3))
    even = to_even_grid(values, time_s)
    assert even.shape == (len(even_grid(time_s)[0]), 4, 3)
    assert (even[:, 2, 1] == to_even_grid(values[:, 2, 1], time_s)).all()
