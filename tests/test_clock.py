"""Simulated plants with known truth: the estimate comes back within its certificate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.clock import LiveClock, TickCounter, fit_hull, place_samples
from acquire.layout import EXCHANGE_DTYPE

TICK_HZ, RATE_HZ = 2_000_000, 25
BASE_NS = 10**14


class Plant:
    """A device whose crystal is off by `ppm` and wanders, behind an adapter that holds bytes up to `hold_ms`."""

    def __init__(self, *, seconds=120.0, ppm=20.0, wander_ppm=0.0, hold_ms=1.0, outliers=0.0, deaf=(0.0, 0.0), seed=0):
        rng = np.random.default_rng(seed)
        t = np.arange(0, seconds + 1, 1e-3)
        rate = 1 + (ppm + wander_ppm * np.sin(2 * np.pi * t / 240)) * 1e-6
        device = np.concatenate([[0.0], np.cumsum(rate[:-1])]) * 1e-3 * TICK_HZ
        self.host_ns = lambda ticks: np.interp(ticks, device, t) * 1e9
        ticks_at = lambda ns: np.interp(ns, t * 1e9, device)  # noqa: E731

        def arrive(ns):
            late = rng.exponential(2e5, np.shape(ns)) + rng.uniform(0, hold_ms * 1e6, np.shape(ns))
            late = late + (rng.random(np.shape(ns)) < outliers) * rng.exponential(5e7, np.shape(ns))
            return ns + 1.2e6 + late

        rows, at_s = [], 0.05
        while at_s < seconds - 0.1:
            if not deaf[0] < at_s < deaf[1]:
                send = at_s * 1e9
                rx = send + 5e5 + rng.exponential(1e5)
                tx = rx + 5e4
                recv = float(arrive(np.array(tx)))
                rows.append((BASE_NS + int(send), int(np.ceil(ticks_at(rx))), int(ticks_at(tx)), BASE_NS + int(recv), len(rows)))
            at_s += 0.02 if len(rows) < 8 else rng.uniform(0.8, 1.2)
        self.exchanges = np.array(rows, dtype=EXCHANGE_DTYPE)
        self.ticks = np.arange(ticks_at(0.3e9), ticks_at((seconds - 1.5) * 1e9), TICK_HZ / RATE_HZ).astype(np.int64)
        self.arrival_ns = (BASE_NS + arrive(self.host_ns(self.ticks + TICK_HZ // RATE_HZ // 2))).astype(np.int64)
        self.truth_ns = BASE_NS + self.host_ns(self.ticks)


PLANTS = [
    pytest.param({"ppm": 20}, 0.5, id="quartz behind a 1 ms adapter"),
    pytest.param({"ppm": 5000, "hold_ms": 16}, 0.6, id="resonator behind a 16 ms adapter"),
    pytest.param({"ppm": -5000, "hold_ms": 16, "wander_ppm": 10}, 0.6, id="wandering resonator behind a 16 ms adapter"),
    pytest.param({"ppm": 20, "outliers": 0.02}, 0.5, id="2 % outliers"),
    pytest.param({"ppm": 5000, "deaf": (40, 70)}, 0.6, id="unanswered for half a minute"),
]


@pytest.mark.parametrize(("plant", "rms_ms"), PLANTS)
def test_truth_lies_inside_the_bound_and_the_estimate_near_it(plant, rms_ms):
    made = Plant(**plant)
    time_ns, bound_ns = place_samples(made.exchanges, made.ticks, made.arrival_ns, tick_hz=TICK_HZ, rate_hz=RATE_HZ)
    error_ns = time_ns - made.truth_ns
    assert (bound_ns >= 0).all()
    assert (np.abs(error_ns) <= bound_ns).all()
    assert np.sqrt(np.mean(error_ns**2)) / 1e6 < rms_ms


@settings(max_examples=25, deadline=None)
@given(ppm=st.floats(-5000, 5000), hold_ms=st.floats(0, 16), seed=st.integers(0, 2**16), wander=st.floats(0, 10))
def test_no_plant_escapes_its_certificate(ppm, hold_ms, seed, wander):
    made = Plant(seconds=40, ppm=ppm, hold_ms=hold_ms, seed=seed, wander_ppm=wander)
    time_ns, bound_ns = place_samples(made.exchanges, made.ticks, made.arrival_ns, tick_hz=TICK_HZ, rate_hz=RATE_HZ)
    assert (np.abs(time_ns - made.truth_ns) <= bound_ns).all()


def test_live_placement_holds_too():
    made = Plant(seconds=90, ppm=5000, hold_ms=16)
    live, waiting, misses = LiveClock(TICK_HZ, RATE_HZ), list(made.exchanges.tolist()), 0
    for ticks, arrival_ns, truth_ns in zip(made.ticks.tolist(), made.arrival_ns.tolist(), made.truth_ns, strict=True):
        while waiting and waiting[0][3] < arrival_ns:
            live.add_exchange(*waiting.pop(0))
        time_ns, bound_ns = live.place(ticks, arrival_ns)
        misses += bound_ns >= 0 and abs(time_ns - truth_ns) > bound_ns
    assert misses == 0
    assert live.fit is not None
    assert live.fit.skew_ppm == pytest.approx(5000, abs=100)


def test_without_pings_there_is_no_certificate():
    made = Plant(seconds=10)
    time_ns, bound_ns = place_samples(made.exchanges[:0], made.ticks, made.arrival_ns, tick_hz=TICK_HZ, rate_hz=RATE_HZ)
    assert (bound_ns == -1).all()
    assert (time_ns == made.arrival_ns).all()


def test_contradicting_bounds_give_no_certificate():
    """A host that slept: the later ping says the device lived a second less than the host."""
    ticks = np.array([0, 2_000_000, 4_000_000, 6_000_000])
    ns = np.array([0, 10**9, 3 * 10**9, 4 * 10**9])
    fit = fit_hull(ticks, ns - 1000, ticks, ns + 1000, TICK_HZ)
    _, bound_ns = fit.host_time(np.array([2_500_000, 3_500_000]))
    assert (bound_ns == -1).any()


@given(st.lists(st.integers(-(2**30), 2**30), max_size=50), st.integers(0, 2**32 - 1))
def test_ticks_unwrap_to_what_they_were(steps, first):
    counter, true = TickCounter(), first
    assert counter.unwrap(first) == first
    for step in steps:
        true += step
        assert counter.unwrap(true % 2**32) == true
