"""Samples placed by their arrivals: known sending times, delays of an adapter and of a host."""

from dataclasses import replace

import numpy as np
import pytest

from acquire.clock.place_arrivals import number_arrivals, place_arrivals
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
