import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from acquire.simulation.camera_pipeline import Developer, Film
from acquire.simulation.sessions import SimulatedSession, write_session
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.session.reader import Session
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.pos import pos


def films(subject, times_s, film, fps):
    with Developer(film, fps=fps) as developer:
        return [developer.develop(subject.frame(float(t), n)) for n, t in enumerate(times_s)]


def test_the_same_seed_is_the_same_world():
    assert draw_world("S01", seed=3, session=1) == draw_world("S01", seed=3, session=1)
    drawn = {
        draw_world(f"S{n:02d}", seed=s, session=d)
        for n in range(4)
        for s in range(3)
        for d in range(3)
    }
    assert len(drawn) == 36


def test_a_plain_film_changes_nothing():
    frame = VirtualSubject("S01").frame(1.0, 0)
    with Developer(Film(), fps=25.0) as developer:
        developed = developer.develop(frame)
    inside = slice(16, 236)  # video range; what lies beside it is clipped
    same = (
        developed[(frame >= inside.start) & (frame < inside.stop)]
        == frame[(frame >= inside.start) & (frame < inside.stop)]
    )
    assert same.all()


@pytest.mark.parametrize(("codec", "fine", "coarse"), [("mjpeg", 2, 20), ("h264", 12, 35)])
def test_compression_costs_what_its_quality_says(codec, fine, coarse):
    subject = VirtualSubject("S01")
    times_s = 1.0 + np.arange(6) / 25
    plain = np.array(films(subject, times_s, Film(), 25.0), dtype=float)
    errors = []
    for quality in (fine, coarse):
        developed = np.array(
            films(subject, times_s, Film(codec=codec, quality=quality), 25.0), dtype=float
        )
        assert developed.shape == plain.shape
        errors.append(float(np.sqrt(np.mean((developed - plain) ** 2))))
    assert 0.1 < errors[0] < 3.0 < 8.0
    assert errors[1] > 1.15 * errors[0]


def test_denoising_quietens_and_sharpening_does_not():
    subject = VirtualSubject("S01", world=replace(draw_world("S01", seed=0, session=0)))
    times_s = np.full(12, 1.0)  # the same instant again and again: what differs is noise

    def noise(film):
        return (
            np.array(films(subject, times_s, film, 25.0)[6:], dtype=float)[:, 20:100, 20:100]
            .std(axis=0)
            .mean()
        )

    assert noise(Film(denoise=0.6)) < 0.7 * noise(Film())
    assert noise(Film(sharpen=1.0)) > noise(Film())


def test_the_pulse_is_in_the_varied_worlds():
    read = 0
    for number in range(1, 5):
        name = f"S{number:02d}"
        world = draw_world(name, seed=7, session=0)
        subject = VirtualSubject(name, seed=7, world=world)
        times_s = 2.0 + np.arange(220) / 20
        top, left = round(subject.traits.looks.center[1]), round(subject.traits.looks.center[0])
        reach = round(45 * subject.traits.looks.scale)
        colours = []
        for frame in films(subject, times_s, world.film, 20.0):
            skin = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420)[
                max(top - reach, 0) : top + reach, left - reach : left + reach
            ]
            colours.append(skin.reshape(-1, 3).mean(axis=0))
        found = heart_rate(bandpass(pos(np.array(colours), 20.0), 20.0), 20.0)
        read += abs(found - float(subject.heart_rate(times_s).mean())) < 4.0
    assert read >= 3       # not all: some of these rooms are meant to be hard


def test_a_session_says_what_world_it_was_filmed_in(tmp_path):
    plan = SimulatedSession(
        subject="S01", session=0, seed=5, duration_s=1.2, fps=25.0, world="varied"
    )
    with Session(write_session(plan, tmp_path)) as session:
        assert session.simulated
        said = [event.text for event in session.events if event.kind == "world"]
    found = {name: value for one in said for name, value in json.loads(one).items()}
    assert found == draw_world("S01", seed=5, session=0).parameters()


def test_a_world_that_is_not_asked_for_changes_nothing():
    assert np.array_equal(
        VirtualSubject("S02").frame(3.0, 7), VirtualSubject("S02", world=None).frame(3.0, 7)
    )
