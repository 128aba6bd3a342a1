"""CLOCK_MONOTONIC against CLOCK_MONOTONIC_RAW: what readings of both say, and what they do not."""

import numpy as np

from acquire.clock.steering import ClockSteering
from acquire.layout import CLOCK_DTYPE


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
