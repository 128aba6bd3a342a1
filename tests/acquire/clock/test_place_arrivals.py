"""Samples placed by their arrivals: known sending times, delays of an adapter and of a host."""

from dataclasses import replace

import numpy as np
import pytest

from acquire import layout
from acquire.clock.place_arrivals import doubt_rate, number_arrivals, place_arrivals, settle_delay
from acquire.clock.place_recording import place_recording
from acquire.sensor.arrival import ArrivalTiming

PERIOD_NS = 1e9 / 60
TIMING = ArrivalTiming("made", 0, round(0.98 * PERIOD_NS), -1, "", "")


def made(*, seconds=60, ppm=300.0, hold_ms=16.0, pause_s=(0.0, 0.0), lose=()):
    """Return when samples were sent, when the host had them, and their true numbers."""
    rng = np.random.default_rng(3)
    number = np.setdiff1d(np.arange(60 * seconds), lose)
    sent_ns = 5e9 + number * PERIOD_NS * (1 - ppm * 1e-6)
    arrival_ns = np.ceil(sent_ns / (hold_ms * 1e6)) * hold_ms * 1e6
    arrival_ns = arrival_ns + rng.uniform(3e4, 2.5e5, len(number))
    first, last = 5e9 + 1e9 * np.array(pause_s)
    paused = (arrival_ns >= first) & (arrival_ns < last)
    arrival_ns[paused] = last
    return sent_ns.astype(np.int64), np.maximum.accumulate(arrival_ns.astype(np.int64)), number


@pytest.mark.parametrize("pause_s", [(0.0, 0.0), (20.0, 24.0)], ids=["even", "a paused host"])
def test_no_sample_was_sent_after_its_time(pause_s):
    sent_ns, arrival_ns, number = made(pause_s=pause_s)
    time_ns = place_arrivals(arrival_ns, np.arange(len(number)), TIMING)
    assert (time_ns >= sent_ns).all()
    assert (time_ns <= arrival_ns).all()
    assert np.diff(time_ns).min() >= TIMING.spacing_ns
    # the adapter's 16 ms are evened out; 4 s that waited lose 2 % of their length
    assert (time_ns - sent_ns).max() < (15e6 if pause_s == (0, 0) else 90e6)
    lined = place_arrivals(arrival_ns, np.arange(len(number)), replace(TIMING, line_ns=2_000_000))
    assert (lined == time_ns - 2_000_000).all()


@pytest.mark.parametrize(
    ("made_with", "missing"),
    [
        ({}, {}), ({"pause_s": (20.0, 24.0)}, {}), ({"lose": np.arange(600, 660)}, {600: 60}),
        # what its numbers do not show and its times hardly: it is not seen, and said so
        ({"lose": [900]}, {}),
        # where in the pause cannot be told: before the first that waited
        ({"lose": np.arange(1300, 1380), "pause_s": (20.0, 24.0)}, {1200: 80}),
    ],
    ids=["none lost", "a paused host loses none", "a second", "one", "in a pause"],
)
def test_a_time_in_which_nothing_came_is_a_jump(made_with, missing):
    _, arrival_ns, number = made(**made_with)
    sequence, late_ns = number_arrivals(arrival_ns, np.arange(len(number)), 60)
    jumps = np.flatnonzero(np.diff(sequence) != 1)
    assert {int(sequence[at]) + 1: int(sequence[at + 1] - sequence[at] - 1) for at in jumps} == {
        first: pytest.approx(count, abs=1) for first, count in missing.items()
    }
    if not made_with:
        assert 14e6 < late_ns < 20e6          # what the adapter holds


def stated(rate_hz):
    """Return what is stated of a sketch: it is never a tenth quicker, and prints at once."""
    return ArrivalTiming("made", 0, round(0.9e9 / rate_hz), 40_000_000, "it prints at once", "")


def place(arrival_ns, rate_hz):
    return place_recording(
        np.empty(0, layout.EXCHANGE_DTYPE), np.empty(0, layout.CLOCK_DTYPE), arrival_ns,
        arrival_ns, np.arange(len(arrival_ns)), tick_hz=1e6, rate_hz=rate_hz,
        timing=stated(rate_hz), start_ns=5 * 10**9,
    )


def burst(arrival_ns, first, seconds):
    """Return arrivals with 40 in the place of each, from one on for a while."""
    is_in = (np.arange(len(arrival_ns)) >= first) & (
        arrival_ns < arrival_ns[first] + seconds * 1e9
    )
    return np.repeat(arrival_ns, np.where(is_in, 40, 1))


@pytest.mark.parametrize(
    ("rate_hz", "seconds", "first", "burst_s"),
    [(30, 8, 0, 0.0), (50, 8, 0, 0.0), (6, 8, 0, 0.0), (60, 14, 360, 2.0), (60, 60, 360, 0.2),
     (60, 14, 0, 0.2)],
    ids=["half", "five sixths", "a tenth", "bursts", "a short burst", "a burst at the start"],
)
def test_of_samples_that_came_too_fast_no_bound_is_promised(rate_hz, seconds, first, burst_s):
    sent_ns, arrival_ns, _ = made(seconds=seconds)
    arrival_ns = burst(arrival_ns, first, burst_s)
    placed = place(arrival_ns, rate_hz)
    assert placed.timing is not None
    assert placed.timing.earlier == "an unknown time"
    assert (placed.time_ns <= arrival_ns).all()
    assert (arrival_ns - placed.time_ns).max() < 1.1e9         # none is moved far from its arrival
    assert np.ptp(placed.time_ns) < np.ptp(arrival_ns) + 1.1e9
    if not burst_s:
        assert (placed.time_ns >= sent_ns).all()
    assert ("in bursts" in doubt_rate(arrival_ns, rate_hz)) == (burst_s > 0)
    # a file of an earlier version promises a bound, and holds the same arrivals
    old = settle_delay(
        stated(rate_hz), arrival_ns, np.arange(len(arrival_ns)), rate_hz=rate_hz,
        start_ns=5 * 10**9, is_settled=True,
    )
    assert old.delay_most_ns == -1


@pytest.mark.parametrize("pause_s", [(0.0, 0.0), (0.0, 3.0), (4.0, 7.0)])
@pytest.mark.parametrize("rate_hz", [58, 60, 64, 120])
def test_a_sensor_as_stated_keeps_its_times_and_has_a_bound_that_holds(pause_s, rate_hz):
    sent_ns, arrival_ns, number = made(seconds=10, pause_s=pause_s)
    placed = place(arrival_ns, rate_hz)
    assert placed.timing is not None
    timing = stated(rate_hz)
    assert (placed.time_ns == place_arrivals(arrival_ns, placed.sequence, timing)).all()
    assert placed.timing.delay_most_ns == 40_000_000 + placed.late_ns
    assert (placed.time_ns - sent_ns >= 0).all()
    assert (placed.time_ns - sent_ns).max() <= placed.timing.delay_most_ns
    # before the file is closed a sample's time is its arrival
    growing = settle_delay(
        timing, arrival_ns, number, rate_hz=rate_hz, start_ns=5 * 10**9, is_settled=False
    )
    assert growing == placed.timing
    assert (arrival_ns - sent_ns).max() <= growing.delay_most_ns
