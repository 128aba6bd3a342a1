"""Exported networks compute what torch computes; other files are refused."""

import json
from typing import get_args, get_type_hints

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from acquire.errors import Fix, TrainingError
from dataset.face import box, frames
from dataset.face.onnx_constants import _PulseConstants
from dataset.face.onnx_file import METADATA
from models.board.onnx_net import open_net
from models.live.pulse import open_live_pulse
from models.nets.checkpoint import load_checkpoint
from tests.support.boards import make_board


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("exported")
    make_board(root)
    return root


def inputs(pairs, clips):
    rng = np.random.default_rng(pairs)
    return rng.normal(size=(pairs, 3, 36, 36)).astype(np.float32), rng.random(
        (clips, 3, 36, 36), np.float32
    )


@pytest.mark.parametrize(
    ("name", "checkpoint"), [("student", "student_kd"), ("teacher", "teacher")]
)
@pytest.mark.parametrize(("pairs", "clips"), [(1, 1), (6, 2), (5, 5)])
def test_as_torch(folder, name, checkpoint, pairs, clips):
    net = load_checkpoint(folder / "runs" / "untrained" / f"{checkpoint}.safetensors").net
    motion, appearance = inputs(pairs, clips)
    with torch.no_grad():
        expected = net(torch.from_numpy(motion), torch.from_numpy(appearance)).pulse.numpy()
    computed = open_net(folder / "board" / f"{name}.onnx").predict(motion, appearance)
    assert computed.shape == (pairs,)
    assert computed.dtype == np.float32
    np.testing.assert_allclose(computed, expected, atol=1e-5)
    assert np.ptp(expected) > 1e-3 or pairs == 1


def test_the_constants_are_in_the_file(folder):
    from dataset.face.box import ENLARGE
    from dataset.face.frames import CUT_SD, UNIT

    constants = open_net(folder / "board" / "student.onnx").constants
    assert {
        name: constants[name]
        for name in ("net", "checkpoint", "size", "enlarge", "cut_sd", "unit", "precision")
    } == {
        "net": "student", "checkpoint": "student_kd", "size": 36, "enlarge": ENLARGE,
        "cut_sd": CUT_SD, "unit": UNIT, "precision": "float32",
    }


def test_other_shapes_are_a_mistake_of_the_caller(folder):
    student, teacher = (
        open_net(folder / "board" / f"{name}.onnx") for name in ("student", "teacher")
    )
    motion, appearance = inputs(6, 4)
    for call in (
        lambda: student.predict(motion[0]), lambda: student.predict(motion[:, :, 1:]),
        lambda: teacher.predict(motion), lambda: teacher.predict(motion, appearance),
        lambda: teacher.predict(motion, appearance[:0]),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()


def changed(path, into, **constants):
    """Copy an export with other constants; None takes one out."""
    model = onnx.load(path)
    (known,) = (json.loads(entry.value) for entry in model.metadata_props)
    left = {key: value for key, value in {**known, **constants}.items() if value is not None}
    onnx.helper.set_model_props(model, {METADATA: json.dumps(left)})
    into.write_bytes(model.SerializeToString())
    return into


@pytest.mark.parametrize(("constants", "words"), [
    ({"format": "acq-board-9"}, "'acq-board-9', which is not allowed, at .*format"),
    ({"size": 72}, "72, which is not allowed, at .*size"),
    ({"enlarge": "much"}, "text instead of .* at .*enlarge"),
    ({"cut_sd": None}, "cut_sd"),
    ({"cut_sd": 5.0}, "at most 3 at .*cut_sd"),
    ({"motion": "plain"}, "'plain', which is not allowed, at .*motion"),
    ({"net": "pnet"}, "smallest_px"),
    ({"net": "cnn"}, "'cnn', which is not allowed, at .*net"),
    ({"net": ["student"]}, "a list instead of .* at .*net"),
    ({"checkpoint": 3}, "a whole number instead of .* at .*checkpoint"),
    ({"preprocessing_version": 99}, "99, which is not allowed, at .*preprocessing_version"),
    ({"detector": "haar"}, "'haar', which is not allowed, at .*detector"),
    ({"channels": "BGR"}, "'BGR', which is not allowed, at .*channels"),
    ({"trained_fps": 0}, "at .*trained_fps"),
    ({"net": "teacher"}, "expected the inputs and outputs of a teacher"),
])
def test_other_constants_are_refused(folder, tmp_path, constants, words):
    path = changed(folder / "board" / "student.onnx", tmp_path / "changed.onnx", **constants)
    with pytest.raises(TrainingError, match=words) as caught:
        open_net(path)
    assert str(path) in str(caught.value)


def test_files_that_are_no_export_are_refused(folder, tmp_path):
    student = (folder / "board" / "student.onnx").read_bytes()
    foreign = onnx.load_from_string(student)
    del foreign.metadata_props[:]
    blobs = {
        "empty": b"", "cut": student[:5000], "text": b"no network",
        "foreign": foreign.SerializeToString(),
    }
    for name, blob in blobs.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(blob)
        with pytest.raises(TrainingError, match=f"{name}.onnx") as caught:
            open_net(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match="found nothing at"):
        open_net(tmp_path / "none.onnx")
    with pytest.raises(
        TrainingError, match="a student or teacher, found a pnet, a part of the face finder"
    ):
        open_net(folder / "board" / "pnet.onnx")
    pairs = onnx.load_from_string(student)
    pairs.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 10
    (tmp_path / "pairs.onnx").write_bytes(pairs.SerializeToString())
    with pytest.raises(
        TrainingError, match=r"inputs and outputs of a student, found .*\[10, 3, 36, 36\]"
    ):
        open_net(tmp_path / "pairs.onnx")


def test_weights_in_another_file_are_not_read(folder, tmp_path):
    model = onnx.load(folder / "board" / "student.onnx")
    onnx.save(
        model, tmp_path / "outside.onnx", save_as_external_data=True, location="weights.bin",
        size_threshold=0,
    )
    assert (tmp_path / "weights.bin").stat().st_size > 90_000
    with pytest.raises(TrainingError, match=r"outside\.onnx"):
        open_net(tmp_path / "outside.onnx")


def test_the_face_finder_alone_is_named_as_such(folder, tmp_path):
    alone = tmp_path / "pnet.onnx"
    alone.write_bytes((folder / "board" / "pnet.onnx").read_bytes())
    with pytest.raises(TrainingError, match="found a pnet, a part of the face finder") as caught:
        open_live_pulse(alone)
    assert caught.value.fix is Fix.NAME_NET


def test_the_constants_that_are_asked_for_are_those_of_this_version():
    """They are written out in `onnx_constants`, which loads nothing."""
    made = {"detector": box.DETECTOR, "preprocessing_version": frames.VERSION, "size": box.SIZE}
    known = get_type_hints(_PulseConstants)
    assert {name: get_args(known[name])[0] for name in made} == made
    assert get_args(known["motion"]) == get_args(frames.Motion)
