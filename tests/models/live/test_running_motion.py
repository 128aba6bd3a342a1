"""The running normalisation comes to that of a whole video; plain differences are the same."""

import numpy as np
import pytest

from dataset.face.frames import difference, motion
from models.live.running_motion import RunningMotion


@pytest.mark.parametrize("kind", ["normalised", "standardised"])
def test_running_motion_comes_to_what_a_whole_video_s_is(kind):
    rng = np.random.default_rng(0)
    frames = (256 * (120 + rng.normal(0, 2, (150, 36, 36, 3)))).astype(np.uint16)
    frames[:, :12] //= 4                     # a dark part: the kinds differ there
    running = RunningMotion(kind)
    assert running.add(frames[0], 0.0) is None
    changes = np.concatenate([running.add(frame, 0.04) for frame in frames[1:]])
    assert changes.dtype == np.float32
    assert np.abs(changes - motion(frames, kind).transpose(0, 3, 1, 2))[25:].max() < 0.05
    assert running.strength == pytest.approx(1, abs=0.05)
    assert np.isfinite(RunningMotion(kind).add(frames[0], 0.0) or 0)
    black = RunningMotion(kind)
    black.add(np.zeros_like(frames[0]), 0.0)
    assert not black.add(np.zeros_like(frames[0]), 0.04).any()


def test_plain_differences_while_frames_come_are_those_of_a_whole_video():
    rng = np.random.default_rng(0)
    frames = (256 * (120 + rng.normal(0, 2, (30, 36, 36, 3)))).astype(np.uint16)
    frames[10:, :4] = 0                    # the box leaves the picture
    running, normalised = RunningMotion("difference"), RunningMotion()
    changes = [running.add(frame, 0.04) for frame in frames]
    assert changes[0] is None
    assert np.array_equal(np.concatenate(changes[1:]), difference(frames).transpose(0, 3, 1, 2))
    for frame in frames:
        normalised.add(frame, 0.04)
    assert running.strength == normalised.strength > 0      # states are told by relative changes
    running.forget_frame()
    assert running.add(frames[0], 0.04) is None
