from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import acquire  # noqa: E402
from acquire.errors import CurationError  # noqa: E402
from dataset import face  # noqa: E402
from dataset.face import FaceBox, batched_nms, detect_face, enlarge, find_face, nms  # noqa: E402
from dataset.video import read_bgr  # noqa: E402

PORTRAIT = Path(acquire.__file__).parent / "portrait" / "astronaut.png"


@pytest.fixture(scope="module")
def portrait():
    if not PORTRAIT.exists():
        pytest.skip(f"needs the portrait at {PORTRAIT}")
    return cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB)


# Two 10x10 boxes moved apart by d along x overlap by 10(10 - d) of 100 + 100: IoU = (10 - d) / (10 + d).
@pytest.mark.parametrize(
    ("shift", "threshold", "kept"),
    [
        pytest.param(0, 0.5, [1], id="same box, the better one stays"),
        pytest.param(2, 0.66, [1], id="IoU 0.667 above 0.66"),
        pytest.param(2, 0.67, [1, 0], id="IoU 0.667 below 0.67"),
        pytest.param(5, 1 / 3, [1, 0], id="IoU equal to the threshold stays"),
        pytest.param(10, 0.0, [1, 0], id="touching edges do not overlap"),
        pytest.param(30, 0.1, [1, 0], id="far apart"),
    ],
)
def test_nms_by_hand(shift, threshold, kept):
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [shift, 0.0, 10.0 + shift, 10.0]], dtype=torch.float64)
    assert nms(boxes, torch.tensor([0.6, 0.9]), threshold).tolist() == kept


def test_nms_chain():
    # b hides a and c, which do not overlap each other; without b both stay.
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10]])
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.6]), 0.3).tolist() == [1]
    assert nms(boxes, torch.tensor([0.9, 0.5, 0.6]), 0.3).tolist() == [0, 2]
    assert nms(boxes[:0], torch.empty(0), 0.3).tolist() == []


def test_batched_nms_keeps_groups_apart():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [-5, 0, 5, 10]])
    groups = torch.tensor([0, 1, 1])
    assert batched_nms(boxes, torch.tensor([0.5, 0.9, 0.6]), groups, 0.3).tolist() == [1, 0]
    assert batched_nms(boxes[:0], torch.empty(0), groups[:0], 0.3).tolist() == []


def test_enlarge_about_the_centre_and_clip():
    box = FaceBox(100, 100, 200, 300, 0.99, 3)
    assert enlarge(box, 1.6, 640, 480) == FaceBox(70, 40, 230, 360, 0.99, 3)
    assert enlarge(box, 1.6, 210, 310) == FaceBox(70, 40, 210, 310, 0.99, 3)


def test_portrait_has_one_face(portrait):
    box = detect_face(portrait)
    assert box is not None
    assert box.probability > 0.999
    # The face of that picture: eyes at about (200, 105) and (245, 110), chin at about 175.
    assert 155 < box.left < 195
    assert 255 < box.right < 285
    assert 55 < box.top < 90
    assert 165 < box.bottom < 205


def test_a_large_pattern_does_not_hide_a_smaller_face(monkeypatch):
    class Detector:
        def detect(self, image):
            return np.array([[0.0, 0, 90, 90], [10.2, 20.7, 40.5, 60.1], [50, 50, 70, 70]]), [0.75, 0.999, 0.9999]

    monkeypatch.setattr(face, "_mtcnn", Detector)
    assert detect_face(np.zeros((100, 100, 3), np.uint8)) == FaceBox(10, 20, 41, 61, 0.999)


def test_late_face_is_found_and_said(portrait):
    empty = np.full_like(portrait, 90)
    assert find_face([empty] * 3 + [portrait] * 9, name="late.avi").frame == 5


def test_no_face_names_the_video():
    with pytest.raises(CurationError, match=r"empty\.avi.*30 frames"):
        find_face(iter([np.full((120, 160, 3), 90, np.uint8)] * 60), name="empty.avi")


@pytest.mark.shared
def test_real_face(real_face):
    bgr = next(iter(read_bgr(real_face / "video.mkv")))
    box = detect_face(bgr[:, :, ::-1])
    assert box is not None
    assert box.probability > 0.99
    assert box.right - box.left > 60
