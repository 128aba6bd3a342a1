"""Pose and light as functions of subject time."""

import numpy as np

from acquire.simulation.subject import VirtualSubject


def test_behaviour_can_be_asked_for_at_any_time():
    behaviour = VirtualSubject("S01").behaviour
    forwards = [behaviour.at(t) for t in (59.9, 60.1, 3000.0)]
    again = VirtualSubject("S01").behaviour
    assert [again.at(t) for t in (3000.0, 60.1, 59.9)] == forwards[::-1]
    t_s = np.arange(50, 70, 0.02)                  # nothing jumps, not even from minute to minute
    x = np.array([[s.x_px, 100 * s.yaw_rad, 100 * s.gain] for s in map(behaviour.at, t_s)])
    assert np.abs(np.diff(x, axis=0)).max() < 2.0
    lids = np.array([behaviour.at(t).lids for t in np.arange(0, 60, 0.04)])
    assert 5 <= np.count_nonzero(np.diff((lids > 0.5).astype(int)) == 1) <= 40
