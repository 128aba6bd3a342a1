"""Labels whole beats off: told where beats are of unlike length, and never told wrong."""

import numpy as np
import pytest

from dataset.signals.beat_lag import find_beat
from dataset.signals.lag import GRID_HZ
from tests.support.pulse_shapes import two_pulses


@pytest.mark.parametrize("beats_off", [0, 1, -1, 2, -2, 3])
def test_a_whole_beat_is_told_where_beats_vary(beats_off):
    face, finger, beat_s = two_pulses(beats_off=beats_off, variation=0.05, r=0.95)
    found = find_beat(face, finger, [(0.0, 59.9)], lag_s=0.1, beat_s=beat_s)
    assert found.beats == beats_off
    assert found.lag_s == pytest.approx(0.1 + beats_off * beat_s, abs=0.04)


@pytest.mark.parametrize("beats_off", [0, -1, 2])
@pytest.mark.parametrize(
    ("variation", "r"), [(0.0, 0.95), (0.005, 0.95), (0.03, 0.5)],
    ids=["as a clock", "steady", "a face of noise"],
)
def test_it_is_not_told_where_beats_are_alike_or_the_face_is_noise(beats_off, variation, r):
    face, finger, beat_s = two_pulses(beats_off=beats_off, variation=variation, r=r)
    found = find_beat(face, finger, [(0.0, 59.9)], lag_s=0.1, beat_s=beat_s)
    assert (found.beats, found.lag_s) == (None, 0.1)


def test_what_is_told_is_never_wrong():
    told = 0
    for seed in range(16):
        rng = np.random.default_rng(seed)
        beats_off = int(rng.integers(-2, 3))
        face, finger, beat_s = two_pulses(
            beats_off=beats_off, variation=rng.uniform(0, 0.07), r=rng.uniform(0.75, 0.97),
            seconds=rng.uniform(30, 120), bpm=rng.uniform(48, 110), seed=seed,
        )
        last_s = len(face.values) / GRID_HZ - 0.1
        found = find_beat(face, finger, [(0.0, last_s)], lag_s=0.1, beat_s=beat_s)
        assert found.beats in (None, beats_off)
        told += found.beats is not None
    assert told >= 3


def test_stretches_count_together_and_too_little_is_not_enough():
    face, finger, beat_s = two_pulses(beats_off=1, variation=0.05, r=0.95, seconds=90)
    spans = [(0.0, 30.0), (35.0, 62.0), (64.0, 89.0)]
    assert find_beat(face, finger, spans, lag_s=0.1, beat_s=beat_s).beats == 1
    assert find_beat(face, finger, spans[:1], lag_s=0.1, beat_s=4.0).beats is None
    assert find_beat(face, finger, [], lag_s=0.1, beat_s=beat_s).beats is None
