import numpy as np
import pytest

from dataset.signals.colour_methods import METHODS, _independent, most_periodic
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


def test_green_is_the_fall_of_green_alone():
    rgb = SKIN * np.random.default_rng(0).uniform(0.9, 1.1, (300, 3))
    np.testing.assert_allclose(
        METHODS["green"](rgb, FS_HZ), 1 - rgb[:, 1] / rgb[:, 1].mean(), atol=1e-12
    )


def test_chrom_is_that_of_its_paper():
    """Windows of 1.6 s that overlap by half, each band-passed, combined and tapered for itself."""
    from scipy import signal

    rgb, _ = skin(72.0, motion=0.03, noise=0.002, seconds=10.6)
    sections = signal.butter(3, (0.7, 4.0), "bandpass", fs=FS_HZ, output="sos")
    padded = np.pad(rgb, ((24, 24 + 18), (0, 0)), mode="reflect")      # 318 frames, 13.25 halves
    expected = np.zeros(len(padded))
    for first in range(0, len(padded) - 47, 24):
        red, green, blue = (padded[first : first + 48] / padded[first : first + 48].mean(axis=0)).T
        x, y = signal.sosfiltfilt(
            sections, [3 * red - 2 * green, 1.5 * red + green - 1.5 * blue], padlen=47
        )
        pulse = x - x.std() / y.std() * y
        expected[first : first + 48] += (pulse - pulse.mean()) * signal.get_window("hann", 48)
    expected = expected[24:-42] - expected[24:-42].mean()
    np.testing.assert_allclose(
        METHODS["chrom"](rgb, FS_HZ), expected, atol=1e-6 * np.abs(expected).max()
    )


@pytest.mark.parametrize("name", ["ica", "pca"])
def test_a_drift_of_the_light_is_not_the_pulse(name):
    rgb, pulse = skin(72.0)
    rgb = rgb * (1 + np.linspace(0, 1, len(rgb))[:, None] * [0.3, 0.1, -0.2])
    said = bandpass(METHODS[name](rgb, FS_HZ), FS_HZ)
    assert np.corrcoef(said, pulse)[0, 1] > 0.95


@pytest.mark.parametrize("name", ["ica", "pca"])
def test_the_pulse_falls_as_green_rises_whatever_blue_does(name):
    rgb, pulse = skin(72.0)
    rgb[:, 2] = SKIN[2] * (1 + 0.02 * pulse)
    assert np.corrcoef(METHODS[name](rgb, FS_HZ), rgb[:, 1])[0, 1] < -0.9


@pytest.mark.parametrize("at", range(3))
def test_themost_periodic_is_the_one_with_a_peak_in_the_band(at):
    time_s = np.arange(300) / FS_HZ
    breath, beats = np.sin(2 * np.pi * 0.3 * time_s), np.sin(2 * np.pi * 1.2 * time_s)
    noise = np.random.default_rng(0).normal(size=300)
    others = [breath, np.zeros(300)]
    columns = np.stack([*others[:at], beats + 0.5 * noise, *others[at:]], axis=1)
    found = most_periodic(columns, beats, FS_HZ)
    assert np.array_equal(found, -columns[:, at])


@pytest.mark.parametrize("name", ["ica", "pca"])
def test_colours_that_do_not_change_or_change_alike_have_a_trace(name):
    assert np.abs(METHODS[name](np.ones((300, 1)) * SKIN, FS_HZ)).max() < 1e-9
    shade = 1 + 0.01 * np.sin(2 * np.pi * 1.2 * np.arange(300) / FS_HZ)
    said = METHODS[name](shade[:, None] * SKIN, FS_HZ)
    assert np.corrcoef(said, -shade)[0, 1] > 0.99
