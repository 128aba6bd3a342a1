"""CLOCK_MONOTONIC against CLOCK_MONOTONIC_RAW: what readings of both say, and what they do not."""

import numpy as np

from acquire.clock.exchange_bounds import exchange_bounds
from acquire.clock.steering import ClockSteering
from acquire.clock.ticks import PING_NS, PONG_NS
from acquire.layout import CLOCK_DTYPE, EXCHANGE_DTYPE


def test_what_was_not_read_of_the_clocks_is_not_promised():
    readings = np.array([(0, 0), (10**9, 10**9)], dtype=CLOCK_DTYPE)
    early, late = ClockSteering(readings).to_raw(np.array([5 * 10**8, 2 * 10**9]))
    assert (late - early).tolist() == [0, 2 * 500_000]       # a second later, at 500 ppm either way


def test_a_rate_that_changes_between_two_readings_is_allowed_for():
    raw = np.arange(0, 10**9, 4 * 10**7)
    slewed = lambda ns: ns + np.rint(500e-6 * np.maximum(ns - 5 * 10**8, 0)).astype(np.int64)  # noqa: E731
    readings = np.array(list(zip(slewed(raw), raw, strict=True)), dtype=CLOCK_DTYPE)
    at = np.arange(10**6, 9 * 10**8, 10**6)
    early, late = ClockSteering(readings).to_raw(slewed(at))
    assert (early <= at + 1).all()
    assert (at - 1 <= late).all()
    assert np.median(late - early) <= 2


def test_times_on_the_steered_clock_are_whole_nanoseconds():
    readings = np.array([(100, 0), (10**9 + 100, 10**9)], dtype=CLOCK_DTYPE)
    time_ns, bound_ns = ClockSteering(readings).to_monotonic(
        np.array([5 * 10**8, 6 * 10**8, 7 * 10**8]), np.array([0, 5, -1])
    )
    assert (time_ns.dtype, bound_ns.dtype) == (np.int64, np.int64)
    assert time_ns.tolist() == [5 * 10**8 + 100, 6 * 10**8 + 100, 7 * 10**8 + 100]
    assert bound_ns.tolist() == [0, 5, -1]


def test_a_bound_is_the_earliest_sending_and_the_latest_reading():
    """A second after the last reading of the clocks the unsteered one may be off by 0.5 ms."""
    host = ClockSteering(np.array([(0, 0), (10**9, 10**9)], dtype=CLOCK_DTYPE))
    exchanges = np.zeros(1, EXCHANGE_DTYPE)
    exchanges["send_ns"] = exchanges["recv_ns"] = 2 * 10**9
    for has_line in (False, True):
        after_ns, before_ns = exchange_bounds(exchanges, host, has_line=has_line)
        assert after_ns.tolist() == [2 * 10**9 - 500_000 + has_line * PING_NS]
        assert before_ns.tolist() == [2 * 10**9 + 500_000 - has_line * PONG_NS]
