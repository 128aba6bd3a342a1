"""What is seen in a picture: the face, its place, the light, the focus."""

import cv2
import numpy as np
import pytest

from acquire.errors import AcqError
from acquire.simulation.rig import camera_info
from acquire.simulation.subject import VirtualSubject
from dataset.face.box import FaceBox
from dataset.preflight.result import FAIL, OK, WARN
from dataset.preflight.view import (
    check_light,
    check_picture,
    check_place,
    frame_to_sit_in,
    look_at,
    save_picture,
)


@pytest.fixture(scope="module")
def seen():
    """Return a frame of a virtual subject, and its camera."""
    subject = VirtualSubject("S01", seed=0)
    subject.prepare()
    return subject.frame(1.0, 0), camera_info(subject, 25.0)


def by_name(view):
    return {check.name: check for check in view.checks}


@pytest.mark.parametrize(
    ("level", "status", "word"), [(20, WARN, "dark"), (130, OK, "130"), (240, WARN, "bright")]
)
def test_light(level, status, word):
    check = check_light(np.full((40, 40), level, np.uint8), "the face")
    assert check.status == status
    assert word in check.text
    blown = np.full((40, 40), 120, np.uint8)
    blown[:4] = 255
    assert check_light(blown, "the face").status == WARN


def test_a_face_is_sharp_until_it_is_blurred(seen):
    image, camera = seen
    assert {name: check.status for name, check in by_name(look_at(image, camera)).items()} == {
        "light": OK, "face": OK, "place": OK, "focus": OK,
    }
    image = image.copy()
    image[: camera.height] = cv2.GaussianBlur(image[: camera.height], (0, 0), 2.0)
    blurred = by_name(look_at(image, camera))
    assert (blurred["face"].status, blurred["focus"].status) == (OK, WARN)


def test_without_a_face_only_the_light_is_told(seen):
    image, camera = seen
    view = look_at(np.full_like(image, 128), camera, with_subject=True)
    assert {name: check.status for name, check in by_name(view).items()} == {
        "light": OK, "face": FAIL,
    }
    assert view.face is None


@pytest.mark.parametrize(
    ("left", "top", "side", "words"),
    [
        pytest.param(250, 110, 140, "in the frame", id="in the middle"),
        pytest.param(170, 110, 140, "at its left, by 6", id="left"),
        pytest.param(250, 200, 140, "at its bottom, by 16", id="low"),
        pytest.param(280, 140, 80, "too far", id="far"),
        pytest.param(150, 10, 330, "too near", id="near"),
    ],
)
def test_the_place_of_a_face(left, top, side, words):
    frame = frame_to_sit_in(640, 360)
    assert (frame.left, frame.top, frame.right, frame.bottom) == (176, 36, 464, 324)
    check = check_place(FaceBox(left, top, left + side, top + side), frame)
    assert words in check.text
    assert check.status == (OK if words == "in the frame" else WARN)


def test_the_picture_has_both_boxes_and_is_for_its_owner(tmp_path, seen):
    image, camera = seen
    view = look_at(image, camera)
    path = tmp_path / "look.png"
    save_picture(path, image, camera, view)
    assert path.stat().st_mode & 0o077 == 0
    drawn, plain = cv2.imread(str(path)), cv2.cvtColor(image, cv2.COLOR_YUV2BGR_I420)
    changed = np.any(drawn != plain, axis=2)
    for box in (view.frame, view.face):
        assert changed[box.top, box.left : box.right].all()
        assert changed[box.top : box.bottom, box.right - 1].all()
    assert not changed[: view.frame.top - 3].any()
    with pytest.raises(AcqError, match="it there"):
        check_picture(path, replace=False)
    check_picture(path, replace=True)
    with pytest.raises(AcqError, match="a folder for look"):
        check_picture(tmp_path / "no" / "look.png", replace=False)
    with pytest.raises(AcqError, match="png"):
        check_picture(tmp_path / "look.gif", replace=False)
