"""The window of the last ten seconds: filled, evaluated once a second, cleared."""

import numpy as np
import pytest

from dataset.signals.filters import WINDOW_S
from models.live.pulse_window import PulseWindow
from tests.support.live_scenes import frame_times


def fill(window, times, *, bpm=72.0, noise=0.0):
    """Add the changes of a tone at some times; return the pulses that were evaluated."""
    pulse = np.sin(2 * np.pi * bpm / 60 * times)
    pulse += noise * np.random.default_rng(0).normal(size=len(times))
    pulses = []
    for time_s, change in zip(times.tolist(), np.diff(pulse, prepend=pulse[0]), strict=True):
        window.add(time_s, float(change))
        window.evaluate_if_due(time_s)
        if window.pulse is not None and (not pulses or window.pulse is not pulses[-1]):
            pulses.append(window.pulse)
    return pulses


def test_a_tone_is_read_once_a_second_as_soon_as_the_window_is_full():
    window = PulseWindow()
    assert window.is_empty
    assert window.span_s == 0
    pulses = fill(window, frame_times(14.0))
    assert [pulse.hr_bpm for pulse in pulses] == pytest.approx([72.0] * len(pulses), abs=0.5)
    assert len(pulses) == 4            # after 10, 11, 12 and 13 s
    assert window.is_full
    assert WINDOW_S <= window.span_s < WINDOW_S + 0.1
    assert window.fs_hz == pytest.approx(25, rel=0.05)


def test_noise_is_no_pulse():
    window = PulseWindow()
    assert not fill(window, frame_times(14.0), bpm=0.0, noise=1.0)
    assert window.pulse is None


def test_a_cleared_window_begins_again():
    window = PulseWindow()
    fill(window, frame_times(12.0))
    times, trace = window.trace()
    assert len(times) == len(trace) > 9 * 25
    window.clear()
    assert window.is_empty
    assert window.pulse is None
    assert not len(window.trace()[0])
    assert not fill(window, frame_times(9.0, begin_s=12.0))
    assert fill(window, frame_times(3.0, begin_s=21.0))
