"""MTCNN on ONNX Runtime finds what MTCNN in torch finds."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import acquire
from acquire.errors import Fix, TrainingError
from acquire.simulation.subject import VirtualSubject
from dataset.face import mtcnn
from dataset.face.mtcnn import Mtcnn
from dataset.layouts.avi import read_bgr

PORTRAIT = Path(acquire.__file__).parent / "simulation" / "portrait" / "astronaut.png"


@pytest.fixture(scope="module")
def finder():
    return Mtcnn()


@pytest.fixture(scope="module")
def portrait():
    return cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB)


def sides(box):
    return np.array([box.left, box.top, box.right, box.bottom])


def needs_facenet_pytorch():
    """Look, and do not import: `models.export.facenet_mtcnn` imports it in its own way."""
    if find_spec("facenet_pytorch") is None:
        pytest.skip("needs the extra `train`: pip install 'acq[train]'")


def assert_as_torch(finder, image):
    needs_facenet_pytorch()
    from models.export.facenet_mtcnn import detect_face_in_torch

    meant = detect_face_in_torch(image)
    found = finder.find(image)
    assert meant is not None
    assert np.abs(sides(found[0]) - sides(meant)).max() <= 1
    assert found[0].probability == pytest.approx(meant.probability, abs=1e-3)
    assert all(type(side) is int for side in (found[0].left, found[0].bottom))


@pytest.mark.parametrize(("width", "height"), [(512, 512), (640, 360), (333, 201), (90, 70)])
def test_the_portrait_s_box_at_any_size(finder, portrait, width, height):
    assert_as_torch(finder, cv2.resize(portrait, (width, height), interpolation=cv2.INTER_AREA))


def test_a_virtual_face_s_box(finder):
    # the darkest
    assert_as_torch(
        finder, cv2.cvtColor(VirtualSubject("S06").frame(0.0, 0), cv2.COLOR_YUV2RGB_I420)
    )


@pytest.mark.shared
def test_a_real_face_s_box(finder, real_face):
    assert_as_torch(finder, next(iter(read_bgr(real_face / "video.mkv")))[:, :, ::-1])


def test_of_two_faces_the_larger_is_the_first(finder, portrait):
    image = np.zeros((192, 320, 3), np.uint8)
    image[:128, :128], image[:, 128:] = (
        cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA) for side in (128, 192)
    )
    larger, smaller = finder.find(image)
    assert smaller.right < 128 < larger.left
    assert_as_torch(finder, image)


def test_the_box_of_a_face_at_the_edge_leaves_the_image(finder, portrait):
    box = finder.find(np.ascontiguousarray(portrait[75:300, 195:420]))[0]
    assert box.left < 0 < box.right
    assert box.top < 0 < box.bottom


@pytest.mark.parametrize("image", [
    pytest.param(np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8), id="noise"),
    pytest.param(np.zeros((240, 320, 3), np.uint8), id="dark"),
    pytest.param(np.full((9, 400, 3), 90, np.uint8), id="lower than a face"),
])
def test_no_face(finder, image):
    assert finder.find(image) == []


def test_boxes_that_overlap_as_torch_drops_them():
    torch = pytest.importorskip("torch")
    from models.export.facenet_mtcnn import nms

    rng = np.random.default_rng(1)
    first = rng.integers(0, 60, (80, 2))
    boxes = np.column_stack([first, first + rng.integers(5, 40, (80, 2)), rng.random(80)]).astype(
        np.float32
    )
    for threshold in (0.3, 0.5, 0.7):
        kept = mtcnn._suppress(boxes, threshold)
        assert (
            kept.tolist()
            == nms(
                torch.from_numpy(boxes[:, :4]), torch.from_numpy(boxes[:, 4]), threshold
            ).tolist()
        )
        assert 0 < len(kept) < 80
    # all of the smaller, a hundredth of the larger
    inside = np.array([[0, 0, 99, 99, 0.9], [0, 0, 9, 9, 0.8]], np.float32)
    assert mtcnn._suppress(inside, 0.7).tolist() == [0, 1]
    assert mtcnn._suppress(inside, 0.7, of_smaller=True).tolist() == [0]


def test_a_missing_net_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"pnet\.onnx") as caught:
        Mtcnn(tmp_path)
    assert caught.value.fix is Fix.EXPORT_AGAIN
