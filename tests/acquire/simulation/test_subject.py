"""Who a virtual subject is, and that the same seed is the same person."""

from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from acquire.simulation.rendering.face import HEIGHT, WIDTH
from acquire.simulation.subject import VirtualSubject, traits_of


def test_subjects_spread_over_rates_and_skins():
    people = [traits_of(f"S{n:02d}") for n in range(1, 17)]
    rates = np.sort([p.base_bpm for p in people])
    tones = np.sort([p.appearance.skin_tone for p in people])
    assert 52 <= rates[0] < 62
    assert 95 < rates[-1] <= 110
    assert np.diff(rates).max() < 12
    assert np.diff(tones).max() < 0.2
    by_tone = sorted(people, key=lambda p: p.appearance.skin_tone)
    light, dark = by_tone[0], by_tone[-1]
    assert light.green_ac_dc > 1.3 * dark.green_ac_dc


def test_same_seed_same_bits_other_subject_other_face():
    frame = VirtualSubject("S01").frame(3.2, 80)
    again = VirtualSubject("S01")
    again.frame(40.0, 1000)                        # asking for another first changes nothing
    assert np.array_equal(again.frame(3.2, 80), frame)
    assert frame.shape == (HEIGHT * 3 // 2, WIDTH)
    assert frame.dtype == np.uint8
    for other in (
        VirtualSubject("S02"), VirtualSubject("S01", seed=1), VirtualSubject("S01", session=1),
    ):
        assert np.abs(other.frame(3.2, 80).astype(int) - frame).mean() > 2
    assert VirtualSubject("S01", session=1).traits == again.traits


def test_mtcnn_finds_the_subjects():
    if find_spec("facenet_pytorch") is None:
        pytest.skip("needs the extra `train`: pip install 'acq[train]'")
    from dataset.face.find import detect_face

    for n in (1, 2, 4, 6):              # light, brown, dark, darkest
        image = cv2.cvtColor(VirtualSubject(f"S{n:02d}").frame(0.0, 0), cv2.COLOR_YUV2RGB_I420)
        box = detect_face(image)
        assert box is not None, f"S{n:02d}"
        assert box.probability > 0.95, f"S{n:02d}"
