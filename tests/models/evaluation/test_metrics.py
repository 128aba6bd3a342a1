"""Metrics by hand, and intervals that hold the truth as often as they should."""

import numpy as np
import pytest

from models.evaluation.metrics import (
    bootstrap_intervals,
    heart_rate_errors,
    intervals_of_mean_of_folds,
)


def test_metrics_by_hand():
    metrics = heart_rate_errors(np.array([62.0, 71.0, 70.0]), np.array([60.0, 75.0, 80.0]))
    assert metrics.mae_bpm == pytest.approx((2 + 4 + 10) / 3)
    assert metrics.rmse_bpm == pytest.approx(np.sqrt((4 + 16 + 100) / 3))
    assert metrics.mape_percent == pytest.approx(100 * (2 / 60 + 4 / 75 + 10 / 80) / 3)


def test_interval_draws_subjects_not_windows():
    rng = np.random.default_rng(0)
    off = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    reference = [rng.uniform(60, 90, 500) for _ in off]
    predicted = [r + o for r, o in zip(reference, off, strict=True)]

    def interval(subjects):
        return bootstrap_intervals(predicted, reference, subjects=subjects)["mae_bpm"]

    low, high = interval(list("abcdef"))
    # The mean of six draws from 0..5: standard deviation 1.71 / sqrt(6) = 0.70.
    assert low == pytest.approx(2.5 - 1.96 * 0.70, abs=0.15)
    assert high == pytest.approx(2.5 + 1.96 * 0.70, abs=0.15)
    same = interval(list("aabbcc"))      # three people: wider
    assert same[1] - same[0] > 1.2 * (high - low)
    assert interval(["a"] * 6) is None


def test_an_interval_holds_the_truth_in_95_of_100_draws():
    rng = np.random.default_rng(1)
    hits = 0
    for draw in range(200):
        person = rng.normal(3.0, 1.0, 20)
        reference = [np.full(5, 70.0)] * 20
        predicted = [70.0 + p + rng.normal(0, 0.2, 5) for p in person]
        low, high = bootstrap_intervals(
            predicted, reference, subjects=[str(n) for n in range(20)], seed=draw
        )["mae_bpm"]
        hits += low <= 3.0 <= high
    # 95 % of 200 is 190; a percentile interval of 20 people is a little narrow
    assert 176 <= hits <= 199


def test_intervals_agree_with_the_metrics_themselves():
    rng = np.random.default_rng(2)
    reference = [rng.uniform(60, 90, 30) for _ in range(8)]
    predicted = [r + rng.normal(0, 2, 30) for r in reference]
    whole = heart_rate_errors(np.concatenate(predicted), np.concatenate(reference))
    intervals = bootstrap_intervals(predicted, reference, subjects=[str(n) for n in range(8)])
    for name, (low, high) in intervals.items():
        assert low < getattr(whole, name) < high, name


def test_a_mean_of_folds_draws_the_subjects_of_each_fold_by_themselves():
    off = np.arange(1.0, 17.0)
    off[8:] = off[8:][::-1]             # the same draw of both folds would give the same mean
    predicted, reference = [np.array([70 + one]) for one in off], [np.array([70.0])] * 16
    names = [f"S{n:02d}" for n in range(16)]

    def ends(*tested):
        return intervals_of_mean_of_folds(predicted, reference, subjects=names, tested=tested)

    both = ends(names[:8], names[8:])
    # each fold's mean has a standard deviation of 2.29 / sqrt(8), of which the mean of two has less
    assert both["mae_bpm"] == pytest.approx((8.5 - 1.96 * 0.573, 8.5 + 1.96 * 0.573), abs=0.1)
    assert both["rmse_bpm"][0] > both["mae_bpm"][0]
    whole = bootstrap_intervals(predicted, reference, subjects=names)
    assert ends(names) == {name: whole[name] for name in ("mae_bpm", "rmse_bpm")}
    assert ends(*[[name] for name in names]) == {"mae_bpm": None, "rmse_bpm": None}
    # one of the folds cannot vary: 16 stays
    low, high = ends(names[:8], ["S08"])["mae_bpm"]
    assert (low, high) == pytest.approx(((4.5 + 16) / 2 - 0.8, (4.5 + 16) / 2 + 0.8), abs=0.1)


def test_all_metrics_by_hand():
    # errors 1, -2, 3: MAE 2, RMSE sqrt(14 / 3), MAPE (1/60 + 2/80 + 3/100) / 3
    metrics = heart_rate_errors(np.array([61.0, 78, 103]), np.array([60.0, 80, 100]))
    assert metrics.count == 3
    assert metrics.mae_bpm == pytest.approx(2)
    assert metrics.rmse_bpm == pytest.approx((14 / 3) ** 0.5)
    assert metrics.mape_percent == pytest.approx(100 * (1 / 60 + 2 / 80 + 3 / 100) / 3)
    # deviations: -19.667, -2.667, 22.333 and -20, 0, 20
    assert metrics.pearson_r == pytest.approx(840 / (892.667**0.5 * 800**0.5), abs=1e-4)


def test_metrics_at_the_edges():
    assert np.isnan(heart_rate_errors(np.array([61.0]), np.array([60.0])).pearson_r)
