"""Limits of agreement, against variances that are known."""

import numpy as np
import pytest

from models.metrics.agreement import limits_of_agreement


def drawn(within_sd, between_sd, *, subjects=200, windows=40, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"S{n:03d}" for n in range(subjects)]
    return [
        2 + between_sd * rng.normal() + within_sd * rng.normal(size=windows) for _ in names
    ], names


def test_both_variances_are_found_and_added():
    values, names = drawn(3, 4)
    found = limits_of_agreement(values, subjects=names)
    assert found["within_sd_bpm"] == pytest.approx(3, rel=0.02)
    assert found["between_sd_bpm"] == pytest.approx(4, rel=0.1)
    assert found["bias_bpm"] == pytest.approx(2, abs=0.7)
    half = (found["high_bpm"] - found["low_bpm"]) / 2
    assert half == pytest.approx(1.96 * 5, rel=0.08)
    low, high = found["interval"]["bias_bpm"]
    # the standard error of a mean over 200 subjects: 4 / sqrt(200) and a little
    assert high - low == pytest.approx(2 * 1.96 * (16 / 200 + 9 / 8000) ** 0.5, rel=0.15)


def test_by_hand_with_unequal_numbers_of_windows():
    # means 1, 4, 5; grand mean 21 / 6; within: (0.5 + 0 + 2) / 3; between: by (2 * 6.25 + 0.25 +
    # 3 * 2.25) / 2 and (6 - 14 / 6) / 2 windows each
    values = [np.array([0.5, 1.5]), np.array([4.0]), np.array([4.0, 5.0, 6.0])]
    found = limits_of_agreement(values, subjects=["a", "b", "c"])
    within = 2.5 / 3
    between = ((2 * 6.25 + 0.25 + 3 * 2.25) / 2 - within) / ((6 - 14 / 6) / 2)
    assert found["bias_bpm"] == pytest.approx(3.5)
    assert found["high_bpm"] == pytest.approx(3.5 + 1.96 * (within + between) ** 0.5)


def test_a_few_subjects_with_many_windows_do_not_look_as_sure_as_many_subjects():
    values, names = drawn(0.1, 4, subjects=4, windows=1000)
    found = limits_of_agreement(values, subjects=names)
    plain = 1.96 * np.concatenate(values).std(ddof=1)
    assert found["high_bpm"] - found["bias_bpm"] > 1.1 * plain


def test_one_subject_has_limits_of_its_own_windows_and_no_interval():
    found = limits_of_agreement([np.array([1.0, 3.0])], subjects=["S01"])
    assert found["high_bpm"] == pytest.approx(2 + 1.96 * 2**0.5)
    assert np.isnan(found["between_sd_bpm"])
    assert found["interval"] == {"bias_bpm": None, "low_bpm": None, "high_bpm": None}


def test_two_videos_of_one_subject_are_one_group():
    values = [np.array([1.0, 2.0]), np.array([5.0, 6.0]), np.array([3.0, 4.0])]
    joined = [np.concatenate(values[:2]), values[2]]
    assert limits_of_agreement(values, subjects=["a", "a", "b"]) == limits_of_agreement(
        joined, subjects=["a", "b"]
    )

