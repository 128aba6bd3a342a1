"""A sender's clock far off and skewed, known from exchanges that took their time: placed anew."""

import numpy as np
import pytest

from acquire import layout
from acquire.clock.place_stream import place_stream

NO_CLOCKS = np.empty(0, layout.CLOCK_DTYPE)


def offsets_of(remote_s, host_s, *, trip_s):
    """Return measurements that are wrong by up to half of their round trip."""
    rng = np.random.default_rng(1)
    trips_s = trip_s * rng.uniform(0.3, 1, len(remote_s))
    wrong_s = trips_s * rng.uniform(-0.5, 0.5, len(remote_s))
    rows = np.zeros(len(remote_s), layout.OFFSET_DTYPE)
    rows["remote_s"], rows["offset_s"] = remote_s, host_s - remote_s + wrong_s
    rows["uncertainty_s"] = trips_s
    return rows


@pytest.mark.parametrize("ppm", [0, 50, -3000])
def test_a_skewed_clock_is_placed_within_its_bound(ppm):
    host_s = 5000 + np.arange(0, 600, 2.0)
    offsets = offsets_of((host_s - 90_000) * (1 + ppm * 1e-6), host_s, trip_s=0.004)
    true_s = 5000 + np.linspace(-1, 600, 3000)
    time_ns, bound_ns = place_stream((true_s - 90_000) * (1 + ppm * 1e-6), offsets, NO_CLOCKS)
    assert (np.abs(time_ns / 1e9 - true_s) * 1e9 <= bound_ns + 2).all()
    assert bound_ns[100:-100].max() < 2e6
    assert (bound_ns >= 0).all()


def test_without_offsets_or_with_such_as_contradict_each_other_there_is_no_bound():
    assert place_stream(np.ones(3), np.empty(0, layout.OFFSET_DTYPE), NO_CLOCKS)[1].tolist() == [
        -1, -1, -1,
    ]
    host_s = np.arange(10.0)
    jumped = offsets_of(host_s, host_s + 10 * (host_s > 4), trip_s=1e-4)
    assert (place_stream(host_s, jumped, NO_CLOCKS)[1] == -1).any()
    good = offsets_of(host_s, host_s, trip_s=1e-4)
    assert place_stream(np.array([3.0, np.nan, 1e300]), good, NO_CLOCKS)[1][1:].tolist() == [-1, -1]
