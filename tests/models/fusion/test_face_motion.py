"""A known shift of a face is found, beside another light and noise; a regular one is told."""

import cv2
import numpy as np
import pytest

from dataset.face.box import SIZE
from dataset.face.frames import UNIT
from models.fusion.face_motion import face_shifts, moves_at

FPS, SECONDS = 30.0, 10.0
TIME_S = np.arange(round(FPS * SECONDS)) / FPS


def frames_at(ways, *, light=0.0, noise=0.0):
    """Draw a smooth random face at each of (T, 2) places, lighter by `light` (T,), relatively."""
    rng = np.random.default_rng(0)
    face = cv2.GaussianBlur(rng.uniform(60, 220, (4 * SIZE, 4 * SIZE, 3)), (0, 0), 8)
    face = 140 + 6 * (face - face.mean())
    drawn = [
        cv2.resize(
            cv2.warpAffine(
                face, np.float64([[1, 0, 4 * right], [0, 1, 4 * down]]), face.shape[:2],
                flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT,
            ), (SIZE, SIZE), interpolation=cv2.INTER_AREA,
        )
        for right, down in ways
    ]
    drawn = np.array(drawn) * (1 + np.broadcast_to(light, len(ways)))[:, None, None, None]
    drawn += rng.normal(0, noise, drawn.shape)
    return np.clip(drawn * UNIT, 0, 65535).astype(np.uint16)


def test_a_shift_is_found_beside_a_pulse_and_noise():
    rng = np.random.default_rng(1)
    ways = np.cumsum(rng.uniform(-0.2, 0.2, (300, 2)), axis=0) % 1
    pulse = 0.005 * np.sin(2 * np.pi * 1.2 * TIME_S)
    found = face_shifts(frames_at(ways, light=pulse, noise=0.2))
    steps = np.diff(ways, axis=0)
    is_short = (np.abs(steps) < 0.5).all(axis=1)
    assert is_short.sum() > 150
    assert np.abs(found - steps)[is_short].mean() < 0.02


def test_frames_in_several_batches_and_of_one_colour():
    ways = np.zeros((600, 2))
    ways[300:, 0] = 0.3
    shifts = face_shifts(frames_at(ways))
    assert shifts.shape == (599, 2)
    assert np.abs(np.delete(shifts, 299, axis=0)).max() < 1e-3
    assert shifts[299] == pytest.approx([0.3, 0.0], abs=0.03)
    assert face_shifts(frames_at(ways[:1])).shape == (0, 2)
    assert (face_shifts(np.full((3, SIZE, SIZE, 3), 9999, np.uint16)) == 0).all()


def test_a_nod_is_told_at_its_rate_and_a_pulse_a_sway_and_a_step_are_not():
    def shifts_of(ways, **beside):
        shifts = face_shifts(frames_at(ways, noise=0.2, **beside))
        return np.concatenate([np.zeros((1, 2)), shifts])

    angle = 2 * np.pi * 1.2 * TIME_S
    nod = np.stack([0 * angle, 0.2 * np.sin(angle)], axis=1)
    shifts = shifts_of(nod)
    assert moves_at(72.0, shifts, TIME_S)
    assert moves_at(73.0, shifts, TIME_S)
    assert not any(moves_at(bpm, shifts, TIME_S) for bpm in (50.0, 64.0, 80.0, 144.0))
    recoil = 0.05 * nod                           # of a head with its own heart: a face is 150 mm
    assert not moves_at(72.0, shifts_of(recoil, light=0.01 * np.sin(angle)), TIME_S)
    sway = np.stack([0.3 * np.sin(0.4 * angle) + 0.3 * np.sin(0.23 * angle), 0 * angle], axis=1)
    assert not moves_at(72.0, shifts_of(sway), TIME_S)
    step = np.where(TIME_S[:, None] < 5, 0.0, [[0.4, 0.4]])
    assert not any(moves_at(bpm, shifts_of(step), TIME_S) for bpm in (45.0, 72.0, 120.0))
