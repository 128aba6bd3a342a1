"""The window of the last ten seconds: filled, evaluated once a second, cleared."""

import numpy as np
import pytest

from dataset.signals.filters import WINDOW_S
from models.live.pulse_window import PulseWindow
from tests.support.live_scenes import frame_times


def fill(window, times, *, bpm=72.0, noise=0.0):
    """Add the changes and colours of a tone at some times; return the rates of its windows."""
    pulse = np.sin(2 * np.pi * bpm / 60 * times)
    rng = np.random.default_rng(0)
    colours = 120 - 0.4 * np.outer(pulse, [0.33, 0.77, 0.53]) + rng.normal(0, 0.1, (len(times), 3))
    pulse += noise * rng.normal(size=len(times))
    rates = []
    changes = np.diff(pulse, prepend=pulse[0])
    room = 90 + rng.normal(0, 0.2, (len(times), 16, 3))
    for time_s, change, colour, parts in zip(times.tolist(), changes, colours, room, strict=True):
        parts[[5, 6, 9, 10]] = colour + rng.normal(0, 0.2, (4, 3))
        window.add(time_s, float(change), colour, parts, np.zeros(2))
        window.evaluate_if_due(time_s)
        if window.is_full and (not rates or window.rate is not rates[-1]):
            rates.append(window.rate)
    return rates


def test_a_tone_is_read_once_a_second_as_soon_as_the_window_is_full():
    window = PulseWindow()
    assert window.is_empty
    assert window.span_s == 0
    rates = fill(window, frame_times(14.0))
    assert [rate.bpm for rate in rates] == pytest.approx([72.0] * len(rates), abs=0.5)
    assert all(rate.low_bpm < 72.0 < rate.high_bpm for rate in rates)
    assert len(rates) == 4             # after 10, 11, 12 and 13 s
    assert window.is_full
    assert WINDOW_S <= window.span_s < WINDOW_S + 0.1
    assert window.rate.fs_hz == pytest.approx(25, rel=0.05)


def test_noise_is_no_pulse():
    window = PulseWindow()
    rates = fill(window, frame_times(14.0), bpm=0.0, noise=1.0)
    assert [rate.bpm for rate in rates] == [None] * 4
    assert all(rate.why_not for rate in rates)


def test_a_cleared_window_begins_again():
    window = PulseWindow()
    fill(window, frame_times(12.0))
    times, trace = window.trace()
    assert len(times) == len(trace) > 9 * 25
    window.clear()
    assert window.is_empty
    assert window.rate is None
    assert not len(window.trace()[0])
    assert not fill(window, frame_times(9.0, begin_s=12.0))
    assert fill(window, frame_times(3.0, begin_s=21.0))
