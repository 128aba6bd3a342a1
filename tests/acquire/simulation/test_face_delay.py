"""How far the face's pulse is before the finger's: drawn for each person, seen in the pictures."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from acquire.simulation.heart import bounded_normal
from acquire.simulation.motion import Activity
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.signals.filters import bandpass
from tests.support.pulse_landmarks import face_behind_finger_ms
from tests.support.rendered import rgb_of, skin_of

PUBLISHED_FOOT_MS, PUBLISHED_PEAK_MS = -66.0, -39.0     # ear to thumb: Allen and Murray 2000
PEOPLE = 60


@pytest.fixture(scope="module")
def people_ms():
    """Foot and peak of usual people."""
    return np.array([
        face_behind_finger_ms(VirtualSubject(f"S{n:02d}", seed=4)) for n in range(PEOPLE)
    ])


def test_foot_and_peak_of_the_face_lead_the_finger_as_published(people_ms):
    error_ms = 3 * 32 / np.sqrt(PEOPLE)
    foot_ms, peak_ms = people_ms.mean(axis=0)
    assert foot_ms == pytest.approx(PUBLISHED_FOOT_MS, abs=error_ms)
    assert peak_ms == pytest.approx(PUBLISHED_PEAK_MS, abs=error_ms)
    assert peak_ms - foot_ms == pytest.approx(PUBLISHED_PEAK_MS - PUBLISHED_FOOT_MS, abs=6)


def test_people_differ_and_some_faces_are_behind(people_ms):
    assert np.all((people_ms.std(axis=0) > 24) & (people_ms.std(axis=0) < 40))
    assert 0.02 < (people_ms[:, 1] > 0).mean() < 0.25
    assert people_ms.min() > -200
    assert people_ms.max() < 120


def test_foot_and_peak_in_rendered_faces_are_those_of_the_blood():
    """A face that keeps still, 50 frames a second: the skin is darkest where blood is most."""
    still = Activity(motion=0.0, speech=0.0, turns_per_min=0.0, light=0.0, flicker=0.0)
    subject = VirtualSubject("S05", seed=4, activity=still)
    where = skin_of(subject)
    frame_s = np.arange(5.0, 12.0, 0.02)
    green = [rgb_of(subject.frame(t, number), where)[1] for number, t in enumerate(frame_s)]
    t_s = np.arange(5.0, 11.9, 0.005)
    darkness = bandpass(CubicSpline(frame_s, -np.array(green))(t_s), 200.0, high_hz=10.0)
    seen_ms = face_behind_finger_ms(subject, darkness, t_s)
    assert seen_ms == pytest.approx(face_behind_finger_ms(subject), abs=15)


def test_a_person_of_the_varied_world_keeps_the_delay_but_for_some_milliseconds_a_day():
    """Its face rises more slowly; foot and peak are each within 40 ms of the published."""
    of_people, days_ms = [], []
    for number in range(40):
        name = f"S{number:02d}"
        worlds = [draw_world(name, seed=3, session=day) for day in range(3)]
        hearts = [VirtualSubject(name, seed=3, world=world).heart for world in worlds]
        leads_ms = [1e3 * (heart.finger.delay_s - heart.face.delay_s) for heart in hearts]
        days_ms.append(np.std(leads_ms, ddof=1))
        if 45 < worlds[0].heart.base_bpm < 110:
            of_people.append(face_behind_finger_ms(VirtualSubject(name, seed=3, world=worlds[0])))
    assert np.sqrt(np.mean(np.square(days_ms))) == pytest.approx(9, abs=2)
    foot_ms, peak_ms = np.mean(of_people, axis=0)
    assert foot_ms == pytest.approx(PUBLISHED_FOOT_MS - 25, abs=20)
    assert peak_ms == pytest.approx(PUBLISHED_PEAK_MS + 25, abs=20)
    assert peak_ms < 0


def test_a_bounded_normal_number_has_the_mean_and_the_spread_it_was_given():
    rng = np.random.default_rng(0)
    drawn = np.array([bounded_normal(rng, 5.0, 2.0) for _ in range(4000)])
    assert drawn.mean() == pytest.approx(5.0, abs=0.1)
    assert drawn.std() == pytest.approx(2.0, abs=0.1)
    assert np.abs(drawn - 5.0).max() <= 6.0
