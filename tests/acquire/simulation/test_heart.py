"""The virtual heart: known rates in, beats and pulses out."""

import numpy as np
import pytest

from acquire.simulation.heart import Heart, SineBank, draw_face_pulse, draw_finger_pulse
from tests.support.spectra import spectral_rate


def heart(base_bpm, seed=3):
    rng = np.random.default_rng(seed)
    return Heart(rng, base_bpm=base_bpm, finger=draw_finger_pulse(rng), face=draw_face_pulse(rng))


@pytest.mark.parametrize("base_bpm", [52, 75, 110])
def test_the_ppg_beats_at_the_true_rate(base_bpm):
    subject = heart(base_bpm)
    for start_s in range(0, 120, 20):
        t_s = np.arange(start_s, start_s + 20, 0.02)
        truth = subject.heart_rate(t_s).mean()
        assert spectral_rate(subject.ppg(t_s), 50) == pytest.approx(truth, abs=2.5)
        assert spectral_rate(subject.face_pulse(t_s), 50) == pytest.approx(truth, abs=2.5)
        beats = subject.beat_times(start_s, start_s + 20)
        assert 60 / np.diff(beats).mean() == pytest.approx(truth, abs=1.5)


def test_intervals_vary_as_in_rest_and_the_rate_moves_within_a_minute():
    subject = heart(72)
    beats = subject.beat_times(0, 300)
    rmssd_ms = 1e3 * np.sqrt(np.mean(np.diff(beats, 2) ** 2))
    assert 10 < rmssd_ms < 100
    smooth = subject.heart_rate(np.arange(0, 300, 0.25)).reshape(-1, 40).mean(axis=1)  # 10 s means
    assert 4 < np.ptp(smooth) < 30


def test_drowsiness_lowers_the_rate_and_raises_its_variability():
    subject = heart(80)
    early, late = np.arange(0, 300, 0.1), np.arange(3300, 3600, 0.1)
    assert subject.drowsiness(0.0) < 0.05 < 0.9 < subject.drowsiness(3600.0)
    assert subject.heart_rate(late).mean() < subject.heart_rate(early).mean() - 3
    fast = [np.diff(subject.heart_rate(t)).std() for t in (early, late)]
    assert fast[1] > 1.3 * fast[0]


def test_asking_later_first_changes_nothing():
    forwards, backwards = heart(66), heart(66)
    backwards.beat_times(2500, 2600)
    assert np.array_equal(forwards.beat_times(0, 60), backwards.beat_times(0, 60))
    assert np.array_equal(forwards.beat_times(2500, 2600), backwards.beat_times(2500, 2600))
    assert np.isfinite(forwards.ppg(np.array([-500.0, -30.0, 3599.9]))).all()


def test_a_sine_bank_has_the_rms_it_was_given():
    bank = SineBank(np.random.default_rng(0), {"a": (0.5, 5.0, 2.0), "b": (0.1, 1.0, 0.1)})
    t_s = np.arange(0, 2000, 0.1)
    assert bank.series("a", t_s).std() == pytest.approx(2.0, rel=0.1)
    assert bank.at(12.3) == pytest.approx([bank.series(k, np.array([12.3]))[0] for k in "ab"])
