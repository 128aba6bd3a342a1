"""POS on the colours of a skin with a known pulse."""

import numpy as np
import pytest

from dataset.signals.filters import heart_rate
from dataset.signals.pos import pos


def test_pos_finds_the_pulse_under_motion():
    """The pulse has the ratios of blood; the brightness sways twenty times as strongly."""
    t = np.arange(900) / 30
    pulse = np.sin(2 * np.pi * 1.2 * t)
    sway = 0.1 * np.sin(2 * np.pi * 1.7 * t)
    skin = np.array([180.0, 120.0, 100.0])
    rgb = skin * (1 + 0.005 * np.outer(pulse, [0.33, 0.77, 0.53]) + sway[:, None])
    found = pos(rgb, 30.0)
    assert heart_rate(found, 30.0) == pytest.approx(72, abs=0.5)
    assert np.corrcoef(found[60:-60], pulse[60:-60])[0, 1] > 0.9
    assert abs(found.mean()) < 1e-12


def test_pos_is_algorithm_1_of_its_paper():
    rng = np.random.default_rng(0)
    rgb = [180, 120, 100] * (1 + 0.02 * np.cumsum(rng.normal(size=(200, 3)), axis=0) / 10)
    expected = np.zeros(200)
    for first in range(200 - 48 + 1):                               # 1.6 s of 30 fps
        red, green, blue = (rgb[first : first + 48] / rgb[first : first + 48].mean(axis=0)).T
        one, two = green - blue, -2 * red + green + blue
        pulse = one + one.std() / two.std() * two
        expected[first : first + 48] += pulse - pulse.mean()
    np.testing.assert_allclose(pos(rgb, 30.0), expected - expected.mean(), atol=1e-12)


@pytest.mark.parametrize(
    "rgb", [np.ones((10, 3)), np.ones((100, 4)), np.zeros((100, 3))],
    ids=["short", "four colours", "black"],
)
def test_pos_refuses(rgb):
    with pytest.raises(ValueError, match="expected"):
        pos(rgb, 30.0)
