"""The definitions of a pulse's signal-to-noise ratio, on tones whose power is known."""

import numpy as np
import pytest

from models.metrics.snr import DE_HAAN, OURS, snr_db

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
