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
