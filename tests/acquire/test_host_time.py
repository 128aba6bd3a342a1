"""The session's clock where the system has less than Linux."""

import time
from types import SimpleNamespace

import pytest

from acquire.host_time import choose_clocks, now_ns, read_clocks

pytestmark = pytest.mark.real_time


def system(*, resolution, raw=None):
    """A `time` module of another system."""
    made = SimpleNamespace(
        get_clock_info=lambda name: SimpleNamespace(
            resolution=resolution if name == "monotonic" else 1e-7
        ),
        monotonic_ns=lambda: 1,
        perf_counter_ns=lambda: 2,
    )
    if raw is not None:
        made.CLOCK_MONOTONIC_RAW = raw
        made.clock_gettime_ns = lambda clock: {raw: 3}[clock]
    return made


def test_here_it_is_clock_monotonic():
    before, ours, after = time.monotonic_ns(), now_ns(), time.monotonic_ns()
    assert before <= ours <= after
    monotonic_ns, raw_ns = read_clocks()
    assert after <= monotonic_ns <= time.monotonic_ns()
    assert abs(raw_ns - time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)) < 10**9


def test_a_coarse_clock_is_passed_over():
    now, raw = choose_clocks(system(resolution=0.015625))
    assert now() == 2
    assert raw is now


def test_a_fine_clock_without_raw_stands_for_both():
    now, raw = choose_clocks(system(resolution=1e-7))
    ticking = iter(range(100))
    assert (now(), raw is now) == (1, True)
    alone = lambda: next(ticking)                                            # noqa: E731
    assert read_clocks(alone, alone) == (0, 0)


def test_raw_is_taken_where_there_is_one():
    now, raw = choose_clocks(system(resolution=1e-9, raw=4))
    assert (now(), raw()) == (1, 3)


def test_the_quickest_of_three_readings_counts():
    times = iter([0, 1000, 1000, 1010, 2000, 9000])
    raws = iter([7, 8, 9])
    assert read_clocks(lambda: next(times), lambda: next(raws)) == (1005, 8)
