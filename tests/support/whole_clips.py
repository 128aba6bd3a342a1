"""A tiny face with a known pulse, filmed, and what reads it whole."""

import numpy as np

from models.live.pulse import LivePulse
from tests.support.live_scenes import FACE, RedOverGreen, Scene
from tests.support.made_videos import write_video

FPS = 29.97            # of `write_video`
BPM = 72.0


def film(path, seconds, *, bpm=BPM, level=None):
    """Write a video of a scene; `level` returns the light at a time [s]."""
    scene, frames = Scene(bpm=bpm), []
    for at in range(round(seconds * FPS)):
        if level is not None:
            scene.level = level(at / FPS)
        frames.append(np.ascontiguousarray(scene.picture(at / FPS)[:, :, ::-1]))
    write_video(path, frames)
    return path


def find_where_light(image):
    """Find the face unless the light is low, as it is while the person is away."""
    return [FACE] if image.mean() > 100 else []


def pulse():
    return LivePulse(RedOverGreen(), find_where_light)
