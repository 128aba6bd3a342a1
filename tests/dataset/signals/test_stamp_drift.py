"""Errors of rate and steps of time stamps, against arrivals that are late by a known rule."""

import tracemalloc

import numpy as np
import pytest

from dataset.signals.stamp_drift import measure_stamp_drift


def stream(seconds=60, rate_hz=25.0, seed=0):
    """True times, and arrivals that a busy host delays by up to 30 ms, but seldom all of them."""
    t_s = 100 + np.arange(round(seconds * rate_hz)) / rate_hz
    return t_s, t_s + 0.004 + np.random.default_rng(seed).exponential(0.005, len(t_s))


@pytest.mark.parametrize("percent", [-0.3, 0.0, 0.1])
def test_an_error_of_rate_is_measured(percent):
    t_s, arrival_s = stream()
    drift = measure_stamp_drift(t_s[0] + (t_s - t_s[0]) * (1 + percent / 100), arrival_s)
    assert 100 * drift.rate_error == pytest.approx(percent, abs=0.005)
    assert drift.steps == ()


@pytest.mark.parametrize(
    ("at_s", "step_s"),
    [(130, -0.2), (130, 0.05), pytest.param(103, 0.1, id="the first that there can be"),
     pytest.param(157, 0.1, id="the last that there can be")],
)
def test_a_step_is_found_and_does_not_count_as_a_rate(at_s, step_s):
    t_s, arrival_s = stream()
    drift = measure_stamp_drift(np.where(t_s < at_s, t_s, t_s - step_s), arrival_s)
    ((found_s, size_s),) = drift.steps
    assert found_s == pytest.approx(at_s, abs=1.1)      # the block it lies in, or the next
    assert size_s == pytest.approx(step_s, abs=0.003)
    assert 100 * drift.rate_error == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("seconds", "is_enough"), [(7, False), (8, True)])
def test_eight_seconds_are_enough_for_a_rate(seconds, is_enough):
    t_s, arrival_s = stream(seconds)
    drift = measure_stamp_drift(t_s[0] + 1.02 * (t_s - t_s[0]), arrival_s)
    assert drift.rate_error == (pytest.approx(0.02, abs=0.0005) if is_enough else None)


@pytest.mark.parametrize("t_s", [
    pytest.param(np.arange(1.0), id="one"), pytest.param(np.arange(0, 5, 0.04), id="short"),
    pytest.param(np.arange(0, 60, 0.04), id="arrivals made from the stamps"),
])
def test_nothing_is_said_where_nothing_is_known(t_s):
    drift = measure_stamp_drift(t_s, t_s)
    assert drift.rate_error is None
    assert drift.steps == ()


def test_the_rate_of_an_hour_is_measured_without_a_table_of_all_pairs():
    t_s, arrival_s = stream(3600, rate_hz=10.0)
    tracemalloc.start()
    drift = measure_stamp_drift(t_s[0] + (t_s - t_s[0]) * 1.001, arrival_s)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 100 * drift.rate_error == pytest.approx(0.1, abs=1e-4)
    assert peak < 70e6                     # six million pairs: as a table 0.3 GB
