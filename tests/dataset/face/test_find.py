from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import acquire
from acquire.errors import CurationError
from dataset.face import mtcnn
from dataset.face.box import FaceBox, detector_box, enlarge
from dataset.face.find import detect_face, find_face
from dataset.layouts.avi import read_bgr

PORTRAIT = Path(acquire.__file__).parent / "simulation" / "portrait" / "astronaut.png"


@pytest.fixture(scope="module")
def portrait():
    if not PORTRAIT.exists():
        pytest.skip(f"needs the portrait at {PORTRAIT}")
    return cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB)


def test_enlarge_about_the_centre_whatever_the_picture():
    box = FaceBox(100, 100, 200, 300, 0.99, 3)
    assert enlarge(box) == FaceBox(70, 40, 230, 360, 0.99, 3)
    assert enlarge(FaceBox(0, 0, 100, 200)) == FaceBox(-30, -60, 130, 260)


@pytest.mark.parametrize("factor", [1.0, 1.3, 1.6, 2.0])
def test_the_detector_s_box_comes_back_from_the_enlarged_one_to_the_pixel(factor):
    for width in range(3, 600):
        own = FaceBox(-7, 11, width - 7, 2 * width + 14, 0.95, 2)
        assert detector_box(enlarge(own, factor), factor) == own


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
    boxes = np.array(
        [[0.0, 0, 90, 90, 0.75], [10.2, 20.7, 40.5, 60.1, 0.999], [50, 50, 70, 70, 0.9999]]
    )
    monkeypatch.setattr(mtcnn.Mtcnn, "_cascade", lambda self, image: boxes)
    assert detect_face(np.zeros((100, 100, 3), np.uint8)) == FaceBox(10, 20, 41, 61, 0.999)


def test_late_face_is_found_and_said(portrait):
    empty = np.full_like(portrait, 90)
    assert find_face([empty] * 3 + [portrait] * 9, name="late.avi").frame == 5


def test_the_box_of_a_face_is_enlarged_to_1_6_of_its_sides(portrait):
    own = find_face([portrait], name="a.avi", factor=1)
    enlarged = find_face([portrait], name="a.avi")
    height, width = portrait.shape[:2]
    assert min(enlarged.left, enlarged.top) > 0
    assert enlarged.right < width
    assert enlarged.bottom < height
    assert enlarged.right - enlarged.left == pytest.approx(1.6 * (own.right - own.left), abs=2)
    assert enlarged.bottom - enlarged.top == pytest.approx(1.6 * (own.bottom - own.top), abs=2)


def test_a_face_that_is_cut_by_the_edge_keeps_its_shape(portrait):
    whole = detect_face(portrait)
    for cut in (30, 45):
        x0 = whole.left + cut - 10                 # a third and half of the face are gone
        box = detect_face(np.ascontiguousarray(portrait[:, x0:]))
        assert box.left < 0
        assert box.width / box.height == pytest.approx(whole.width / whole.height, abs=0.15)


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
