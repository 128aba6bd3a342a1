"""Cuts: another picture at once, told from a face that moves and from light that changes."""

import cv2
import numpy as np
import pytest

from models.live.scene_cut import SceneCut

FPS = 15.0


def face(seed):
    """Return a smooth picture, (60, 60, 3), of which `frame` cuts a face's box."""
    noise = np.random.default_rng(seed).normal(0, 1, (60, 60))
    smooth = cv2.GaussianBlur(noise, (0, 0), 4.0)
    levels = 120 + 40 * smooth / smooth.std()
    return np.clip(np.repeat(levels[:, :, None], 3, axis=2), 5, 250)


def frame(picture, x=0.0, y=0.0, *, gain=1.0, at=0):
    """Return the averaged frame of a face that is moved by so many cells."""
    moved = cv2.warpAffine(picture, np.array([[1, 0, -12 - x], [0, 1, -12 - y]]), (36, 36))
    noise = np.random.default_rng(at).normal(0, 0.3, moved.shape)
    return np.clip(np.rint(256 * (gain * moved + noise)), 0, 65535).astype(np.uint16)


def cuts(frames):
    cut = SceneCut()
    return [at for at, one in enumerate(frames) if cut.has_cut(one, at / FPS)]


def test_another_picture_at_once_is_a_cut():
    one, other = face(0), face(1)
    frames = [frame(one if at < 30 else other, at=at) for at in range(60)]
    assert cuts(frames) == [30]


@pytest.mark.parametrize("change", [
    pytest.param(lambda at: {"x": 2.5 * np.sin(2 * np.pi * 0.8 * at / FPS)}, id="sways"),
    pytest.param(lambda at: {"gain": 0.6 if at > 30 else 1.0}, id="exposure"),
    pytest.param(lambda at: {"x": 0.15 * max(at - 30, 0)}, id="leaves its box slowly"),
])
def test_a_face_that_moves_and_light_that_changes_are_none(change):
    assert cuts([frame(face(0), at=at, **change(at)) for at in range(75)]) == []


def test_all_that_passes_in_front_is_seen_until_the_face_is_free():
    frames = [frame(face(0), at=at) for at in range(75)]
    for at in range(30, 38):
        frames[at][:, 5 * (at - 30) : 5 * (at - 30) + 15] = 60 * 256
    seen = cuts(frames)
    # its first and last columns are in the room beside the face
    assert seen[0] in range(30, 33)
    assert seen[-1] in range(35, 39)


def test_a_face_that_keeps_moving_as_quickly_is_read_again():
    rng = np.random.default_rng(0)
    shaken = rng.uniform(-4, 4, (90, 2))
    shaken[:30] = 0
    frames = [frame(face(0), *shift, at=at) for at, shift in enumerate(shaken)]
    assert 30 < max(cuts(frames)) < 30 + 1.5 * FPS


def test_the_first_frames_of_a_box_are_none_and_a_black_one_is():
    cut = SceneCut()
    assert not cut.has_cut(frame(face(0)), 0.0)
    cut.restart()
    assert not cut.has_cut(frame(face(1)), 0.1)
    assert not cut.has_cut(frame(face(1), at=1), 0.2)
    assert cut.has_cut(np.zeros((36, 36, 3), np.uint16), 0.3)
