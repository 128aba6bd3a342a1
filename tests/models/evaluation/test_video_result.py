"""Predicted changes and pulses to heart rates, at the frames' own times."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataset.signals.windows import even_grid, to_even_grid, trusted_windows
from models.evaluation.assess import pool_metrics
from models.evaluation.video_result import (
    best_lag,
    colour_pulse,
    evaluate_changes,
    evaluate_pulse,
)
from tests.support.curated_videos import tone, video_of_ppg


def uneven_times(seconds, fps, seed=0):
    """Frame times with jitter and a zero-length step, as UBFC has them."""
    times = np.arange(round(seconds * fps)) / fps + np.random.default_rng(seed).uniform(
        0, 0.3 / fps, round(seconds * fps)
    )
    times[30] = times[29]
    return times


@pytest.mark.parametrize("bpm", [45, 60.3, 72, 97.7, 120, 180])
def test_pure_tones_come_back(bpm):
    time_s = uneven_times(40, 25)
    video = video_of_ppg(tone(bpm, time_s), time_s)
    # a constant error of each change is only drift
    result = evaluate_changes(np.diff(tone(bpm, time_s)) + 0.01, video)
    assert len(result.predicted_bpm) >= 29
    np.testing.assert_allclose(result.reference_bpm, bpm, atol=0.15)
    np.testing.assert_allclose(result.predicted_bpm, bpm, atol=0.15)
    assert result.correlation > 0.99
    assert result.left_out == 0
    assert [trace.std() for trace in (result.pulse, result.ppg)] == pytest.approx([1, 1])
    assert len(result.pulse) == len(result.ppg) == len(result.time_s)


def test_frame_times_are_respected():
    # 25 fps for 20 s, then 20 fps: index / fps would see 72 bpm turn into 90.
    time_s = np.concatenate([np.arange(500) / 25, 20 + np.arange(400) / 20])
    result = evaluate_changes(np.diff(tone(72, time_s)), video_of_ppg(tone(72, time_s), time_s))
    np.testing.assert_allclose(result.predicted_bpm, 72, atol=0.2)


def test_windows_that_span_a_gap_are_left_out():
    time_s = np.arange(1000) / 25
    time_s[500:] += 2.0
    result = evaluate_changes(np.diff(tone(72, time_s)), video_of_ppg(tone(72, time_s), time_s))
    assert result.left_out >= 10
    begins, ends = result.start_s, result.start_s + result.window_s
    assert not ((begins < 19.9) & (ends > 22.1)).any()
    assert (begins < 10).any()
    assert (begins > 21).any()


def test_a_changing_rate_is_followed():
    time_s = np.arange(1500) / 25
    beats = np.cumsum(np.interp(time_s, [0, 60], [60, 90]) / 60 / 25)
    result = evaluate_changes(
        np.diff(np.sin(2 * np.pi * beats)), video_of_ppg(np.sin(2 * np.pi * beats), time_s)
    )
    middle = result.start_s + 5
    np.testing.assert_allclose(result.predicted_bpm, 60 + middle / 2, atol=1.5)


def test_even_grid():
    time_s = np.array([0, 0.1, 0.2, 0.2, 0.3])
    assert even_grid(time_s)[1] == pytest.approx(10)
    np.testing.assert_allclose(
        to_even_grid(np.array([0.0, 1, 9, 2, 3]), time_s), [0, 1, 2, 3], atol=1e-9
    )


def test_windows_are_ten_seconds_or_none():
    assert trusted_windows(np.arange(250) / 25).tolist() == [True]
    # as written in ground_truth.txt
    assert trusted_windows(np.round(np.arange(300) / 30, 7)).tolist() == [True]
    assert trusted_windows(np.arange(249) / 25).tolist() == []


def test_a_network_that_says_the_same_of_everything_has_no_heart_rate():
    time_s = uneven_times(20, 25)
    result = evaluate_changes(np.full(len(time_s) - 1, 0.3), video_of_ppg(tone(72, time_s), time_s))
    assert np.isnan(result.predicted_bpm).all()
    assert np.isnan(result.snr_db).all()
    assert np.isnan(result.macc).all()
    with pytest.raises(ValueError, match="mean rate"):
        pool_metrics([result])


@pytest.mark.parametrize(("step_s", "spanned"), [(0.45, True), (0.55, False)])
def test_no_window_spans_a_gap_of_more_than_half_a_second(step_s, spanned):
    time_s = np.concatenate([np.arange(300) / 30, 299 / 30 + step_s + np.arange(300) / 30])
    before, *across = trusted_windows(time_s)
    assert before
    assert across == [spanned] * 10


@pytest.mark.parametrize("points", [-10, 10, -11, 11])
def test_the_lag_is_looked_for_up_to_half_a_second(points):
    trace = np.random.default_rng(0).normal(size=400)
    correlation, lag_s = best_lag(np.roll(trace, points), trace, 20.0)
    if abs(points) > 10:
        assert correlation < 0.3
    else:
        assert (correlation, lag_s) == (pytest.approx(1), points / 20)


def test_best_lag_has_the_right_sign():
    time_s = np.arange(500) / 25
    correlation, lag_s = best_lag(tone(50, time_s - 0.2), tone(50, time_s), 25)
    assert lag_s == pytest.approx(0.2)
    assert correlation == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("fps", [25.0, 30.0])
def test_every_pure_tone_is_read_within_a_twentieth(fps):
    time_s = np.arange(round(12 * fps)) / fps
    for bpm in np.arange(45.0, 180.1, 2.7):
        result = evaluate_pulse(tone(bpm, time_s), video_of_ppg(tone(bpm, time_s), time_s))
        np.testing.assert_allclose(result.predicted_bpm, bpm, atol=0.05)


def test_a_colour_method_reads_the_colours_at_their_own_times():
    time_s = uneven_times(30, 25)
    r = video_of_ppg(tone(72, time_s), time_s)
    r.colour[:] = 100 - tone(72, time_s)[:, None] * [0.3, 0.8, 0.5]
    for method in ("green", "chrom", "pos"):
        result = evaluate_pulse(colour_pulse(method, r), r)
        np.testing.assert_allclose(result.predicted_bpm, 72, atol=0.5)
        assert result.macc.min() > 0.95
