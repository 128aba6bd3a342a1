"""The colours at one rate: their ratio comes back, and what is beside it does not count."""

import numpy as np
import pytest

from models.fusion.colour_lines import PULSE_RGB, ColourLines, colour_features

FS_HZ, BPM = 25.0, 66.0
TIME_S = np.arange(251) / FS_HZ


def colours(ratio, *, height=0.004, drift=0.0, seed=0):
    """Return (T, 3) colours about different means that swing in a ratio, and drift."""
    noise = np.random.default_rng(seed).normal(0, 2e-4, (len(TIME_S), 3))
    beat = np.outer(np.sin(2 * np.pi * BPM / 60 * TIME_S), ratio)
    slow = drift * (TIME_S / 10)[:, None] ** 2
    return np.array([150.0, 110.0, 90.0]) * (1 - height * beat + slow + noise)


@pytest.mark.parametrize("drift", [0.0, 0.2])
@pytest.mark.parametrize("ratio", [PULSE_RGB, np.ones(3) / 3**0.5, np.array([0.8, 0.0, 0.6])])
def test_the_height_and_the_ratio_of_a_line_come_back(ratio, drift):
    lines = ColourLines(colours(ratio, drift=drift), FS_HZ)
    strength, directions = np.linalg.eigh(lines.at(BPM))
    assert abs(directions[:, -1] @ ratio) == pytest.approx(1.0, abs=0.01)
    assert np.sqrt(strength[-1]) == pytest.approx(0.004, rel=0.1)
    # of a line of ten seconds, 12 bpm to either side, a fortieth is left in the mean beside it
    assert np.trace(lines.beside(BPM)) < 0.04 * strength[-1]


def test_blood_stands_above_its_sides_where_grey_light_does_not():
    blood = colour_features(BPM, ColourLines(colours(PULSE_RGB), FS_HZ))
    grey = colour_features(BPM, ColourLines(colours(np.ones(3) / 3**0.5), FS_HZ))
    none = colour_features(BPM, ColourLines(colours(PULSE_RGB, height=0.0), FS_HZ))
    assert blood["green above red"] == pytest.approx(PULSE_RGB[1] - PULSE_RGB[0], abs=0.05)
    assert grey["green above red"] == pytest.approx(0.0, abs=0.05)
    assert blood["blood against its sides"] > none["blood against its sides"] + 2
    assert blood["second colour"] < -3 < none["second colour"]


@pytest.mark.parametrize(
    ("rgb", "is_other"),
    [
        pytest.param((0.33, 0.77, 0.53), False, id="blood"),
        pytest.param((0.5, 0.7, 0.75), False, id="blue as strong as green"),
        pytest.param((0.33, 0.67, 1.0), True, id="a blue screen"),
        pytest.param((1.0, 0.6, 0.3), True, id="a warm lamp"),
    ],
)
def test_light_in_another_colour_than_blood(rgb, is_other):
    rng = np.random.default_rng(0)
    time_s = np.arange(300) / 30
    swing = np.outer(np.sin(2 * np.pi * 1.5 * time_s), rgb)
    lines = ColourLines(120 * (1 + 0.01 * swing + rng.normal(0, 0.001, (300, 3))), 30.0)
    assert lines.has_other_colour(90.0) is is_other
    assert not lines.has_other_colour(60.0)         # nothing is there
    noise = ColourLines(120 * (1 + rng.normal(0, 0.01, (300, 3))), 30.0)
    assert not noise.has_other_colour(90.0)
