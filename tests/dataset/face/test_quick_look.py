"""Is a face in view? A portrait, real frames, a virtual subject; and walls that are none."""

import cv2
import numpy as np
import pytest

from acquire.camera.source import CameraInfo
from acquire.simulation.subject import VirtualSubject
from dataset.face.quick_look import frame_luma, spot_face


def portrait(repo):
    return cv2.imread(str(repo / "acquire/simulation/portrait/astronaut.png"), cv2.IMREAD_GRAYSCALE)


def overlap(box, left, top, right, bottom):
    """Intersection over union with a box."""
    wide = min(box.right, right) - max(box.left, left)
    high = min(box.bottom, bottom) - max(box.top, top)
    both = max(wide, 0) * max(high, 0)
    return both / (
        (box.right - box.left) * (box.bottom - box.top) + (right - left) * (bottom - top) - both
    )


def test_the_portrait_has_a_face_where_it_is(repo):
    face = spot_face(portrait(repo))
    assert face is not None
    assert overlap(face, 175, 65, 275, 185) > 0.5
    assert spot_face(portrait(repo)[250:]) is None                     # the suit alone


@pytest.mark.parametrize("subject", ["S01", "S04"])
def test_the_virtual_subject_has_one(subject):
    frame = VirtualSubject(subject).frame(3.0, 75)
    assert (
        spot_face(frame_luma(frame, CameraInfo("virtual", 640, 360, 25.0, "I420", "simulated")))
        is not None
    )


def test_walls_have_none():
    rng = np.random.default_rng(0)
    for wall in (
        np.full((360, 640), 180.0), np.tile(np.linspace(40, 220, 640), (360, 1)),
        rng.normal(128, 40, (360, 640)),
    ):
        assert (
            spot_face((wall + rng.normal(0, 3, (360, 640))).clip(0, 255).astype(np.uint8)) is None
        )


@pytest.mark.shared
def test_the_real_face_is_seen_throughout(real_face):
    video = cv2.VideoCapture(str(real_face / "video.mkv"))
    seen = 0
    for _ in range(10):
        for _ in range(20):
            good, image = video.read()
            assert good
        seen += (
            spot_face(
                frame_luma(
                    image[:, :, ::-1].copy(), CameraInfo("replay", 640, 360, 30.0, "RGB", "file")
                )
            )
            is not None
        )
    assert seen == 10
