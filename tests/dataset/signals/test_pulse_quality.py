"""How similar neighbouring beats are, of pulses with a known truth."""

import numpy as np
import pytest

from dataset.quality.limits import read_limits
from dataset.signals.filters import bandpass
from dataset.signals.pulse_quality import (
    FAIR,
    FAIR_FROM,
    GOOD,
    GOOD_FROM,
    POOR,
    _after_last_gap,
    beat_similarity,
    quality_of,
    read_finger,
)


def tone(fs_hz, bpm, seconds=10):
    return np.sin(2 * np.pi * bpm / 60 * np.arange(round(seconds * fs_hz)) / fs_hz)


@pytest.mark.parametrize("fs_hz", [25.0, 30.0, 125.0])
@pytest.mark.parametrize("bpm", [45.0, 72.0, 150.0])
def test_the_beats_of_a_tone_are_equal(fs_hz, bpm):
    assert 0.97 < beat_similarity(tone(fs_hz, bpm), fs_hz) <= 1.0 + 1e-9


@pytest.mark.parametrize("fs_hz", [25.0, 125.0])
def test_the_similarity_is_the_correlation_with_the_trace_one_beat_later(fs_hz):
    trace = bandpass(
        tone(fs_hz, 60.0) + np.random.default_rng(1).normal(0, 0.7, round(10 * fs_hz)), fs_hz
    )
    by_hand = []
    for lag in range(round(0.3 * fs_hz), round(1.5 * fs_hz)):
        a, b = trace[lag:], trace[:-lag]
        by_hand.append(float(a @ b) / np.sqrt((a @ a) * (b @ b)))
    assert beat_similarity(trace, fs_hz) == pytest.approx(max(by_hand), abs=1e-3)


def test_noise_stays_below_a_reading_and_a_flat_trace_has_no_beats():
    rng = np.random.default_rng(0)
    noise = [beat_similarity(bandpass(rng.normal(size=250), 25.0), 25.0) for _ in range(100)]
    assert np.percentile(noise, 95) < 0.4
    assert beat_similarity(np.ones(250), 25.0) == 0.0


def test_only_what_lies_behind_a_long_gap_is_read():
    numbers = np.arange(250)
    bridged = numbers + np.where(numbers >= 100, 10, 0)
    whole = read_finger(numbers, tone(25.0, 72.0), 25.0)
    assert whole is not None
    assert whole.quality == GOOD
    assert whole.similarity == beat_similarity(bandpass(tone(25.0, 72.0), 25.0), 25.0)
    assert whole.hr_bpm == pytest.approx(72.0, abs=0.5)
    across = read_finger(bridged, np.interp(bridged, np.arange(300), tone(25.0, 72.0, 12)), 25.0)
    assert across is not None
    assert across.hr_bpm == pytest.approx(72.0, abs=1.0)
    assert read_finger(numbers + np.where(numbers >= 200, 30, 0), tone(25.0, 72.0), 25.0) is None


def test_one_set_of_limits_serves_live_and_graded_recordings():
    assert 0.4 < FAIR_FROM < GOOD_FROM
    assert [quality_of(r) for r in (FAIR_FROM - 0.01, FAIR_FROM, GOOD_FROM)] == [POOR, FAIR, GOOD]
    assert read_limits()["ppg_periodicity"] == GOOD_FROM


def test_a_finger_has_a_rate_below_the_band_of_faces_and_none_of_noise():
    numbers = np.arange(750)
    slow = read_finger(numbers, tone(25.0, 36.0, 30), 25.0)
    assert slow is not None
    assert (slow.rate_text, slow.quality) == ("36 bpm", GOOD)
    noise = read_finger(numbers, np.random.default_rng(0).normal(size=750), 25.0)
    assert noise is not None
    assert (noise.rate_text, noise.quality) == ("rate cannot be told", POOR)


def test_a_gap_of_half_a_second_is_bridged_by_a_line_and_a_longer_one_is_not():
    value = np.random.default_rng(0).normal(size=100)
    after_13 = np.concatenate([np.arange(7), np.arange(100) + 19])
    np.testing.assert_array_equal(
        _after_last_gap(after_13, np.append(np.zeros(7), value), 25.0), value
    )
    after_12 = np.concatenate([np.arange(90), np.arange(10) + 101])      # 12 at 24 Hz: 0.5 s
    even = _after_last_gap(after_12, value, 24.0)
    np.testing.assert_allclose(even[90:101], np.linspace(value[89], value[90], 13)[1:-1])
    np.testing.assert_array_equal(even[[*range(90), *range(101, 111)]], value)


def test_four_seconds_are_read_and_a_sample_less_is_not():
    value = np.arange(200.0) % 2
    assert _after_last_gap(np.arange(100) + 50, value[:100], 25.0) is not None
    assert _after_last_gap(np.arange(99) + 50, value[:99], 25.0) is None
    assert _after_last_gap(np.arange(100), np.ones(100), 25.0) is None
    assert _after_last_gap(np.arange(0), value[:0], 25.0) is None


@pytest.mark.parametrize(
    ("after_s", "is_a_beat"), [(0.12, False), (0.3, True), (1.9, True), (2.2, False)]
)
def test_only_what_comes_back_after_the_time_of_a_beat_counts(after_s, is_a_beat):
    noise = np.random.default_rng(0).normal(size=5000)
    trace = noise + np.roll(noise, round(50 * after_s))
    found = beat_similarity(trace, 50.0)
    assert found == (pytest.approx(0.5, abs=0.03) if is_a_beat else pytest.approx(0, abs=0.1))
    assert beat_similarity(1e-4 * trace, 50.0) == pytest.approx(found, abs=1e-6)


def test_a_trace_that_only_rises_has_no_beats():
    assert beat_similarity(np.arange(100.0), 25.0) == 0.0
