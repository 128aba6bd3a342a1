"""Frames kept of the videos of a made folder, as `acq train-kd` keeps them."""

import json

import numpy as np

from acquire import data_folder
from dataset.face.frames import cache_key


def keep_frames(data, entries):
    """Write black frames of every video of a manifest; return the folder they are in."""
    cache = data_folder.frames_cache(data)
    cache.mkdir(parents=True)
    for entry in entries:
        key = cache_key(entry.video.file_sha256)
        np.save(cache / f"{key}.npy", np.zeros((entry.frames, 36, 36, 3), np.uint16))
        (cache / f"{key}.json").write_text(
            json.dumps({"video": "vid.avi", "video_sha256": entry.video.file_sha256, "box": {}})
        )
    return cache
