"""Videos as tensors: of noise that shows how the PPG changes, or of a PPG that is known."""

from pathlib import Path

import numpy as np
import torch

from dataset.face.box import FaceBox
from models.data.videos import CuratedVideo, change_of_ppg


def made_video(pairs=32, seed=0):
    """Make a video of `pairs` + 1 frames at 25 Hz, other in every seed."""
    rng = np.random.default_rng(seed)
    change = rng.normal(size=pairs).astype(np.float32)
    motion = rng.normal(size=(pairs, 36, 36, 3)) + change[:, None, None, None]
    return CuratedVideo(
        folder=f"train/subject{seed + 1}", subject=f"S{seed + 1}", session="a", simulated=True,
        motion=torch.from_numpy(motion.astype(np.float16)),
        appearance=torch.from_numpy(rng.integers(0, 256, (pairs, 36, 36, 3)).astype(np.uint8)),
        ppg_change=torch.from_numpy(change), colour=np.full((pairs + 1, 3), 100.0),
        ppg=np.zeros(pairs + 1), time_s=np.arange(pairs + 1) / 25, video=Path("vid.avi"),
        box=FaceBox(0, 0, 36, 36),
    )


def video_of_ppg(ppg, time_s):
    """Make a grey, still video of a known PPG at known times."""
    pairs = len(time_s) - 1
    return CuratedVideo(
        folder="test/subject1", subject="S01", session="a", simulated=True,
        motion=torch.zeros(pairs, 36, 36, 3, dtype=torch.float16),
        appearance=torch.zeros(pairs, 36, 36, 3, dtype=torch.uint8),
        ppg_change=torch.from_numpy(change_of_ppg(ppg, time_s)),
        colour=np.full((len(time_s), 3), 100.0), ppg=ppg, time_s=time_s, video=Path("vid.avi"),
        box=FaceBox(0, 0, 36, 36),
    )


def tone(bpm, time_s):
    """Return a sine at a heart rate [bpm]."""
    return np.sin(2 * np.pi * bpm / 60 * time_s)
