"""A session over its time: gaps where numbers were skipped, curves and frames of what it holds."""

import numpy as np
import pytest

from dataset.quality.curves import POINTS, Curve, write_curves
from dataset.quality.result import SessionQuality, write_quality
from dataset.timeline import Gap, SessionPlayer, find_gaps
from tests.support.made_sessions import make_session


def test_a_gap_stands_between_the_two_that_are_there():
    sequence, time_s = np.array([2, 3, 6, 7, 0, 1]), np.array([0.2, 0.3, 0.6, 0.7, 0.8, 0.9])
    assert find_gaps(sequence, time_s) == (Gap(0.3, 0.6, 2),)       # a restart is none
    assert find_gaps(sequence[:0], time_s[:0]) == ()


def test_a_spike_survives_where_much_is_shown(tmp_path):
    values = np.full(25 * 180 + 1, 1000)
    values[3003] = 9000
    times_ns = np.arange(len(values)) * 40_000_000
    player = SessionPlayer(make_session(tmp_path, seconds=1.0))
    player._session.ppg, player._sample_s = values, times_ns / 1e9
    curve = player.curves(0, 180)["ppg"]
    assert len(curve.x) <= POINTS < len(values)
    assert curve.x[curve.y.argmax()] == 3003 / 25
    player.close()


def test_curves_of_a_grade_are_shown_while_the_recording_is_the_one_that_was_graded(tmp_path):
    path = make_session(tmp_path, seconds=4.0)
    write_quality(path, SessionQuality(
        path.stem, "S01", "1" * 64, False, 4.0, "good", (), {}, "", "0"
    ))
    pos = Curve(np.arange(100) / 25, np.arange(100.0), "1")
    write_curves(path, "1" * 64, {"pos": pos, "lag_ms": pos})
    player = SessionPlayer(path)
    assert set(player.curves(0, 4)) == {"ppg"}          # before the grade was asked for
    assert player.timeline().grade == "good"
    shown = player.curves(1.0, 2.0)
    assert set(shown) == {"ppg", "pos"}
    assert shown["pos"].x.tolist() == pytest.approx(np.arange(24, 51) / 25)
    write_curves(path, "2" * 64, {"pos": pos})          # of another recording
    player.timeline()
    assert set(player.curves(0, 4)) == {"ppg"}
    player.close()
