"""Colours of skin: the published groups, evenly, and their colour in sRGB."""

import numpy as np
import pytest

from acquire.simulation.rendering.skin import SKIN_TYPES, draw_skin, lab_to_srgb

LIMITS_DEG = {"I": (55, 65), "II": (41, 55), "III": (28, 41), "IV": (10, 28), "V": (-30, 10),
              "VI": (-60, -30)}        # Chardon et al. (1991), Del Bino and Bernerd (2013)


def test_a_skin_has_the_angle_of_its_type_and_all_types_are_as_frequent():
    rng = np.random.default_rng(0)
    skins = [draw_skin(rng, place) for place in (np.arange(240) + 0.5) / 240]
    for skin in skins:
        lightness, _, yellow = skin.lab
        assert np.degrees(np.arctan2(lightness - 50, yellow)) == pytest.approx(skin.ita_deg)
        low, high = LIMITS_DEG[skin.type]
        assert low <= skin.ita_deg <= high
        assert 0.013 <= skin.melanin <= 0.43            # Jacques (1998)
    assert [sum(s.type == name for s in skins) for name in SKIN_TYPES] == [40] * 6
    assert np.all(np.diff([s.melanin for s in skins]) >= 0)
    assert [s.darkness for s in skins] == pytest.approx((np.arange(240) + 0.5) / 240)
    green = np.array([s.rgb[1] for s in skins]).reshape(6, 40).mean(axis=1)
    assert np.all(np.diff(green) < -10)
    assert all(s.rgb[0] > s.rgb[1] > s.rgb[2] for s in skins)


@pytest.mark.parametrize(("lab", "rgb"), [
    ((100.0, 0.0, 0.0), (255, 255, 255)), ((53.24, 80.09, 67.20), (255, 0, 0)),
    ((53.585, 0.0, 0.0), (128, 128, 128)), ((5.0, 0.0, 0.0), (17, 17, 17)),
])
def test_known_colours(lab, rgb):
    assert lab_to_srgb(lab) == pytest.approx(rgb, abs=1.0)
