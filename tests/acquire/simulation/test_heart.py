"""The virtual heart: known rates in, beats and pulses out."""

import numpy as np
import pytest

from acquire.simulation.heart import Heart, PulseShape, SineBank, draw_pulses
from tests.support.spectra import spectral_rate


def heart(base_bpm, seed=3):
    rng = np.random.default_rng(seed)
    finger, face = draw_pulses(rng)
    return Heart(rng, base_bpm=base_bpm, finger=finger, face=face)


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


def test_a_pulse_arrives_after_the_beat_by_its_delay():
    """One narrow wave 0.1 s after a beat, 0.2 s on its way: highest 0.3 s after each beat."""
    def beating(delay_s):
        shape = PulseShape(delay_s=delay_s, waves=((1.0, 0.1, 0.03),))
        return Heart(np.random.default_rng(3), base_bpm=75, finger=shape, face=shape)

    t_s = np.arange(0, 60, 0.001)
    for delay_s in (0.0, 0.2):
        subject = beating(delay_s)
        wave = subject.face_pulse(t_s)
        beats = subject.beat_times(1, 58)
        after = [
            float(t_s[near][np.argmax(wave[near])]) - beat
            for beat in beats if (near := np.abs(t_s - beat - 0.3) < 0.31).any()
        ]
        assert np.median(after) == pytest.approx(delay_s + 0.1, abs=0.01)


def test_the_finger_pulses_after_the_heart_and_most_faces_before_it():
    rng = np.random.default_rng(0)
    pulses = [draw_pulses(rng) for _ in range(200)]
    fingers_s = [finger.delay_s for finger, _ in pulses]
    leads_s = np.array([finger.delay_s - face.delay_s for finger, face in pulses])
    assert 0.17 <= min(fingers_s) < max(fingers_s) <= 0.23
    assert leads_s.mean() == pytest.approx(0.087, abs=0.006)
    assert leads_s.std() == pytest.approx(0.028, abs=0.004)


def test_the_heart_is_faster_while_breathing_in():
    t_s = np.arange(0, 300, 0.1)
    for seed in range(4):
        subject = heart(66, seed)
        rate, breath = subject.heart_rate(t_s), subject.breath(t_s)
        assert np.corrcoef(rate, breath)[0, 1] > 0.2
        assert 2 < rate[breath > 0.9].mean() - rate[breath < -0.9].mean() < 12
