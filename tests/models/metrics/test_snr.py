"""The definitions of a pulse's signal-to-noise ratio, on tones whose power is known."""

import numpy as np
import pytest

from models.metrics.snr import DE_HAAN, OURS, snr_db, spectrum
from tests.support.curated_videos import tone as tone_of

TIME_S = np.arange(1800) / 30           # a minute: peaks are narrow


def tone(hz, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hz * TIME_S)


@pytest.mark.parametrize("definition", [OURS, DE_HAAN])
def test_a_pulse_beside_a_tone_of_a_tenth_is_20_db(definition):
    found = snr_db(tone(1.2) + tone(3.3, 0.1), 30, hr_bpm=72, definition=definition)
    assert found == pytest.approx(20, abs=0.1)


def test_what_lies_0_15_hz_from_the_double_is_pulse_for_de_haan_and_jeanne_alone():
    trace = tone(1.2) + tone(2.55, 0.1)
    assert snr_db(trace, 30, hr_bpm=72, definition=OURS) == pytest.approx(20, abs=0.1)
    assert snr_db(trace, 30, hr_bpm=72, definition=DE_HAAN) > 30


def test_what_lies_at_0_6_hz_is_noise_for_de_haan_and_jeanne_alone():
    trace = tone(1.2) + tone(0.6, 0.1)
    assert snr_db(trace, 30, hr_bpm=72, definition=DE_HAAN) == pytest.approx(20, abs=0.1)
    assert snr_db(trace, 30, hr_bpm=72, definition=OURS) > 30


def test_a_flat_trace_has_none():
    assert np.isnan(snr_db(np.ones(300), 30, hr_bpm=72))


def test_spectrum_has_its_summit_at_the_tone():
    frequency, power = spectrum(tone_of(72, np.arange(250) / 25), 25)
    assert np.diff(frequency).max() * 60 <= 0.1
    assert 60 * frequency[power.argmax()] == pytest.approx(72, abs=0.1)
    half = 60 * frequency[power > power.max() / 2]
    # a Hann window's, in bins of 1 / 10 s
    assert half.max() - half.min() == pytest.approx(1.44 * 6, abs=0.2)


def test_snr_of_tone_and_noise():
    time_s = np.arange(250) / 25
    noise = np.random.default_rng(0).normal(size=250)
    clean, dirty = (
        snr_db(tone_of(72, time_s) + level * noise, 25, hr_bpm=72) for level in (0.05, 1)
    )
    assert clean > 5
    assert clean > dirty + 5
    assert snr_db(tone_of(72, time_s), 25, hr_bpm=110) < -10


@pytest.mark.parametrize(("harmonic", "other", "expected_db"), [
    (0.0, 0.5, 6.02), (1.0, 0.5, 9.03), (1.0, 1.0, 3.01),
])
def test_snr_counts_the_pulse_and_its_harmonic(harmonic, other, expected_db):
    time_s = np.arange(30 * 30) / 30
    trace = tone_of(72, time_s) + harmonic * tone_of(144, time_s) + other * tone_of(105, time_s)
    assert snr_db(trace, 30, hr_bpm=72) == pytest.approx(expected_db, abs=0.05)
