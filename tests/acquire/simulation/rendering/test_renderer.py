"""What a rendered frame shows: the pulse in the skin, the lids, the movements of the head."""

import cv2
import numpy as np
import pytest

from acquire.simulation.motion import Activity, Scene
from acquire.simulation.rendering.face import HEIGHT, WIDTH
from acquire.simulation.subject import VirtualSubject
from tests.support.rendered import rgb_of, skin_of
from tests.support.spectra import spectral_rate

CALM = Activity(motion=0.25, speech=0.0, turns_per_min=0.0, light=0.3, flicker=0.001)
STILL = Scene(*[0.0] * 14)


def test_only_the_noise_differs_between_frames_of_one_instant():
    subject = VirtualSubject("S02")
    difference = subject.frame(1.0, 1).astype(float) - subject.frame(1.0, 2)
    rms = difference[:HEIGHT].std() / np.sqrt(2)
    assert 0.5 < rms < 2.5
    assert abs(difference.mean()) < 0.02


@pytest.mark.parametrize("name", ["S01", "S06"], ids=["light skin", "dark skin"])
def test_blood_colours_the_skin_in_the_right_ratio(name):
    subject = VirtualSubject(name, activity=CALM)
    renderer, where = subject.renderer, skin_of(subject)
    dark_lamps = np.zeros(len(renderer.light.row_delays_s))

    def mean_rgb(pulse):
        frames = [renderer.render(STILL, (pulse, pulse), dark_lamps, n) for n in range(4)]
        return np.mean([rgb_of(frame, where) for frame in frames], axis=0)

    empty, full = mean_rgb(-3), mean_rgb(3)
    ac_dc = (empty - full) / 6 / ((empty + full) / 2)     # per pulse of height 1; blood darkens
    assert (ac_dc > 0).all()
    published = np.array([0.33, 0.77, 0.53])        # de Haan and van Leest (2014)
    assert ac_dc / np.linalg.norm(ac_dc) == pytest.approx(
        published / np.linalg.norm(published), abs=0.04
    )
    perfusion = renderer.layers.perfusion[renderer.layers.skin > 0.95].mean()
    assert ac_dc[1] == pytest.approx(subject.traits.green_ac_dc * perfusion, rel=0.12)
    assert 0.003 < ac_dc[1] < 0.012


def test_the_pulse_is_strong_on_cheeks_and_absent_from_hair_eyes_and_room():
    layers = VirtualSubject("S03").renderer.layers
    size = np.abs(layers.pulse_yuv).sum(axis=2)
    cheeks = (
        (layers.head_y > 0.25)
        & (layers.head_y < 0.45)
        & (np.abs(layers.head_x) > 0.25)
        & (np.abs(layers.head_x) < 0.45)
        & (layers.skin > 0.9)
    )
    hair = (layers.head_y < -0.3) & (np.hypot(layers.head_x, layers.head_y) < 0.9)
    iris = (layers.eye_openings > 0.9) & (layers.lid_position > 0.3) & (layers.lid_position < 0.7)
    assert size[cheeks].mean() > 20 * size[hair].mean()
    assert size[cheeks].mean() > 2 * size[iris].mean()
    assert size[layers.person[..., 3] < 0.01].max() < 0.05


@pytest.mark.parametrize("name", ["S01", "S04"])
def test_the_green_of_calm_skin_gives_the_rate(name):
    subject, fs_hz = VirtualSubject(name, activity=CALM), 20
    where = skin_of(subject)
    t_s = np.arange(0, 12, 1 / fs_hz)
    rgb = np.array([rgb_of(subject.frame(t, i), where) for i, t in enumerate(t_s)])
    # Light drifts far below the pulse: take out what is slower than 2 s.
    slow = np.convolve(
        np.pad(rgb[:, 1], fs_hz, mode="edge"), np.ones(2 * fs_hz + 1) / (2 * fs_hz + 1),
        mode="valid",
    )
    assert spectral_rate(rgb[:, 1] / slow, fs_hz) == pytest.approx(
        subject.heart_rate(t_s).mean(), abs=2
    )


def test_lids_close_and_the_head_moves():
    subject = VirtualSubject("S03")
    renderer = subject.renderer
    lamps = np.zeros(len(renderer.light.row_delays_s))
    rest = renderer.render(STILL, (0, 0), lamps, 1)[:HEIGHT].astype(float)

    def change(**moved):
        return np.abs(
            renderer.render(Scene(**{**vars(STILL), **moved}), (0, 0), lamps, 1)[:HEIGHT] - rest
        )

    box = renderer.layers.box
    eyes = np.zeros((HEIGHT, WIDTH), bool)
    openings = renderer.layers.eye_openings[: box.height]
    eyes[box.top :, box.left : box.left + box.width] = openings > 0.8
    closed = change(lids=1.0)
    assert closed[eyes].mean() > 15
    assert closed[~cv2.dilate(eyes.astype(np.uint8), np.ones((25, 25))).astype(bool)].max() <= 1
    for movement in (
        {"x_px": 6.0}, {"yaw_rad": 0.15}, {"pitch_rad": 0.15}, {"roll_rad": 0.05}, {"scale": 0.02},
        {"jaw": 1.0},
    ):
        assert (
            change(**movement)[HEIGHT // 4 : 3 * HEIGHT // 4, WIDTH // 4 : 3 * WIDTH // 4].max()
            > 15
        ), movement
    assert change(gain=0.1).mean() == pytest.approx(0.1 * (rest.mean() - 16), rel=0.15)
