"""The varied world: drawn from a seed, recorded, and not without a pulse."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from acquire.simulation.motion import Activity, Scene
from acquire.simulation.rendering.camera_pipeline import CameraProcessing
from acquire.simulation.rendering.exposure import ImageSensor
from acquire.simulation.sessions import SimulatedSession, simulate_session
from acquire.simulation.subject import PX_PER_MM, VirtualSubject
from acquire.simulation.world import WEAKEST_AC_DC, draw_world
from dataset.session.reader import Session
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.pos import pos
from tests.support.rendered import rgb_of, skin_of

STILL = Scene(*[0.0] * 14)
USUAL_LUMA = [
    [114.36, 115.80, 117.50, 130.36, 157.53, 139.56, 123.48, 125.01],
    [114.38, 115.44, 115.81, 78.41, 102.47, 139.15, 123.21, 124.29],
    [114.34, 115.45, 104.30, 76.44, 60.13, 132.95, 123.43, 124.88],
    [113.11, 115.32, 105.92, 105.32, 102.49, 120.84, 123.20, 124.48],
    [113.64, 99.01, 94.45, 42.02, 67.78, 121.15, 122.43, 124.18],
    [112.90, 136.02, 131.77, 61.53, 76.80, 132.27, 122.36, 124.18],
]
USUAL_PPG = [-0.43655531, -0.43274923, -0.31817691]
USUAL_FACE = [0.06108774, -0.39188581, 0.03574905]     # before the finger, as published


def test_the_same_seed_is_the_same_world():
    assert draw_world("S01", seed=3, session=1) == draw_world("S01", seed=3, session=1)
    drawn = {
        draw_world(f"S{n:02d}", seed=s, session=d)
        for n in range(4)
        for s in range(3)
        for d in range(3)
    }
    assert len(drawn) == 36


def still(subject):
    """Render the subject at rest, without flicker: pictures for a pulse and a frame number."""
    renderer = subject.renderer
    dark_lamps = np.zeros(len(renderer.light.row_delays_s))
    return lambda pulse, number, scene=STILL: renderer.render(
        scene, (pulse, pulse), dark_lamps, number
    )


@pytest.mark.parametrize("name", ["S03", "S04", "S11"], ids=["weak", "dark skin", "darkest skin"])
def test_the_pulse_drawn_is_the_one_in_the_pictures(name):
    """Colour, strength and weakness: what was drawn is measured in frames, without the noise."""
    world = draw_world(name, seed=5, session=0)
    quiet = ImageSensor(full_well_electrons=60_000.0, read_noise_electrons=3.0)
    if name == "S03":
        world = replace(world, pulse_ratio=WEAKEST_AC_DC / world.green_ac_dc)
    subject = VirtualSubject(name, seed=5, world=replace(world, sensor=quiet))
    picture, where = still(subject), skin_of(subject)
    blood = 6.0 if name == "S03" else 3.0
    empty, full = (
        np.mean([rgb_of(picture(pulse, n), where) for n in range(3)], axis=0)
        for pulse in (-blood, blood)
    )
    ac_dc = (empty - full) / (2 * blood) / ((empty + full) / 2)
    drawn = np.array(world.perfusion.rgb)
    assert ac_dc / np.linalg.norm(ac_dc) == pytest.approx(drawn, abs=0.06)
    box = subject.renderer.layers.box
    height = subject.renderer.layers.perfusion[: box.height]
    inside = where[box.top :, box.left : box.left + box.width]
    expected = world.green_ac_dc * world.pulse_ratio * height[inside].mean()
    assert ac_dc[1] == pytest.approx(expected, rel=0.15)
    if name == "S03":
        assert 0.0007 < ac_dc[1] < 0.0014          # 0.1 % of green


def test_pulses_reach_from_a_tenth_of_a_percent_up_and_dark_skin_has_the_weaker_ones():
    worlds = [draw_world(f"S{n:03d}", seed=2, session=0) for n in range(240)]
    heights = np.array([world.green_ac_dc * world.pulse_ratio for world in worlds])
    assert 0.0015 <= heights.min() < 0.0017
    assert heights.max() > 0.018
    for low, high in pairwise((0.0015, 0.003, 0.006)):          # as many weak ones as strong
        assert ((heights > low) & (heights < high)).mean() > 0.2
    by_type = [
        np.median([w.green_ac_dc for w in worlds if w.skin.type == name])
        for name in ("I", "II", "III", "IV", "V", "VI")
    ]
    assert np.all(np.diff(by_type) < 0)
    assert 0.4 < by_type[-1] / by_type[0] < 0.7
    colours = np.array([world.perfusion.rgb for world in worlds])
    assert colours.std(axis=0).min() > 0.03         # not one vector, as POS and CHROM assume


def test_the_head_recoils_with_each_beat_by_as_much_as_was_drawn():
    activity = Activity(
        motion=0.0, speech=0.0, turns_per_min=0.0, light=0.0, flicker=0.0, recoil_mm=1.0
    )
    world = replace(draw_world("S02", seed=5, session=0), activity=activity)
    subject = VirtualSubject("S02", seed=5, world=world)
    t_s = np.arange(2.0, 6.0, 0.01)
    up_px = -np.array([subject.behaviour.at(t).y_px for t in t_s])
    up_px -= 0.4 * subject.heart.breath(t_s)
    expected_px = 1.0 * PX_PER_MM * subject.traits.appearance.scale
    assert np.ptp(up_px) == pytest.approx(expected_px, rel=0.2)
    beats = subject.beat_times(2.2, 5.5)
    highest = [t_s[(t_s >= b) & (t_s < b + 0.3)][np.argmax(up_px[(t_s >= b) & (t_s < b + 0.3)])] - b
               for b in beats]
    assert np.std(highest) < 0.02
    picture = still(subject)
    box = np.s_[60:260, 200:400]
    low, high = (
        np.mean([picture(0.0, n, replace(STILL, y_px=float(-at))) for n in range(3)], axis=0)
        for at in (up_px.min(), up_px.max())
    )
    (_, moved_px), _ = cv2.phaseCorrelate(low[box], high[box])
    assert -moved_px == pytest.approx(np.ptp(up_px), rel=0.3)


def test_eyes_glance_postures_shift_and_the_exposure_steps():
    activity = Activity(
        motion=0.2, speech=0.0, turns_per_min=0.0, light=0.0, flicker=0.0, shifts_per_min=4.0,
        glances_per_min=15.0, exposure_steps_per_min=5.0,
    )
    world = replace(draw_world("S01", seed=5, session=0), activity=activity)
    subject = VirtualSubject("S01", seed=5, world=world)
    scenes = [subject.behaviour.at(t) for t in np.arange(0.0, 120.0, 0.1)]
    assert 0.5 < max(abs(s.gaze_x) for s in scenes) <= 1.0
    assert 8.0 < max(abs(s.x_px) for s in scenes) < 40.0
    assert 0.03 < max(abs(s.gain) for s in scenes) < 0.3
    picture = still(subject)
    layers = subject.renderer.layers
    ahead, aside = (picture(0.0, 1, replace(STILL, gaze_x=to)).astype(int) for to in (0.0, 1.0))
    eyes = np.zeros(ahead.shape, bool)
    openings = layers.eye_openings[: layers.box.height] > 0.6
    eyes[layers.box.top : 360, layers.box.left : layers.box.left + layers.box.width] = openings
    assert np.abs(aside - ahead)[eyes].mean() > 3
    assert np.abs(aside - ahead)[:100].mean() < 0.1


def test_pos_reads_varied_worlds_without_weak_pulses_and_coarse_codecs():
    for number in (1, 4):
        name = f"S{number:02d}"
        world = draw_world(name, seed=7, session=0)
        world = replace(world, pulse_ratio=1.0, processing=CameraProcessing())
        subject = VirtualSubject(name, seed=7, world=world)
        times_s = 2.0 + np.arange(140) / 16
        appearance = subject.traits.appearance
        left, top = (round(place) for place in appearance.head_center)
        reach = round(45 * appearance.scale)
        colours = [
            cv2.cvtColor(subject.frame(float(t), n), cv2.COLOR_YUV2RGB_I420)[
                max(top - reach, 0) : top + reach, left - reach : left + reach
            ].reshape(-1, 3).mean(axis=0)
            for n, t in enumerate(times_s)
        ]
        estimated = heart_rate(bandpass(pos(np.array(colours), 16.0), 16.0), 16.0)
        assert estimated == pytest.approx(float(subject.heart_rate(times_s).mean()), abs=4)


def test_a_session_records_the_world_it_was_filmed_in(tmp_path):
    plan = SimulatedSession(
        subject="S01", session=0, seed=5, duration_s=1.2, fps=25.0, world="varied"
    )
    with Session(simulate_session(plan, tmp_path)) as session:
        assert session.simulated
        texts = [event.text for event in session.events if event.kind == "world"]
    recorded = {name: value for text in texts for name, value in json.loads(text).items()}
    assert recorded == plan.draw_world().parameters()
    assert recorded["timing"]["fps"] == 25.0                         # as filmed
    assert set(recorded["film"]) >= {"gamma", "warm", "codec"}       # names as they ever were


def test_frame_times_of_a_varied_session_are_as_irregular_as_its_camera(tmp_path):
    plans = (
        SimulatedSession(subject=f"S{n:02d}", session=0, seed=5, duration_s=1.5, world="varied")
        for n in range(99)
    )
    plan = next(p for p in plans if p.timing.jitter > 0.1 and 14 < p.timing.fps <= 25)
    with Session(simulate_session(plan, tmp_path)) as session:
        steps = np.diff(session.frame_light_ns) * 1e-9 * plan.timing.fps
        assert len(steps) + 1 == plan.frames == round(1.5 * plan.timing.fps)
    assert np.all(steps > 0)
    assert steps.mean() == pytest.approx(1.0, abs=0.03)
    assert steps.std() == pytest.approx(plan.timing.jitter * np.sqrt(2), rel=0.4)


def test_rates_of_cameras_span_7_to_60_frames_a_second():
    rates = np.array([
        draw_world(f"S{n:03d}", seed=2, session=0).timing.fps for n in range(300)
    ])
    assert 7 <= rates.min() < 9
    assert 55 < rates.max() <= 60
    assert (rates == 30).mean() > 0.15


def test_a_world_that_is_not_asked_for_changes_nothing():
    assert np.array_equal(
        VirtualSubject("S02").frame(3.0, 7), VirtualSubject("S02", world=None).frame(3.0, 7)
    )


def test_the_usual_world_is_what_it_ever_was():
    """Means of 60 x 80 pixels of one frame and the finger's pulse are as of the first release."""
    subject = VirtualSubject("S02")
    luma = subject.frame(3.0, 7)[:360].astype(float)
    means = luma.reshape(6, 60, 8, 80).mean(axis=(1, 3))
    assert means == pytest.approx(np.array(USUAL_LUMA), abs=0.05)
    t_s = np.array([0.0, 1.3, 9.7])
    assert subject.ppg(t_s) == pytest.approx(USUAL_PPG, abs=1e-6)
    assert subject.face_pulse(t_s) == pytest.approx(USUAL_FACE, abs=1e-6)


def test_the_page_has_the_range_of_everything_that_is_drawn(repo):
    text = (repo / "docs" / "simulation.md").read_text()
    rows = re.findall(r"^\| `([a-z_.]+)` \| (\S*) ?\| (\S*) ?\| ", text, flags=re.M)
    ranges = {name: (low, high) for name, low, high in rows}
    drawn: dict[str, list[float]] = {}
    for number in range(400):
        parts = draw_world(f"S{number:03d}", seed=8, session=number % 3).parameters()
        for part, value in parts.items():
            for name, one in value.items() if isinstance(value, dict) else [("", value)]:
                values = one if isinstance(one, list) else [one]
                drawn.setdefault(f"{part}.{name}".rstrip("."), []).extend(values)
    assert set(ranges) == set(drawn)
    for name, (low, high) in ranges.items():
        if low and name != "skin.type":
            assert float(low) <= min(drawn[name]), name
            assert max(drawn[name]) <= float(high), name
            reach = (max(drawn[name]) - min(drawn[name])) / max(float(high) - float(low), 1e-9)
            assert reach > 0.55 or float(high) == float(low), name      # and not far beyond it
