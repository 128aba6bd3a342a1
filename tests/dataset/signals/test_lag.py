"""The lag between two pulses that were shifted by a known time."""

import numpy as np
import pytest

from dataset.signals.lag import GRID_HZ, MAX_LAG_S, PulseWave, correlate, face_pulse, finger_pulse

SPANS_S = [(float(at), at + 10.0) for at in range(1, 50, 5)]
FPS = 30.0


def heart(t_s, second=0.4):
    """A pulse whose rate changes, as a person's does, and with a second harmonic."""
    phase = 2 * np.pi * (1.2 * t_s + 0.3 * np.sin(2 * np.pi * 0.05 * t_s))
    return np.sin(phase) + second * np.sin(2 * phase + 0.5)


def uneven(rate_hz, seed):
    times = np.arange(0, 60, 1 / rate_hz)
    return times + np.random.default_rng(seed).uniform(-0.004, 0.004, len(times))


@pytest.mark.parametrize("lag_s", [-0.2, -0.0123, 0.0, 0.09, 0.3])
def test_the_lag_of_a_face_of_many_patches_behind_a_finger(lag_s):
    t_s, finger_s = uneven(FPS, 1), uneven(25.0, 2)
    rng = np.random.default_rng(3)
    depth = np.array([0.5, 1.0, 0.8]) * 1e-2           # blood darkens skin, green most
    patches = 120 * (1 - heart(t_s - lag_s)[:, None, None] * depth)
    patches = np.repeat(patches, 9, axis=1) + rng.normal(0, 0.2, (len(t_s), 9, 3))
    face = face_pulse(patches, t_s, fps=FPS)
    finger = finger_pulse(heart(finger_s), finger_s)
    assert face is not None
    assert finger is not None
    lag = correlate(face, finger, SPANS_S).lag()
    assert lag is not None
    assert lag.lag_s == pytest.approx(lag_s, abs=0.004)
    assert lag.error_s < 0.004
    assert lag.r > 0.9
    assert lag.windows == len(SPANS_S)


def test_a_shift_of_one_stream_moves_the_lag_by_just_that():
    t_s = uneven(25.0, 1)
    finger, face = finger_pulse(heart(t_s), t_s), finger_pulse(heart(t_s, 0.1), t_s)
    later = PulseWave(face.first_s + 13 / GRID_HZ, face.values)
    before, after = (correlate(wave, finger, SPANS_S).lag() for wave in (face, later))
    assert after.lag_s - before.lag_s == pytest.approx(13 / GRID_HZ, abs=1e-3)


def test_noise_and_a_flat_pulse_have_no_lag():
    t_s = np.arange(0, 60, 1 / GRID_HZ)
    finger, flat = PulseWave(0.0, heart(t_s)), PulseWave(0.0, np.zeros(len(t_s)))
    correlations = correlate(flat, finger, SPANS_S)
    assert correlations.lag() is None
    assert not correlations.is_beyond
    short = correlate(finger, finger, [(0.0, 2 * MAX_LAG_S)])
    assert short.r.shape[0] == 0
    assert short.lag() is None


def test_a_window_that_begins_before_a_pulse_is_left_out():
    t_s = np.arange(0, 60, 1 / GRID_HZ)
    wave, later = PulseWave(0.0, heart(t_s)), PulseWave(2.0, heart(t_s + 2.0))
    correlations = correlate(later, wave, SPANS_S)
    assert correlations.spans_s.tolist() == [list(span) for span in SPANS_S[1:]]
    assert correlations.lag().lag_s == pytest.approx(0.0, abs=1e-4)


def test_one_window_has_a_lag_and_no_error():
    wave = PulseWave(0.0, heart(np.arange(0, 60, 1 / GRID_HZ)))
    lag = correlate(wave, wave, SPANS_S).lag(np.array([3]))
    assert lag is not None
    assert (lag.lag_s, lag.windows, lag.error_s) == (pytest.approx(0.0, abs=1e-4), 1, np.inf)


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_what_is_too_short_is_no_pulse(count):
    t_s = np.arange(count) / FPS
    assert finger_pulse(np.sin(t_s), t_s) is None
    assert face_pulse(np.full((count, 4, 3), 100.0), t_s, fps=FPS) is None
