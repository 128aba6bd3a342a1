"""Simulated plants with known truth: the estimate comes back within its certificate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.clock import HostClock, LiveClock, TickCounter, fit_hull, place_samples
from acquire.layout import CLOCK_DTYPE, EXCHANGE_DTYPE

TICK_HZ, RATE_HZ = 2_000_000, 25
BASE_NS = 10**14
BEND_PER_S = 10e-6 / 60         # a ceramic resonator, a degree a minute


class Plant:
    """A device whose crystal is off by `ppm` and wanders, behind an adapter that holds bytes up to `hold_ms`.

    NTP slews the host's clock by `slew_ppm` from a third to a half of the time; it is read beside RAW every 30 ms or so.
    """

    def __init__(
        self, *, seconds=120.0, ppm=20.0, wander_ppm=0.0, hold_ms=1.0, outliers=0.0, deaf=(0.0, 0.0), seed=0, slew_ppm=0.0,
        clocks_wrong=0.0,
    ):
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
        raw_ns = BASE_NS + np.cumsum(rng.uniform(2e7, 4e7, round(seconds / 0.03))).astype(np.int64)
        self.clocks = np.zeros(len(raw_ns), dtype=CLOCK_DTYPE)
        self.clocks["raw_ns"] = raw_ns - 123_456_789_012
        wrong = (rng.random(len(raw_ns)) < clocks_wrong) * rng.uniform(0, 2e5, len(raw_ns))       # the reader was held up

        def slewed(ns):
            return ns + (slew_ppm * 1e-6 * np.clip(ns - BASE_NS - seconds / 3 * 1e9, 0, seconds / 6 * 1e9)).astype(np.int64)

        self.clocks["monotonic_ns"] = slewed(raw_ns) + wrong.astype(np.int64)
        for name in ("send_ns", "recv_ns"):
            self.exchanges[name] = slewed(self.exchanges[name])
        self.arrival_ns, self.truth_ns = slewed(self.arrival_ns), slewed(self.truth_ns)

    def place(self):
        return place_samples(
            self.exchanges, self.clocks, self.ticks, self.arrival_ns, tick_hz=TICK_HZ, rate_hz=RATE_HZ
        )

    def place_live(self):
        """Place each sample as it comes, with what had come before it."""
        live, exchanges, clocks = LiveClock(TICK_HZ, RATE_HZ), list(self.exchanges.tolist()), list(self.clocks.tolist())
        placed = []
        for ticks, arrival_ns in zip(self.ticks.tolist(), self.arrival_ns.tolist(), strict=True):
            while clocks and clocks[0][0] < arrival_ns + 2e7:
                live.add_clocks(*clocks.pop(0))
            while exchanges and exchanges[0][3] < arrival_ns:
                live.add_exchange(*exchanges.pop(0))
            placed.append(live.place(ticks, arrival_ns))
        return np.array(placed).T


PLANTS = [
    pytest.param({"ppm": 20}, 0.5, id="quartz behind a 1 ms adapter"),
    pytest.param({"ppm": 5000, "hold_ms": 16}, 0.6, id="resonator behind a 16 ms adapter"),
    pytest.param({"ppm": -5000, "hold_ms": 16, "wander_ppm": 10}, 0.6, id="wandering resonator behind a 16 ms adapter"),
    pytest.param({"ppm": 20, "outliers": 0.02}, 0.5, id="2 % outliers"),
    pytest.param({"ppm": 5000, "deaf": (40, 70)}, 0.6, id="unanswered for half a minute"),
    pytest.param({"ppm": 20, "deaf": (90, 120)}, 2.0, id="unanswered to the end"),
    pytest.param({"ppm": 20, "slew_ppm": 500, "hold_ms": 16}, 0.6, id="NTP slews the host"),
    pytest.param({"ppm": 20, "slew_ppm": -500, "clocks_wrong": 0.02}, 0.6, id="NTP slews the host, clocks read late"),
]


@pytest.mark.parametrize(("plant", "rms_ms"), PLANTS)
def test_truth_lies_inside_the_bound_and_the_estimate_near_it(plant, rms_ms):
    made = Plant(**plant)
    time_ns, bound_ns = made.place()
    error_ns = time_ns - made.truth_ns
    assert (bound_ns >= 0).all()
    assert (np.abs(error_ns) <= bound_ns).all()
    assert np.sqrt(np.mean(error_ns**2)) / 1e6 < rms_ms


@settings(max_examples=25, deadline=None)
@given(
    ppm=st.floats(-5000, 5000), hold_ms=st.floats(0, 16), seed=st.integers(0, 2**16), wander=st.floats(0, 10),
    slew=st.floats(-500, 500),
)
def test_no_plant_escapes_its_certificate(ppm, hold_ms, seed, wander, slew):
    made = Plant(seconds=40, ppm=ppm, hold_ms=hold_ms, seed=seed, wander_ppm=wander, slew_ppm=slew)
    time_ns, bound_ns = made.place()
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - made.truth_ns) <= bound_ns).all()


@pytest.mark.parametrize(
    "plant", [
        pytest.param({"ppm": 5000, "hold_ms": 16}, id="resonator"),
        pytest.param({"ppm": 20, "slew_ppm": 500}, id="NTP slews the host"),
        pytest.param({"ppm": 20, "deaf": (60, 90)}, id="unanswered to the end"),
    ],
)
def test_live_placement_holds_too(plant):
    made = Plant(seconds=90, **plant)
    time_ns, bound_ns = made.place_live()
    answered = made.arrival_ns > made.exchanges["recv_ns"][0]
    assert (bound_ns[answered] >= 0).all()
    assert (np.abs(time_ns - made.truth_ns) <= bound_ns)[answered].all()
    assert np.median(bound_ns) < 3e6


def test_a_host_that_slept_places_no_sample_by_what_it_knew_before():
    made = Plant(seconds=60)
    asleep = made.ticks > made.ticks[len(made.ticks) // 2]
    woke_ns = made.arrival_ns[asleep][0]
    made.arrival_ns = np.where(asleep, made.arrival_ns - 5 * 10**9, made.arrival_ns)      # CLOCK_MONOTONIC stood still
    made.exchanges = made.exchanges[made.exchanges["recv_ns"] < woke_ns]
    time_ns, bound_ns = made.place_live()
    assert (bound_ns[asleep] == -1).all()
    assert (time_ns[asleep] == made.arrival_ns[asleep]).all()
    assert (bound_ns[~asleep][50:] >= 0).all()


def test_the_line_may_have_bent_since_the_slopes_were_seen():
    """The one ping lies early, uppers on both sides of it: beyond it the slope is what the whole window allows, not the ping."""
    bend = lambda s: -BEND_PER_S * (s - 30) ** 2 / 2                         # noqa: E731 - the host's lead on the device [s]
    host_ns = lambda s: (s + bend(s)) * 1e9                                    # noqa: E731
    ping, upper = np.array([27.0]), np.arange(0, 60, 0.04)
    slack_ns = np.where(upper > 27, 60e3, 0)
    fit = fit_hull(
        np.rint(ping * TICK_HZ).astype(np.int64), np.floor(host_ns(ping)).astype(np.int64),
        np.rint(upper * TICK_HZ).astype(np.int64), np.ceil(host_ns(upper) + slack_ns).astype(np.int64), TICK_HZ,
    )
    at = np.arange(27.1, 37, 0.25)
    time_ns, bound_ns = fit.host_time(np.rint(at * TICK_HZ).astype(np.int64))
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - host_ns(at)) <= bound_ns).all()


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_line_that_bends_as_much_as_it_may_stays_inside(sign):
    """Delays of nothing and a ping each ten seconds: only the allowance for the bend is left between truth and bound."""
    host_ns = lambda s: (s + sign * BEND_PER_S * (s - 30) ** 2 / 2) * 1e9    # noqa: E731
    ping = np.arange(0, 41, 10.0)
    ticks, ns = np.rint(ping * TICK_HZ).astype(np.int64), host_ns(ping)
    fit = fit_hull(ticks, np.floor(ns).astype(np.int64), ticks, np.ceil(ns).astype(np.int64), TICK_HZ)
    at = np.arange(0, 60, 0.5)
    time_ns, bound_ns = fit.host_time(np.rint(at * TICK_HZ).astype(np.int64))
    assert (bound_ns >= 0).all()
    assert (np.abs(time_ns - host_ns(at)) <= bound_ns).all()
    assert bound_ns[at < 40].max() < 10e3


def test_what_was_not_read_of_the_clocks_is_not_promised():
    readings = np.array([(0, 0), (10**9, 10**9)], dtype=CLOCK_DTYPE)
    early, late = HostClock(readings).to_raw(np.array([5 * 10**8, 2 * 10**9]))
    assert (late - early).tolist() == [0, 2 * 500_000]       # a second later, at 500 ppm either way


def test_a_rate_that_changes_between_two_readings_is_allowed_for():
    raw = np.arange(0, 10**9, 4 * 10**7)
    slewed = lambda ns: ns + np.rint(500e-6 * np.maximum(ns - 5 * 10**8, 0)).astype(np.int64)      # noqa: E731
    readings = np.array(list(zip(slewed(raw), raw, strict=True)), dtype=CLOCK_DTYPE)
    at = np.arange(10**6, 9 * 10**8, 10**6)
    early, late = HostClock(readings).to_raw(slewed(at))
    assert (early <= at + 1).all()
    assert (at - 1 <= late).all()
    assert np.median(late - early) <= 2


def test_without_pings_there_is_no_certificate():
    made = Plant(seconds=10)
    made.exchanges = made.exchanges[:0]
    time_ns, bound_ns = made.place()
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
