import numpy as np
import pytest

from dataset.signals.colour_methods import METHODS
from dataset.signals.filters import bandpass, heart_rate

FS_HZ = 30.0
SKIN = np.array([150.0, 110.0, 90.0])
# relative pulse amplitude of red, green, blue; de Haan and van Leest (2014)
BLOOD = np.array([0.33, 0.77, 0.53])


def skin(bpm, *, motion=0.0, motion_bpm=100.0, noise=0.0005, seconds=30, seed=0):
    """Mean colours of a face: pulse of 1 % along the blood's direction, motion that dims all
    colours alike, noise.
    """
    time_s = np.arange(round(seconds * FS_HZ)) / FS_HZ
    pulse = np.sin(2 * np.pi * bpm / 60 * time_s)
    shade = motion * np.sin(2 * np.pi * motion_bpm / 60 * time_s + 1)
    rng = np.random.default_rng(seed)
    relative = (
        1 - 0.01 * pulse[:, None] * BLOOD + shade[:, None] + rng.normal(0, noise, (len(time_s), 3))
    )
    return SKIN * relative, pulse


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("bpm", [48.0, 75.0, 130.0])
def test_the_pulse_comes_back_the_right_way_up(name, bpm):
    rgb, pulse = skin(bpm)
    said = bandpass(METHODS[name](rgb, FS_HZ), FS_HZ)
    assert len(said) == len(rgb)
    assert heart_rate(said, FS_HZ) == pytest.approx(bpm, abs=0.3)
    assert np.corrcoef(said, pulse)[0, 1] > 0.95


@pytest.mark.parametrize("name", ["ica", "chrom", "pos"])
def test_light_that_dims_all_colours_alike_is_told_from_the_pulse(name):
    rgb, _ = skin(72.0, motion=0.03)
    # fooled
    assert heart_rate(bandpass(METHODS["green"](rgb, FS_HZ), FS_HZ), FS_HZ) == pytest.approx(
        100.0, abs=0.5
    )
    if name == "ica":       # separates both; which of the two is the pulse it cannot know
        return
    assert heart_rate(bandpass(METHODS[name](rgb, FS_HZ), FS_HZ), FS_HZ) == pytest.approx(
        72.0, abs=0.5
    )


def test_ica_separates_what_was_mixed():
    from dataset.signals.colour_methods import _independent

    rng = np.random.default_rng(0)
    at = np.arange(3000)
    sources = np.stack(
        [np.sin(at * 0.11), np.sign(np.sin(at * 0.023)), rng.uniform(-1, 1, 3000)], axis=1
    )
    found = _independent(sources @ rng.normal(size=(3, 3)))
    alike = np.abs(np.corrcoef(sources.T, found.T)[:3, 3:])
    assert (alike.max(axis=1) > 0.99).all()
    assert sorted(alike.argmax(axis=1)) == [0, 1, 2]


@pytest.mark.parametrize("name", METHODS)
def test_same_answer_twice(name):
    rgb, _ = skin(72.0, noise=0.003)
    assert np.array_equal(METHODS[name](rgb, FS_HZ), METHODS[name](rgb.copy(), FS_HZ))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    "bad", [np.ones((300, 2)), np.zeros((300, 3)), np.ones((5, 3)), np.full((300, 3), np.nan)]
)
def test_what_is_no_skin_is_refused(name, bad):
    with pytest.raises(ValueError, match="expected"):
        METHODS[name](bad, FS_HZ)
