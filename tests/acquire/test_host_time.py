"""The session's clock where the system has less than Linux."""

import time
from datetime import datetime
from types import SimpleNamespace

import pytest

from acquire.errors import SessionError
from acquire.host_time import (
    SuspensionWatch,
    choose_boot_clock,
    choose_clocks,
    doubt_date,
    now_ns,
    read_clocks,
)

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


class Laptop:
    """A host whose lid is closed now and then; `delay_ns` passes between any two readings."""

    def __init__(self, delay_ns=200):
        self.awake_ns, self.slept_ns, self.delay_ns = 10**12, 7 * 10**12, delay_ns

    def now(self):
        self.awake_ns += self.delay_ns
        return self.awake_ns

    def boot(self):
        return self.now() + self.slept_ns


def test_a_suspension_is_seen_once_with_its_length_and_when_it_was():
    laptop = Laptop()
    watch = SuspensionWatch(laptop.now, laptop.boot)
    assert watch.look() is None
    before_ns = laptop.awake_ns
    laptop.awake_ns += 10**9
    laptop.slept_ns += 3600 * 10**9
    suspension = watch.look()
    assert suspension.slept_ns == pytest.approx(3600e9, abs=2000)
    assert before_ns <= suspension.before_ns <= before_ns + 10**9 <= suspension.after_ns
    assert suspension.after_ns <= laptop.awake_ns
    assert watch.look() is None
    laptop.slept_ns += 2 * 10**9
    assert watch.look().slept_ns == pytest.approx(2e9, abs=2000)


def test_a_process_that_is_paused_between_two_readings_sees_no_suspension():
    laptop = Laptop()
    for delays in ([200, 8 * 10**9, 200], [8 * 10**9, 200, 8 * 10**9]):
        watch = SuspensionWatch(laptop.now, laptop.boot)
        for delay_ns in delays:
            laptop.delay_ns = delay_ns
            assert watch.look() is None
    laptop.delay_ns, laptop.slept_ns = 200, laptop.slept_ns + 5 * 10**9
    assert watch.look().slept_ns == pytest.approx(5e9, abs=2000)


def test_where_the_system_has_no_such_clock_none_is_seen():
    assert choose_boot_clock(system(resolution=1e-9)) is None
    assert SuspensionWatch(boot=None).look() is None
    assert SuspensionWatch().look() is None               # here, within these microseconds


@pytest.mark.parametrize(
    ("date", "said"),
    [("1970-01-01T00:00:30", "1970-01-01 00:00"), ("2023-12-31T23:59:59", "2023-12-31 23:59")],
)
def test_a_date_before_anything_was_recorded_is_doubted(date, said):
    unix_s = datetime.fromisoformat(f"{date}+00:00").timestamp()
    assert f"clock says {said} UTC" in doubt_date(unix_s)


def test_a_date_of_today_is_not_doubted_and_one_before_1970_is_refused():
    assert doubt_date(time.time()) == ""
    with pytest.raises(SessionError, match="found 1969-12-31 23:59 UTC"):
        doubt_date(-1.0)
