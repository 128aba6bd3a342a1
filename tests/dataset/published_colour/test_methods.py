"""The published methods, on colours of a known pulse, and on a face that is rendered."""

import numpy as np
import pytest

from dataset.published_colour.methods import ALL_METHODS, METHODS, read_pulse
from dataset.published_colour.regions import REGIONS, SKIN
from dataset.published_colour.separations import poh_lambda
from dataset.signals.filters import bandpass, heart_rate

FS_HZ = 30.0
TONE = np.array([150.0, 110.0, 90.0])
BLOOD = np.array([0.33, 0.77, 0.53])        # relative swing of red, green and blue


def skin(bpm, *, light=0.0, light_bpm=100.0, noise=0.0005, seconds=30, seed=0, fs_hz=FS_HZ):
    """Make mean colours of skin with a pulse of 1 %, light that swings, and noise; and the pulse.

    A pulse has a second harmonic: a pure tone has no cumulant that tells it from another.
    """
    time_s = np.arange(round(seconds * fs_hz)) / fs_hz
    phase = 2 * np.pi * bpm / 60 * time_s
    pulse = np.sin(phase) + 0.3 * np.sin(2 * phase + 0.5)
    shade = light * np.sin(2 * np.pi * light_bpm / 60 * time_s + 1)
    rng = np.random.default_rng(seed)
    relative = 1 - 0.01 * pulse[:, None] * BLOOD + shade[:, None]
    return TONE * (relative + rng.normal(0, noise, (len(time_s), 3))), pulse


def read(name, rgb, fs_hz=FS_HZ):
    """Read colours that are the same in every region."""
    return bandpass(read_pulse(name, rgb, np.repeat(rgb[:, None], 3, axis=1), fs_hz), fs_hz)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("bpm", [50.0, 75.0, 120.0])
def test_the_pulse_comes_back_the_right_way_up(name, bpm):
    rgb, pulse = skin(bpm)
    said = read(name, rgb)
    assert heart_rate(said, FS_HZ) == pytest.approx(bpm, abs=0.5)
    # PBV learns what to suppress from ten seconds, in which noise is like the pulse by chance
    least = 0.75 if name == "pbv" else 0.9
    assert np.corrcoef(said, bandpass(pulse, FS_HZ))[0, 1] > least


@pytest.mark.parametrize("name", ["chrom_skin", "pos_skin", "lgi", "pbv", "omit"])
def test_light_that_dims_all_colours_alike_is_told_from_the_pulse(name):
    rgb, _ = skin(72.0, light=0.03)
    assert heart_rate(read("green", rgb), FS_HZ) == pytest.approx(100.0, abs=0.5)      # fooled
    assert heart_rate(read(name, rgb), FS_HZ) == pytest.approx(72.0, abs=0.5)


@pytest.mark.parametrize("name", METHODS)
def test_how_bright_the_light_is_changes_nothing(name):
    rgb, _ = skin(66.0)
    dim, bright = read(name, 0.2 * rgb), read(name, rgb)
    assert np.corrcoef(dim, bright)[0, 1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ["ica_poh", "pca_lewandowska", "pbv", "chrom_skin", "pos_skin"])
def test_the_colour_of_the_light_changes_nothing_where_colours_are_divided_by_their_mean(name):
    rgb, _ = skin(66.0)
    warm, white = read(name, rgb * [1.2, 1.0, 0.6]), read(name, rgb)
    assert np.corrcoef(warm, white)[0, 1] == pytest.approx(1, abs=1e-6)


def test_poh_s_separation_finds_the_pulse_in_light_of_another_rhythm():
    rgb, pulse = skin(72.0, light=0.004, light_bpm=171.0, noise=0.0002)
    assert np.corrcoef(read("ica_poh", rgb), bandpass(pulse, FS_HZ))[0, 1] > 0.9


@pytest.mark.parametrize("fs_hz", [15.0, 25.0, 60.0])
def test_poh_s_detrending_is_the_same_at_every_frame_rate(fs_hz):
    # half of what swings at 2 sin(x / 2) = lambda^-1/2 is taken out
    half_hz = np.arcsin(poh_lambda(fs_hz) ** -0.5 / 2) / np.pi * fs_hz
    assert half_hz == pytest.approx(0.759, abs=0.005)
    rgb, _ = skin(75.0, fs_hz=fs_hz)
    assert heart_rate(read("ica_poh", rgb, fs_hz), fs_hz) == pytest.approx(75, abs=0.5)


def test_a_region_that_is_out_of_sight_for_a_while_has_no_pulse_there():
    rgb, _ = skin(72.0)
    regions = np.repeat(rgb[:, None], 3, axis=1)
    regions[300:330, REGIONS.index(SKIN)] = np.nan
    pulse = read_pulse("pos_skin", rgb, regions, FS_HZ)
    assert np.isnan(pulse).nonzero()[0].tolist() == list(range(300, 330))
    assert heart_rate(bandpass(pulse[330:], FS_HZ), FS_HZ) == pytest.approx(72, abs=0.5)
    assert np.isfinite(read_pulse("ica_poh", rgb, regions, FS_HZ)).all()
    regions[:] = np.nan
    assert np.isnan(read_pulse("pos_skin", rgb, regions, FS_HZ)).all()
    with pytest.raises(ValueError, match="skin"):
        read_pulse("pos_skin", rgb, None, FS_HZ)


@pytest.mark.parametrize("name", METHODS)
def test_colours_that_do_not_change_have_no_pulse_and_bad_ones_are_refused(name):
    still = np.tile(TONE, (300, 1))
    said = read_pulse(name, still, np.repeat(still[:, None], 3, axis=1), FS_HZ)
    assert np.abs(said).max() < 1e-9
    with pytest.raises(ValueError, match="expected"):
        read(name, still[:20])
    with pytest.raises(ValueError, match="expected positive colours"):
        read(name, still - 200)


def test_every_method_has_a_name_of_its_own():
    assert len(set(ALL_METHODS)) == len(ALL_METHODS) == 12
