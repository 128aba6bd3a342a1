"""Parts of the frame: a pulse is in all of a face at once, and not beside it."""

import numpy as np
import pytest

from models.fusion.parts import BesideLines, PartPulses

FS_HZ, BPM = 30.0, 75.0
FACE, CORNERS = [5, 6, 9, 10], [0, 3, 12, 15]
NOD = {1: 1.0, 2: 1.0, 4: 0.2, 7: 0.2, 8: 0.2, 11: 0.2, 13: 0.2, 14: 0.2}   # part: swing
BLOOD = np.array([0.33, 0.77, 0.53])


def make_parts(*, lag_s=(0.0, 0.0, 0.0, 0.0), corners=0.0, border=0.0, light=100.0):
    """Return (T, 16, 3) colours: a pulse in the face, each part with a lag, and beside it."""
    rng = np.random.default_rng(0)
    time_s = np.arange(301) / FS_HZ
    parts = np.full((301, 16, 3), light) * (1 + rng.normal(0, 2e-4, (301, 16, 3)))
    for part, lag in zip(FACE, lag_s, strict=True):
        beat = np.sin(2 * np.pi * BPM / 60 * (time_s - lag))
        parts[:, part] *= 1 - 0.004 * np.outer(beat, BLOOD)
    beat = np.sin(2 * np.pi * BPM / 60 * time_s)
    parts[:, CORNERS] *= (1 - corners * np.outer(beat, BLOOD))[:, None]
    parts[:, list(NOD)] *= 1 + border * np.outer(beat, list(NOD.values()))[:, :, None]
    return parts


def test_parts_that_swing_at_the_same_instant_are_in_time():
    together = PartPulses(make_parts(), FS_HZ).features(BPM)
    assert together["parts in time"] == pytest.approx(1.0, abs=0.01)
    half = 30 / BPM                 # of a beat [s]
    against = PartPulses(make_parts(lag_s=(0, half, 0, half)), FS_HZ).features(BPM)
    assert against["parts in time"] < 0.1
    assert together["strongest part"] > PartPulses(make_parts(), FS_HZ).features(120.0)[
        "strongest part"] + 1


@pytest.mark.parametrize(("corners", "is_beside"), [(0.0, False), (0.0005, False), (0.004, True)])
def test_what_swings_beside_the_face_as_well_is_told_from_what_touches_it(corners, is_beside):
    """A tenth of the face's swing is a face that reaches into the corners."""
    lines = BesideLines(make_parts(corners=corners), FS_HZ)
    assert lines.have(BPM) is is_beside
    assert not lines.have(120.0)


@pytest.mark.parametrize(("border", "is_beside"), [(0.0, False), (0.003, False), (0.02, True)])
def test_a_head_that_nods_at_the_rate_is_told_from_the_pulse_own_push(border, is_beside):
    """Of a nod the border swings eight times as much as the face, of the pulse about as much."""
    lines = BesideLines(make_parts(border=border), FS_HZ)
    assert lines.have(BPM) is is_beside
    assert not lines.have(120.0)


def test_black_corners_say_nothing():
    parts = make_parts()
    parts[:, CORNERS] = 0.0
    lines = BesideLines(parts, FS_HZ)
    assert lines.ahead(BPM) == 0.0
    assert not lines.have(BPM)
