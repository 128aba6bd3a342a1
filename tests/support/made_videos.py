"""Small AVI files of random pixels."""

import numpy as np

from dataset.layouts.avi import VideoWriter


def pictures(count, width=34, height=22):
    """Return (height, width, 3) uint8 pictures, each different, the same every time."""
    return [
        np.random.default_rng(i).integers(0, 256, (height, width, 3), dtype=np.uint8)
        for i in range(count)
    ]


def write_video(path, frames, codec="rawvideo"):
    """Write frames as an AVI and return the hash of their pixels."""
    height, width = frames[0].shape[:2]
    with VideoWriter(path, codec=codec, width=width, height=height, fps=29.97) as video:
        for bgr in frames:
            video.add(bgr)
    return video.pixels
