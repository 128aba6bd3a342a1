"""What a lamp does is told from a beat by its colours, its overtone and the rate of frames."""

import numpy as np
import pytest

from models.fusion.flicker import frame_rate, why_flicker

TONE = {"second colour": -8.5, "double": -4.4}


def times(fps, *, seconds=10.0, lost=(), jitter=0.0):
    at = np.delete(np.arange(round(seconds * fps) + 1), list(lost))
    return (at + np.random.default_rng(0).uniform(0, jitter, len(at))) / fps


@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_the_rate_of_frames_counts_those_that_were_lost(jitter):
    found = frame_rate(times(25.736, lost=(20, 21, 100, 250), jitter=jitter))
    assert found == pytest.approx(25.736, abs=0.01)


@pytest.mark.parametrize(("fps", "bpm", "hz"), [
    (25.736, 176.4, 100), (24.63, 91.0, 100), (16.5, 60.0, 100), (29.0, 240.0, 120),
])
def test_mains_light_is_withheld_where_it_looks_like_the_rate(fps, bpm, hz):
    features = {"second colour": -6.4, "double": -2.8}
    why = f"lamps that flicker {hz} times a second look like {bpm:.0f} bpm at {fps:.2f} frames/s"
    assert why_flicker(bpm, 0.85, features, times(fps)) == why
    assert why_flicker(bpm - 10, 0.85, features, times(fps)) == ""
    assert why_flicker(bpm, 0.97, features, times(fps)) == ""
    assert why_flicker(bpm, 0.85, {**features, "second colour": -5.0}, times(fps)) == ""


@pytest.mark.parametrize("fps", [10, 15, 25, 30, 60])
def test_at_the_usual_rates_mains_light_looks_like_no_heart(fps):
    features = {"second colour": -7.0, "double": 0.0}
    for bpm in range(36, 241):
        assert why_flicker(bpm, 0.85, features, times(fps)) == ""


@pytest.mark.parametrize(("changed", "confidence", "is_withheld"), [
    ({}, 0.9, True), ({}, 0.97, False), ({"double": -2.0}, 0.9, False),
    ({"second colour": -5.0}, 0.9, False),
])
def test_a_tone_of_one_colour_is_withheld_where_it_is_not_certain(
    changed, confidence, is_withheld
):
    why = why_flicker(148.0, confidence, {**TONE, **changed}, times(30))
    assert bool(why) == is_withheld
    assert why_flicker(148.0, confidence, {**TONE, **changed}, times(30, seconds=6)) == ""
