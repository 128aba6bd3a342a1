import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from acquire.simulation.rendering.camera_pipeline import CameraPipeline, CameraProcessing
from acquire.simulation.sessions import SimulatedSession, write_session
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.session.reader import Session
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.pos import pos


def processed_frames(subject, times_s, processing, fps):
    with CameraPipeline(processing, fps=fps) as pipeline:
        return [pipeline.process(subject.frame(float(t), n)) for n, t in enumerate(times_s)]


def test_the_same_seed_is_the_same_world():
    assert draw_world("S01", seed=3, session=1) == draw_world("S01", seed=3, session=1)
    drawn = {
        draw_world(f"S{n:02d}", seed=s, session=d)
        for n in range(4)
        for s in range(3)
        for d in range(3)
    }
    assert len(drawn) == 36


def test_a_plain_pipeline_changes_nothing():
    frame = VirtualSubject("S01").frame(1.0, 0)
    with CameraPipeline(CameraProcessing(), fps=25.0) as pipeline:
        processed = pipeline.process(frame)
    inside = slice(16, 236)  # video range; what lies beside it is clipped
    is_inside = (frame >= inside.start) & (frame < inside.stop)
    assert (processed[is_inside] == frame[is_inside]).all()


@pytest.mark.parametrize(("codec", "fine", "coarse"), [("mjpeg", 2, 20), ("h264", 12, 35)])
def test_compression_costs_what_its_quality_says(codec, fine, coarse):
    subject = VirtualSubject("S01")
    times_s = 1.0 + np.arange(6) / 25
    plain = np.array(processed_frames(subject, times_s, CameraProcessing(), 25.0), dtype=float)
    errors = []
    for quality in (fine, coarse):
        processing = CameraProcessing(codec=codec, quality=quality)
        coded = np.array(processed_frames(subject, times_s, processing, 25.0), dtype=float)
        assert coded.shape == plain.shape
        errors.append(float(np.sqrt(np.mean((coded - plain) ** 2))))
    assert 0.1 < errors[0] < 3.0 < 8.0
    assert errors[1] > 1.15 * errors[0]


def test_denoising_quietens_and_sharpening_does_not():
    subject = VirtualSubject("S01", world=replace(draw_world("S01", seed=0, session=0)))
    times_s = np.full(12, 1.0)  # the same instant again and again: what differs is noise

    def noise(processing):
        frames = np.array(processed_frames(subject, times_s, processing, 25.0)[6:], dtype=float)
        return frames[:, 20:100, 20:100].std(axis=0).mean()

    assert noise(CameraProcessing(denoise=0.6)) < 0.7 * noise(CameraProcessing())
    assert noise(CameraProcessing(sharpen=1.0)) > noise(CameraProcessing())


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


def test_a_session_says_what_world_it_was_filmed_in(tmp_path):
    plan = SimulatedSession(
        subject="S01", session=0, seed=5, duration_s=1.2, fps=25.0, world="varied"
    )
    with Session(write_session(plan, tmp_path)) as session:
        assert session.simulated
        texts = [event.text for event in session.events if event.kind == "world"]
    recorded = {name: value for text in texts for name, value in json.loads(text).items()}
    assert recorded == draw_world("S01", seed=5, session=0).parameters()
    assert set(recorded["film"]) >= {"gamma", "warm", "codec"}       # names as they ever were


def test_a_world_that_is_not_asked_for_changes_nothing():
    assert np.array_equal(
        VirtualSubject("S02").frame(3.0, 7), VirtualSubject("S02", world=None).frame(3.0, 7)
    )
