"""All figures of a method."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.evaluation.assess import assess, pool_metrics
from models.evaluation.video_result import evaluate_changes, evaluate_pulse
from tests.support.curated_videos import tone, video_of_ppg


def test_pool_weighs_windows_and_videos():
    time_s = np.arange(500) / 25
    videos = [
        evaluate_changes(np.diff(tone(bpm, time_s)), video_of_ppg(tone(72, time_s), time_s))
        for bpm in (72, 80)
    ]
    windows, means = pool_metrics(videos)
    assert windows.count == sum(len(v.reference_bpm) for v in videos)
    assert means.count == 2
    assert windows.mae_bpm == pytest.approx(4, abs=0.1)
    assert means.rmse_bpm == pytest.approx((64 / 2) ** 0.5, abs=0.1)


def test_assess_returns_all_figures_as_numbers():
    videos = []
    for n, (subject, bpm, off) in enumerate([("S01", 60, 0.0), ("S01", 72, 3.0), ("S02", 80, 0.5)]):
        time_s = np.arange(750) / 25
        result = evaluate_pulse(tone(bpm + off, time_s), video_of_ppg(tone(bpm, time_s), time_s))
        videos.append(replace(result, subject=subject, folder=f"test/subject{n}"))
    figures = assess(videos)
    json.dumps(figures, allow_nan=False)
    assert (figures["windows"], figures["bland_altman"]["windows"]) == (63, 63)      # 21 of each
    assert (figures["windows_left_out"], figures["windows_without_finger"]) == (0, 0)
    assert [video["windows"] for video in figures["videos"]] == [21, 21, 21]
    assert figures["mae_bpm"] == pytest.approx(3.5 / 3, abs=0.05)
    assert figures["per_video_mean"]["mae_bpm"] == pytest.approx(3.5 / 3, abs=0.05)
    for means in (figures, figures["per_video_mean"]):
        # S02 alone, and S01 alone
        assert means["interval"]["mae_bpm"] == pytest.approx([0.5, 1.5], abs=0.05)
    interval = figures["per_video_mean"]["interval"]
    for name in ("mae_bpm", "rmse_bpm"):
        assert figures["per_signal"][name] == pytest.approx(figures["per_video_mean"][name])
        assert figures["per_signal"]["interval"][name] == pytest.approx(interval[name])
    # of folds of two recordings (0 and 3 off) and of one (0.5 off), their mean
    of_folds = assess(videos, tested=[["S01"], ["S02"]])["per_signal"]
    assert of_folds["mae_bpm"] == pytest.approx((1.5 + 0.5) / 2, abs=0.05)
    assert of_folds["rmse_bpm"] == pytest.approx((4.5**0.5 + 0.5) / 2, abs=0.05)
    assert of_folds["interval"] == {"mae_bpm": None, "rmse_bpm": None}      # one subject a fold
    assert figures["coverage_percent"] == 100
    assert figures["toolbox"]["coverage_percent"] == 100
    assert figures["toolbox"]["fft_points"] == [1024, 1024]          # of whole videos, 750 frames
    assert figures["toolbox"]["bin_bpm"] == [pytest.approx(60 * 25 / 1024)] * 2
    assert figures["toolbox"]["mae_bpm"] == pytest.approx(3.5 / 3, abs=1.5)
    assert figures["toolbox"]["peak"]["mae_bpm"] == pytest.approx(3.5 / 3, abs=0.3)
    assert figures["toolbox"]["macc"] > 0.2
    low, high = figures["interval"]["snr_db"]
    assert low < figures["snr_db"] < high
    assert figures["resolution"] == {"grid_bpm": 0.1, "main_lobe_bpm": 24.0, "window_s": 10.0}
    assert figures["bland_altman"]["bias_bpm"] == pytest.approx(3.5 / 3, abs=0.05)
