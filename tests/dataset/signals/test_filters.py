"""Known tones in, known rates out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.signals.filters import (
    HIGH_HZ,
    LEAST_FS_HZ,
    bandpass,
    filter_both_ways,
    heart_rate,
    highest_hz,
    min_samples,
    sliding_heart_rate,
    sliding_windows,
)


def tone(bpm, fs_hz, seconds, phase=0.0):
    return np.sin(2 * np.pi * bpm / 60 * np.arange(round(seconds * fs_hz)) / fs_hz + phase)


@settings(deadline=None, max_examples=200)
@given(
    bpm=st.floats(45, 180), phase=st.floats(0, 6.283),
    fs_hz=st.sampled_from([19.85, 25.0, 30.0, 100.0]), offset=st.floats(-1000, 1000),
    drift=st.floats(-5, 5), scale=st.floats(1e-3, 1e4),
)
def test_heart_rate_of_a_pure_tone(bpm, phase, fs_hz, offset, drift, scale):
    x = tone(bpm, fs_hz, 10, phase)
    x = scale * (x + offset + drift * np.linspace(0, 1, len(x)))
    assert heart_rate(x, fs_hz) == pytest.approx(bpm, abs=0.05)


@pytest.mark.parametrize("bpm", [45.03, 59.97, 71.96, 88.61, 120.44, 179.98])
def test_heart_rate_lies_between_the_points_of_the_spectrum(bpm):
    """They are 0.09 bpm apart: the nearest of them alone would be up to 0.045 off."""
    assert heart_rate(tone(bpm, 25, 10, phase=1.0), 25) == pytest.approx(bpm, abs=0.01)


def test_heart_rate_in_noise_and_drift():
    rng = np.random.default_rng(0)
    x = tone(66.6, 25, 10) + 0.5 * rng.standard_normal(250) + 20 * tone(6, 25, 10)
    assert heart_rate(x, 25) == pytest.approx(66.6, abs=1.0)


@pytest.mark.parametrize(("fs_hz", "bpm"), [(7.7, 219), (8.0, 228), (8.4, 240), (30.0, 240)])
def test_no_heart_of_240_bpm_looks_like_a_slower_one_that_is_told(fs_hz, bpm):
    assert 60 * highest_hz(fs_hz) == pytest.approx(bpm)
    assert fs_hz > LEAST_FS_HZ
    assert fs_hz - HIGH_HZ > highest_hz(fs_hz) - 1e-9 or highest_hz(fs_hz) == HIGH_HZ


def test_heart_rate_of_nothing_is_nan():
    assert np.isnan(heart_rate(np.full(250, 7.0), 25))


@pytest.mark.parametrize("f", [bandpass, heart_rate])
@pytest.mark.parametrize(
    ("x", "fs_hz"), [(np.full(250, np.nan), 25.0), (np.ones(10), 25.0), (np.ones(250), 7.9)],
    ids=["NaN", "short", "slow"],
)
def test_misuse_is_a_value_error(f, x, fs_hz):
    with pytest.raises(ValueError, match="expected"):
        f(x, fs_hz)


@settings(deadline=None, max_examples=50)
@given(bpm=st.floats(60, 160), phase=st.floats(0, 6.283), fs_hz=st.sampled_from([25.0, 30.0, 50.0]))
def test_bandpass_keeps_the_band_without_shift(bpm, phase, fs_hz):
    x = tone(bpm, fs_hz, 40, phase)
    y = bandpass(x + 500, fs_hz)
    middle = slice(round(10 * fs_hz), round(30 * fs_hz))
    assert abs(y.mean()) < 1e-9
    lags = np.arange(-3, 4)
    match = [np.dot(np.roll(x, lag)[middle], y[middle]) for lag in lags]
    assert lags[int(np.argmax(match))] == 0
    assert np.abs(y - x)[middle].max() < 0.05


@pytest.mark.parametrize(("bpm", "left"), [(6, 1e-4), (12, 2e-2), (600, 2e-2)])
def test_bandpass_removes_what_is_outside(bpm, left):
    y = bandpass(tone(bpm, 50, 60), 50.0)
    assert np.abs(y[750:-750]).max() < left


@settings(deadline=None, max_examples=50)
@given(a=st.floats(-10, 10), b=st.floats(-10, 10))
def test_bandpass_is_linear_and_the_same_both_ways(a, b):
    x, y = np.random.default_rng(0).standard_normal((2, 400))
    np.testing.assert_allclose(
        bandpass(a * x + b * y, 25), a * bandpass(x, 25) + b * bandpass(y, 25), atol=1e-9
    )
    np.testing.assert_allclose(
        bandpass(x[::-1], 25)[::-1][100:-100], bandpass(x, 25)[100:-100], atol=2e-3
    )


@given(length=st.integers(1, 20), step=st.integers(1, 10), size=st.integers(0, 60))
def test_windows_are_the_slices(length, step, size):
    x = np.arange(size * 2).reshape(size, 2)
    windows = sliding_windows(x, length, step=step)
    expected = [x[at : at + length] for at in range(0, size - length + 1, step)]
    assert windows.shape == (len(expected), length, 2)
    assert all((w == e).all() for w, e in zip(windows, expected, strict=True))


def test_sliding_heart_rate_follows_a_change():
    x = np.concatenate([tone(60, 25, 30), tone(90, 25, 30)])
    centres_s, bpm = sliding_heart_rate(x, 25.0)
    assert (centres_s[0], centres_s[1]) == (124.5 / 25, 149.5 / 25)
    assert bpm[0] == pytest.approx(60, abs=0.05)
    assert bpm[-1] == pytest.approx(90, abs=0.05)


def test_a_short_trace_has_one_rate():
    centres_s, bpm = sliding_heart_rate(tone(75, 25, 6), 25.0)
    assert len(centres_s) == 1
    assert bpm[0] == pytest.approx(75, abs=0.3)
    assert min_samples(25.0) == 72


@pytest.mark.parametrize(("count", "fs_hz", "low_hz", "high_hz", "order", "pad"), [
    pytest.param(300, 30.0, 0.7, 4.0, 3, 129, id="a window"),
    pytest.param(48, 30.0, 0.7, 4.0, 3, 47, id="a window of CHROM"),
    pytest.param(100, 8.5, 0.7, 4.0, 3, 36, id="seven frames a second and a half"),
    pytest.param(20_000, 1000.0, 0.7, 4.0, 3, 4286, id="a fast sensor"),
    pytest.param(3000, 100.0, 0.1, 10.0, 2, 2999, id="another band and order"),
])
def test_the_band_pass_is_that_of_scipy(count, fs_hz, low_hz, high_hz, order, pad):
    from scipy import signal

    walk = np.cumsum(np.random.default_rng(0).normal(size=(2, count)), axis=1)
    sections = signal.butter(order, (low_hz, high_hz), "bandpass", fs=fs_hz, output="sos")
    expected = signal.sosfiltfilt(sections, walk, padlen=pad)
    found = filter_both_ways(
        walk, fs_hz, low_hz=low_hz, high_hz=high_hz, order=order, pad=pad
    )
    assert found == pytest.approx(expected, abs=1e-9 * np.abs(expected).max())
