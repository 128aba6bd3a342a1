"""Metrics by hand, and intervals that hold the truth as often as they should."""

import numpy as np
import pytest

from models.evaluation.metrics import (
    bland_altman,
    bootstrap_intervals,
    heart_rate_errors,
    macc,
    toolbox_heart_rate,
    toolbox_points,
)


def test_metrics_by_hand():
    metrics = heart_rate_errors(np.array([62.0, 71.0, np.nan]), np.array([60.0, 75.0, 80.0]))
    assert metrics.mae_bpm == pytest.approx((2 + 4 + 80) / 3)
    assert metrics.rmse_bpm == pytest.approx(np.sqrt((4 + 16 + 6400) / 3))
    assert metrics.mape_percent == pytest.approx(100 * (2 / 60 + 4 / 75 + 1) / 3)


def test_bland_altman_by_hand():
    limits = bland_altman(np.array([61.0, 59.0, 63.0]), np.array([60.0, 60.0, 60.0]))
    assert limits["bias_bpm"] == pytest.approx(1.0)
    assert limits["low_bpm"] == pytest.approx(1.0 - 1.96 * 2.0)
    assert limits["high_bpm"] == pytest.approx(1.0 + 1.96 * 2.0)


@pytest.mark.parametrize("lag", [0, 3, 7])
def test_macc_is_the_largest_correlation_over_all_shifts(lag):
    rng = np.random.default_rng(0)
    ppg = rng.normal(size=50)
    assert macc(np.roll(ppg, lag), ppg) == pytest.approx(1.0)
    assert macc(-np.roll(ppg, lag), ppg) == pytest.approx(1.0)            # the sign does not matter
    pulse = ppg + rng.normal(size=50)
    by_hand = max(abs(np.corrcoef(pulse, np.roll(ppg, k))[0, 1]) for k in range(49))
    assert macc(pulse, ppg) == pytest.approx(by_hand, abs=1e-12)
    assert np.isnan(macc(np.zeros(50), ppg))


# 10 s at 30 Hz: 300 samples, 512 points, bins of 60 * 30 / 512 = 3.515625 bpm. 72 bpm lies between
# bin 20 (70.3125) and bin 21 (73.828125), nearer to bin 20; 100 bpm between bin 28 (98.4375) and
# bin 29. At 25 Hz: 250 samples, 256 points, 5.859375 bpm.
@pytest.mark.parametrize(
    ("fs_hz", "bpm", "by_hand"),
    [
        (30.0, 72.0, 70.3125),
        (30.0, 100.0, 98.4375),
        (30.0, 60.0, 59.765625),
        (30.0, 150.0, 151.171875),
        # the last lies below the band: its first bin
        (25.0, 72.0, 70.3125),
        (25.0, 82.03125, 82.03125),
        (30.0, 30.0, 38.671875),
    ],
)
def test_the_toolbox_metric_is_a_bin_of_the_plain_periodogram(fs_hz, bpm, by_hand):
    time_s = np.arange(round(10 * fs_hz)) / fs_hz
    assert toolbox_heart_rate(np.sin(2 * np.pi * bpm / 60 * time_s), fs_hz) == pytest.approx(
        by_hand, abs=1e-9
    )


def test_toolbox_points():
    assert [toolbox_points(n) for n in (250, 256, 257, 300, 512)] == [256, 256, 512, 512, 512]


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
    # no peak is an error, not a gap
    assert heart_rate_errors(np.array([np.nan]), np.array([60.0])).mae_bpm == 60
