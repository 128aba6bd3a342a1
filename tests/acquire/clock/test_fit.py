"""The hulls hold every curve that is allowed, and contradicting bounds give none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.clock.fit import WANDER_PER_S, ClockFit
from acquire.sensor.protocol import TICK_HZ


@pytest.mark.parametrize("sign", [-1, 1])
def test_an_oscillator_that_bends_as_much_as_it_may_stays_inside(sign):
    """With no delays and a ping each ten seconds only the allowance for the bend is left."""
    host_ns = lambda s: (s + sign * WANDER_PER_S * (s - 30) ** 2 / 2) * 1e9    # noqa: E731
    ping = np.arange(0, 41, 10.0)
    ticks, ns = np.rint(ping * TICK_HZ).astype(np.int64), host_ns(ping)
    fit = ClockFit(0, 0, TICK_HZ)
    fit.after(ticks, np.floor(ns).astype(np.int64))
    fit.before(ticks, np.ceil(ns).astype(np.int64))
    at = np.arange(-15, 60, 0.5)
    time_ns, bound_ns = fit.host_time(np.rint(at * TICK_HZ).astype(np.int64))
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - host_ns(at)) <= bound_ns).all()
    assert bound_ns[(at > 0) & (at < 40)].max() < 8e3  # 30 ppm a minute over ten seconds: 6.25 us
    assert bound_ns[(at > -1) & (at < 41)].max() < 10e3


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.floats(1e2, 1e7))
def test_no_bound_cuts_off_a_curve_that_is_allowed(seed, lowers, uppers, slack_ns):
    """Any curve whose rate changes by at most WANDER_PER_S, any bounds around it, anywhere."""
    rng = np.random.default_rng(seed)
    grid = np.arange(0, 120.001, 0.05)
    bend = np.repeat(rng.choice([-1.0, 0.0, 1.0], 25), 100)[: len(grid)] * WANDER_PER_S
    rate = rng.uniform(-0.005, 0.005) + np.concatenate([[0], np.cumsum(bend[:-1] * 0.05)])
    lead_ns = np.concatenate([[0], np.cumsum(rate[:-1] * 0.05 + bend[:-1] * 0.05**2 / 2)]) * 1e9
    host_ns = lambda s: s * 1e9 + np.interp(s, grid, lead_ns)  # noqa: E731 - exact on the grid
    low, high, at = (np.sort(rng.choice(grid, n)) for n in (lowers, uppers, 200))
    ticks = lambda s: np.rint(s * TICK_HZ).astype(np.int64)                  # noqa: E731
    fit = ClockFit(0, 0, TICK_HZ)
    fit.after(
        ticks(low), np.floor(host_ns(low) - rng.exponential(slack_ns, lowers)).astype(np.int64)
    )
    fit.before(
        ticks(high), np.ceil(host_ns(high) + rng.exponential(slack_ns, uppers)).astype(np.int64)
    )
    time_ns, bound_ns = fit.host_time(ticks(at))
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - host_ns(at)) <= bound_ns).all()


def test_contradicting_bounds_give_no_certificate():
    """The later pings say that the device's rate jumped by 0.1 %, which no oscillator does."""
    ticks = np.arange(0, 40_000_000, 2_000_000)
    ns = ticks * 500 + np.maximum(ticks * 500 - 10**10, 0) // 1000
    fit = ClockFit(0, 0, TICK_HZ)
    fit.after(ticks, ns - 1000)
    fit.before(ticks, ns + 1000)
    _, bound_ns = fit.host_time(np.array([20_000_000]))
    assert bound_ns[0] == -1
