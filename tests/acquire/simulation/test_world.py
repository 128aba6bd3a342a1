"""The varied world: drawn from a seed, recorded, and not without a pulse."""

import json

import cv2
import numpy as np

from acquire.simulation.sessions import SimulatedSession, simulate_session
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.session.reader import Session
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.pos import pos
from tests.support.processed_frames import processed_frames


def test_the_same_seed_is_the_same_world():
    assert draw_world("S01", seed=3, session=1) == draw_world("S01", seed=3, session=1)
    drawn = {
        draw_world(f"S{n:02d}", seed=s, session=d)
        for n in range(4)
        for s in range(3)
        for d in range(3)
    }
    assert len(drawn) == 36


def test_the_pulse_is_in_the_varied_worlds():
    read = 0
    for number in range(1, 5):
        name = f"S{number:02d}"
        world = draw_world(name, seed=7, session=0)
        subject = VirtualSubject(name, seed=7, world=world)
        times_s = 2.0 + np.arange(220) / 20
        appearance = subject.traits.appearance
        left, top = (round(place) for place in appearance.head_center)
        reach = round(45 * appearance.scale)
        colours = []
        for frame in processed_frames(subject, times_s, world.processing, 20.0):
            skin = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420)[
                max(top - reach, 0) : top + reach, left - reach : left + reach
            ]
            colours.append(skin.reshape(-1, 3).mean(axis=0))
        estimated = heart_rate(bandpass(pos(np.array(colours), 20.0), 20.0), 20.0)
        read += abs(estimated - float(subject.heart_rate(times_s).mean())) < 4.0
    assert read >= 3       # not all: some of these rooms are meant to be hard


def test_a_session_records_the_world_it_was_filmed_in(tmp_path):
    plan = SimulatedSession(
        subject="S01", session=0, seed=5, duration_s=1.2, fps=25.0, world="varied"
    )
    with Session(simulate_session(plan, tmp_path)) as session:
        assert session.simulated
        texts = [event.text for event in session.events if event.kind == "world"]
    recorded = {name: value for text in texts for name, value in json.loads(text).items()}
    assert recorded == draw_world("S01", seed=5, session=0).parameters()
    assert set(recorded["film"]) >= {"gamma", "warm", "codec"}       # names as they ever were


def test_a_world_that_is_not_asked_for_changes_nothing():
    assert np.array_equal(
        VirtualSubject("S02").frame(3.0, 7), VirtualSubject("S02", world=None).frame(3.0, 7)
    )
