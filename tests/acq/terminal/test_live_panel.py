"""What `acq live` prints of a reading: a line, or a row of the panel."""

import pytest

from acq.terminal.live_panel import plain, pulse_text
from models.fusion.fuse import FusedRate
from models.live.states import READING, LiveReading

COST = "good pulse; after 12 s without a heart rate: face lost"
RATE = FusedRate(72.2, 70.0, 74.4)


@pytest.mark.parametrize(("words", "finger_bpm", "line"), [
    ("good pulse", None, "72 bpm (70 to 75), good pulse"),
    ("good pulse", 71.4, "72 bpm (70 to 75), good pulse; finger 71 bpm"),
    (COST, None, f"72 bpm (70 to 75), {COST}"),
])
def test_a_heart_rate_says_what_an_interruption_has_cost(words, finger_bpm, line):
    reading = LiveReading(30.0, READING, words, rate=RATE)
    assert (reading.hr_bpm, reading.quality) == (72.2, "good")
    assert plain(reading, finger_bpm) == line
    assert pulse_text(reading).plain == f"72 bpm (70 to 75)  {words}"


def test_a_window_that_cannot_be_told_has_no_quality():
    rate = FusedRate(None, 40.0, 90.0, why_not="no method finds a beat")
    reading = LiveReading(30.0, "no pulse", "cannot be told", rate=rate)
    assert (reading.hr_bpm, reading.quality) == (None, None)
    assert plain(reading, None) == "no pulse: cannot be told"
