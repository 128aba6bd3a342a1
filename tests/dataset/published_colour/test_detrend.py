"""Smoothness priors, against their definition."""

import numpy as np
import pytest

from dataset.published_colour.detrend import smoothness_priors


def test_the_banded_solution_is_that_of_the_whole_matrices():
    trace = np.random.default_rng(0).normal(size=(50, 2)).cumsum(axis=0)
    second = np.diff(np.eye(50), n=2, axis=0)
    trend = np.linalg.inv(np.eye(50) + 30.0**2 * second.T @ second) @ trace
    assert smoothness_priors(trace, 30) == pytest.approx(trace - trend, abs=1e-9)


def test_a_line_is_all_trend_and_half_of_a_tone_at_the_limit():
    n = np.arange(2000)
    assert np.abs(smoothness_priors(5 + 0.3 * n, 100)).max() < 1e-6
    # 2 sin(x / 2) = 100^-1/2
    tone = np.sin(2 * np.arcsin(0.05) * n)
    assert np.ptp(smoothness_priors(tone, 100)[500:1500]) == pytest.approx(1, abs=0.02)


def test_two_values_have_no_trend_to_tell():
    with pytest.raises(ValueError, match="at least 3 values, found 2"):
        smoothness_priors(np.array([1.0, 2.0]), 100)
