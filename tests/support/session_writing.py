"""Small session files, written by the real writer."""

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.session.writer import SessionWriter
from tests.support.fakes import HELLO

SMALL_CAMERA = CameraInfo("fake", 64, 48, 25.0, "I420", "start of exposure")


def open_writer(path, camera=SMALL_CAMERA):
    return SessionWriter(
        path, session_id=path.stem, subject="S01", camera=camera, hello=HELLO, port="/dev/x",
        started_unix_ns=1, started_monotonic_ns=2, simulated=True,
    )


def numbered_frame(number, camera=SMALL_CAMERA, image=None):
    """Return a frame of noise that follows from its number, unless an image is given."""
    if image is None:
        random = np.random.default_rng(number)
        image = random.integers(0, 256, camera.image_shape, dtype=np.uint8)
    return VideoFrame(image, 1000 * number, 1000 * number + 5, number)


def numbered_sample(number):
    """Return the arguments of `add_sample` for a sample whose value is its number."""
    return {
        "sequence": number, "ticks": number, "value": number, "flags": 0, "arrival_ns": number,
        "time_ns": number, "bound_ns": -1,
    }
