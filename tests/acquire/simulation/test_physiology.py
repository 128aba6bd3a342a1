"""Heart rates of varied sessions: even over people, plausible over one person's days."""

import numpy as np
import pytest

from acquire.simulation.heart import Heart, draw_pulses
from acquire.simulation.physiology import Physiology
from acquire.simulation.world import draw_world


def rates(session, people=284):
    worlds = [draw_world(f"S{n:03d}", seed=4, session=session) for n in range(people)]
    return np.array([world.heart.base_bpm for world in worlds]), worlds


@pytest.mark.parametrize("session", [0, 3])
def test_rates_are_even_from_38_to_180_and_in_every_type_of_skin(session):
    bpm, worlds = rates(session)
    assert bpm.min() < 41
    assert bpm.max() > 177
    even = (np.arange(len(bpm)) + 0.5) / len(bpm)
    assert np.abs((np.sort(bpm) - 38) / 142 - even).max() < 0.06
    for name in ("I", "II", "III", "IV", "V", "VI"):
        of_type = bpm[[world.skin.type == name for world in worlds]]
        assert len(of_type) == pytest.approx(len(bpm) / 6, abs=4)
        assert of_type.mean() == pytest.approx(109, abs=12)


def test_a_person_has_one_resting_rate_and_days_that_differ():
    for number in range(12):
        hearts = [draw_world(f"S{number:02d}", seed=1, session=day).heart for day in range(8)]
        resting_bpm = hearts[0].resting_bpm
        assert {heart.resting_bpm for heart in hearts} == {resting_bpm}
        assert 38 <= resting_bpm <= 100
        assert len({heart.base_bpm for heart in hearts}) == 8
        for heart in hearts:
            assert heart.base_bpm > 99 or abs(heart.base_bpm - resting_bpm) < 12


@pytest.mark.parametrize("base_bpm", [38.0, 110.0, 180.0])
def test_finger_and_face_beat_at_the_drawn_rate_and_breathe(base_bpm):
    physiology = Physiology(
        base_bpm=base_bpm, resting_bpm=60.0, breath_hz=0.3, rsa_bpm=2.0, breath_height=0.1,
        breath_baseline=0.3, face_drift=0.0,
    )
    rng = np.random.default_rng(5)
    finger, face = draw_pulses(rng)
    heart = Heart(
        rng, base_bpm=base_bpm, finger=finger, face=face, physiology=physiology)
    t_s = np.arange(0, 60, 0.02)
    truth = heart.heart_rate(t_s).mean()
    assert truth == pytest.approx(base_bpm, abs=8)
    assert 60 * len(heart.beat_times(0, 60)) / 60 == pytest.approx(truth, abs=2)
    wave = heart.face_pulse(t_s)
    breath = heart.breath(t_s)
    pulse = wave - physiology.breath_baseline * breath
    spectrum = np.abs(np.fft.rfft((pulse - pulse.mean()) * np.hanning(len(pulse)), 2**15))
    hz = np.fft.rfftfreq(2**15, 0.02)
    assert 60 * hz[np.argmax(spectrum * (hz > 0.5))] == pytest.approx(truth, abs=4)
    assert 2 * (wave * breath).mean() == pytest.approx(0.3, abs=0.08)
