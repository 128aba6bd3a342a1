"""The running normalisation comes to that of a whole video."""

import numpy as np
import pytest

from dataset.face.frames import motion
from models.live.running_motion import RunningMotion


def test_running_motion_comes_to_what_a_whole_video_s_is():
    rng = np.random.default_rng(0)
    frames = (256 * (120 + rng.normal(0, 2, (150, 36, 36, 3)))).astype(np.uint16)
    running = RunningMotion(cut_sd=3.0)
    assert running.add(frames[0], 0.0) is None
    changes = np.concatenate([running.add(frame, 0.04) for frame in frames[1:]])
    assert changes.dtype == np.float32
    assert np.abs(changes - motion(frames).transpose(0, 3, 1, 2))[25:].max() < 0.05
    assert running.strength == pytest.approx(1, abs=0.05)
    assert np.isfinite(RunningMotion(cut_sd=3.0).add(frames[0], 0.0) or 0)
    black = RunningMotion(cut_sd=3.0)
    black.add(np.zeros_like(frames[0]), 0.0)
    assert not black.add(np.zeros_like(frames[0]), 0.04).any()
