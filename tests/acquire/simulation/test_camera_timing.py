"""When frames are exposed: regular as a crystal, or as irregular as was asked for."""

import numpy as np
import pytest

from acquire.simulation.camera_timing import CameraTiming, FrameTiming


def exposed_s(fps, irregular, frames=6000):
    timing = CameraTiming(np.random.default_rng(2), fps=fps, irregular=irregular)
    assert timing.delivered_ns(0) > timing.exposed_ns(0) >= 0
    return np.array([timing.exposed_ns(n) for n in range(frames)]) * 1e-9


@pytest.mark.parametrize("fps", [7.0, 25.0, 60.0])
def test_a_regular_camera_keeps_its_rate_and_so_does_an_irregular_one(fps):
    for irregular in (None, FrameTiming(fps), FrameTiming(fps, jitter=0.2, long_steps=0.02)):
        at_s = exposed_s(fps, irregular)
        assert np.all(np.diff(at_s) > 0)
        assert (len(at_s) - 1) / (at_s[-1] - at_s[0]) == pytest.approx(fps, rel=2e-3)
        is_irregular = irregular is not None and irregular.jitter > 0
        off_s = np.abs(at_s - np.arange(len(at_s)) / fps).max()     # a crystal is off by 40 ppm
        assert off_s < (5.0 / fps if is_irregular else 41e-6 * at_s[-1] + 1e-3)


def test_jitter_and_long_steps_are_as_asked_for():
    steps = np.diff(exposed_s(30.0, FrameTiming(30.0, jitter=0.1))) * 30
    assert steps.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.1)
    steps = np.diff(exposed_s(30.0, FrameTiming(30.0, long_steps=0.02))) * 30
    assert (steps > 1.5).mean() == pytest.approx(0.02, abs=0.006)
