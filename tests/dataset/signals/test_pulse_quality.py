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
    NOISE_BELOW,
    POOR,
    beat_similarity,
    quality_of,
    read_pulse,
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
    assert np.percentile(noise, 95) < NOISE_BELOW
    assert beat_similarity(np.ones(250), 25.0) == 0.0


def test_only_what_lies_behind_a_long_gap_is_read():
    numbers = np.arange(250)
    bridged = numbers + np.where(numbers >= 100, 10, 0)
    whole, across = read_pulse(numbers, tone(25.0, 72.0), 25.0), None
    assert whole is not None
    assert whole.quality == GOOD
    assert whole.hr_bpm == pytest.approx(72.0, abs=0.5)
    across = read_pulse(bridged, np.interp(bridged, np.arange(300), tone(25.0, 72.0, 12)), 25.0)
    assert across is not None
    assert across.hr_bpm == pytest.approx(72.0, abs=1.0)
    assert read_pulse(numbers + np.where(numbers >= 200, 30, 0), tone(25.0, 72.0), 25.0) is None


def test_one_set_of_limits_serves_live_and_graded_recordings():
    assert NOISE_BELOW < FAIR_FROM < GOOD_FROM
    assert [quality_of(r) for r in (FAIR_FROM - 0.01, FAIR_FROM, GOOD_FROM)] == [POOR, FAIR, GOOD]
    assert read_limits()["ppg_periodicity"] == GOOD_FROM
