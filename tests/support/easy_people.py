"""Virtual people on whom any network that works learns soon: still, and lit by a lamp that sways.

The lamp changes all colours alike, more strongly than the pulse and in its band, so that green
alone mistakes it for a pulse; the pulse has the colours of blood. The lamp may light all, or be
mirrored in a spot of the skin alone. Frames can be asked for in any size.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from dataset.face.box import FaceBox
from dataset.face.frames import UNIT, FaceFrames
from dataset.signals.filters import bandpass
from models.data.videos import change_of_ppg, to_curated_video

PULSE_RGB = np.array([0.33, 0.77, 0.53])
FS_HZ = 30.0


def easy_person(seed, *, seconds=20.0, late=0, flipped=False, lamp=0.03, in_spot=False):
    """Return a video of one person, `S<seed>`.

    Parameters
    ----------
    late : frames by which the finger's PPG is late
    flipped : whether the finger's PPG is upside down
    lamp : how much the light sways, its deviation relative to its mean
    in_spot : whether it lights a spot of the skin alone, about a fifth of the face
    """
    rng = np.random.default_rng(seed)
    frames = round(seconds * FS_HZ)
    time_s = np.arange(frames) / FS_HZ
    phase = 2 * np.pi * np.cumsum(_rate_bpm(rng, frames) / 60) / FS_HZ + rng.uniform(0, 6)
    pulse = np.sin(phase) + 0.3 * np.sin(2 * phase + 0.8)
    sway = bandpass(rng.normal(size=frames), FS_HZ)
    light = lamp * sway / sway.std()
    images = partial(_draw, seed, pulse, light, in_spot)
    small = FaceFrames(images(36), FaceBox(0, 0, 36, 36), "")
    ppg = bandpass(np.roll(pulse, late), FS_HZ) * (-1 if flipped else 1)
    video = to_curated_video(
        small, ppg, time_s=time_s, ppg_change=change_of_ppg(ppg, time_s),
        folder=f"train/subject{seed}", subject=f"S{seed}", session="a", simulated=True,
        video=Path("vid.avi"),
    )
    return replace(video, read_frames=images)


def _rate_bpm(rng, frames):
    """Return a heart rate that sways by some beats about its own mean."""
    sway = np.interp(np.arange(frames), np.linspace(0, frames, 8), rng.normal(0, 2, 8))
    return rng.uniform(55, 110) + sway


def _draw(seed, pulse, light, in_spot, size):
    """Return (T, size, size, 3) uint16 frames in 1/256 of a grey level."""
    rng = np.random.default_rng((seed, size))
    line = np.linspace(-1, 1, size)
    y, x = np.meshgrid(line, line, indexing="ij")
    skin = 1 / (1 + np.exp(8 * (np.hypot(x / 0.7, y / 0.9) - 1)))
    shade = 1 + 0.2 * (x * rng.normal() + y * rng.normal()) / 2
    face = np.array([170.0, 120.0, 95.0]) * rng.uniform(0.6, 1.1)
    room = rng.uniform(30, 90, 3)
    still = (skin[..., None] * face + (1 - skin[..., None]) * room) * shade[..., None]
    blood = 1 - 0.02 * skin[None, :, :, None] * PULSE_RGB * pulse[:, None, None, None]
    lit = 1.0
    if in_spot:
        # drawn by itself, so that everything else of a person stays as it is without a spot
        at_y, at_x = np.random.default_rng((seed, 1)).uniform(-0.4, 0.4, 2)
        lit = (np.hypot(x - at_x, y - at_y) < 0.4)[..., None]
    images = still * blood * (1 + light[:, None, None, None] * lit)
    images += rng.normal(0, 0.15, images.shape)
    return np.rint(images.clip(1, 255) * UNIT).astype(np.uint16)
