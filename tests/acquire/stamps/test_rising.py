"""Stamps that repeat, go back or jump: times rise, and the good stamps stay."""

import numpy as np
import pytest

from acquire.errors import CurationError
from acquire.stamps.rising import rising_times


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        pytest.param([0, 10, 20, 30], [0, 10, 20, 30], id="rising"),
        pytest.param([0, 10, 10, 10, 40], [0, 10, 20, 30, 40], id="repeated"),
        pytest.param([0, 10, 20, 20, 20], [0, 10, 20, 30, 40], id="repeated at the end"),
        pytest.param([0, 10, -50, 30, 40], [0, 10, 20, 30, 40], id="one goes back"),
        pytest.param([0, 10, 900, 30, 40], [0, 10, 20, 30, 40], id="one is far ahead"),
        pytest.param([900, 10, 20, 30], [0, 10, 20, 30], id="the first is far ahead"),
    ],
)
def test_times_rise_and_good_stamps_stay(stamps, times):
    rising = rising_times(np.array(stamps, np.int64), "frame")
    assert rising.time_ns.tolist() == times
    assert rising.stamp_ns.tolist() == stamps
    assert bool(rising.defects) == (stamps != times)
    assert rising.at(len(stamps) + 1) == (times[-1] + 20, times[-1] + 20)


def test_random_stamps_become_rising_times():
    rng = np.random.default_rng(3)
    for _ in range(200):
        stamps = np.cumsum(rng.integers(10, 40_000_000, rng.integers(4, 60)))
        stamps[rng.integers(0, len(stamps), 2)] += rng.integers(-10**9, 10**9)
        rising = rising_times(stamps, "frame")
        assert (np.diff(rising.time_ns) > 0).all()
        assert (rising.time_ns != stamps).sum() <= 2          # those that were disturbed
    with pytest.raises(CurationError, match="rise"):
        rising_times(np.full(5, 7), "frame")


@pytest.mark.parametrize("at", [0, 150, 299])
def test_a_stamp_far_from_all_others_is_laid_between_its_neighbours(at):
    true = 10**18 + np.arange(300) * 33_000_000
    stamps = true.copy()
    stamps[at] //= 10
    rising = rising_times(stamps, "frame")
    assert np.abs(rising.time_ns - true).max() <= 1
    assert rising.stamp_ns[at] == stamps[at]
    assert f"the first in place {at + 1}, -9000000" in rising.defects[0]
    assert len(rising.defects) == 1


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        pytest.param(np.arange(300)[::-1] * 33, "fall from first to last", id="reversed"),
        pytest.param(np.repeat(np.arange(30), 10), "30 of 300 that do", id="whole seconds"),
        pytest.param(
            np.roll(np.arange(300) * 33_000_000, 100), "100 of 300 more than a second out of order",
            id="parts swapped",
        ),
        pytest.param(
            np.arange(300) * 33_000_000 + (np.arange(300) < 100) * 3600 * 10**9,
            "100 of 300 more than a second", id="an hour back",
        ),
        pytest.param(
            np.arange(300) * 33_000_000 - (np.arange(300) > 150) * 60 * 33_000_000,
            "30 of 300 more than a second", id="two seconds back",
        ),
        pytest.param(
            np.arange(300) * 33_000_000 + (np.arange(300) > 100) * 3600 * 10**9,
            "a gap of 3600", id="an hour ahead",
        ),
    ],
)
def test_stamps_without_a_certain_order_are_refused(stamps, words):
    with pytest.raises(CurationError, match=f"{words}.* in t.csv"):
        rising_times(stamps.astype(np.int64), "frame", where="in t.csv")


def test_stamps_that_count_from_1970_say_where_they_begin():
    assert rising_times(np.arange(30) * 33_000_000, "frame").zero_ns == (0, 0)
    first = 1_392_643_993_642_815_000
    assert rising_times(first + np.arange(30) * 33_000_000, "frame").zero_ns == (first, first)
