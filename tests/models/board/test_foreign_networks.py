"""Networks that acq did not make: tried before they are used, refused where they take too much."""

import hashlib
import json
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acquire.errors import TrainingError
from acquire.limits import MOST_NODES
from dataset.face.mtcnn import NETS, Mtcnn
from dataset.face.onnx_file import METADATA, OWN, run_checked
from dataset.face.onnx_graph import KINDS, find_foreign_node
from dataset.face.onnx_trial import try_network
from models.board.onnx_net import SHIPPED, open_net

CONSTANTS = {
    "format": "acq-board-1", "net": "student", "checkpoint": "hostile", "size": 36, "enlarge": 1.5,
    "unit": 256, "cut_sd": 3.0, "appearance_scale": 255, "min_probability": 0.9, "parameters": 1,
    "multiply_adds": 1,
}


def model(nodes, weights=(), functions=()):
    graph = helper.make_graph(
        nodes, "student",
        [helper.make_tensor_value_info("motion", TensorProto.FLOAT, ["N", 3, 36, 36])],
        [helper.make_tensor_value_info("pulse", TensorProto.FLOAT, ["N"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights],
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, functions=functions
    )
    helper.set_model_props(made, {METADATA: json.dumps(CONSTANTS)})
    return made.SerializeToString()


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def mean(before="motion", after="pulse"):
    return [node("ReduceMean", [before], after, axes=[1, 2, 3], keepdims=0)]


def loop():
    """Return a network that runs for ever where a pixel is above 1, as in no trial with zeros."""
    body = helper.make_graph(
        [node("Identity", ["condition"], "again"), node("Identity", ["x"], "y")], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("condition", TensorProto.BOOL, []),
         helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, []),
         helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    return model(
        [node("Loop", ["", "true", "motion"], "kept", body=body), *mean("kept")],
        [("true", np.array(True))],
    )


def doubled(times):
    nodes = [node("Concat", [f"x{i}", f"x{i}"], f"x{i + 1}", axis=3) for i in range(times)]
    return model([node("Identity", ["motion"], "x0"), *nodes, *mean(f"x{times}")])


NETWORKS = {
    "it loops": (loop(), "found a graph within a node"),
    "it allocates a constant": (
        model([node("ConstantOfShape", ["huge"], "x"), *mean("motion")],
              [("huge", np.array([2**40]))]),
        "found a node 'ConstantOfShape'",
    ),
    "it calls another domain": (
        model([node("Conv", ["motion"], "x", domain="com.microsoft"), *mean()]),
        "found a node of b'com.microsoft'",
    ),
    "functions": (
        model(mean(), functions=[helper.make_function(
            "f", "F", ["a"], ["b"], [node("Identity", ["a"], "b")], [helper.make_opsetid("", 17)]
        )]), "found functions",
    ),
    "many nodes": (
        model([node("Identity", ["motion"], f"x{i}") for i in range(MOST_NODES)] + mean()),
        f"found more than {MOST_NODES} nodes",
    ),
    "it doubles": (doubled(24), "one that takes more than 400 MB"),
    "it doubles beyond counting": (doubled(62), "little memory and time, found "),
    "it pads": (
        model([node("AveragePool", ["motion"], "x", kernel_shape=[2, 2], pads=[1, 1, 1, 1],
                    strides=[1, 1]),
               node("Conv", ["x", "w"], "y", pads=[30_000] * 4), *mean("y")],
              [("w", np.ones((1, 3, 3, 3), np.float32))]),
        "one that takes more than 400 MB",
    ),
    "it is slow": (
        model([node("Conv", ["motion", "w"], "x", pads=[400] * 4),
               node("Conv", ["x", "v"], "y", pads=[120] * 4), *mean("y")],
              [("w", np.ones((8, 3, 3, 3), np.float32)),
               ("v", np.ones((4, 8, 241, 241), np.float32))]),
        "no result within 3 s",
    ),
    "NaN": (
        model([node("Div", ["motion", "zero"], "x"), *mean("x")],
              [("zero", np.zeros(1, np.float32))]),
        "NaN, infinity or huge numbers as pulse",
    ),
    "huge numbers": (
        model([node("Mul", ["motion", "large"], "x"), node("Tanh", ["x"], "y"),
               node("Mul", ["y", "large"], "z"), *mean("z")],
              [("large", np.full(1, 1e30, np.float32))]),
        "NaN, infinity or huge numbers as pulse",
    ),
    "weights of NaN": (
        model([node("Mul", ["motion", "w"], "x"), *mean("x")],
              [("w", np.full(1, np.nan, np.float32))]),
        "NaN, infinity or huge numbers as pulse",
    ),
}


@pytest.mark.parametrize(("blob", "says"), NETWORKS.values(), ids=NETWORKS)
def test_a_hostile_network_is_refused_in_little_time(tmp_path, blob, says, monkeypatch):
    if says == "no result within 3 s":
        monkeypatch.setattr("dataset.face.onnx_trial.TRIAL_S", 3)
    path = tmp_path / "student.onnx"
    path.write_bytes(blob)
    begun = time.monotonic()
    with pytest.raises(TrainingError, match=says) as caught:
        open_net(path)
    assert time.monotonic() - begun < 45
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_networks_that_come_with_acq_are_known_and_need_no_trial(monkeypatch):
    files = [*SHIPPED.glob("*.onnx"), *NETS.glob("*.onnx")]
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == OWN
    assert all(not find_foreign_node(path.read_bytes()) for path in files)

    def refuse(*_):
        raise AssertionError("tried")

    monkeypatch.setattr("dataset.face.onnx_trial.subprocess.run", refuse)
    open_net(SHIPPED / "student.onnx")
    Mtcnn()


def test_every_kind_of_node_that_acq_writes_passes(tmp_path):
    """A network of one's own export, its bytes unlike the shipped ones, is tried and opened."""
    own = onnx.load(SHIPPED / "student-int8.onnx")
    own.doc_string = "mine"
    path = tmp_path / "student.onnx"
    path.write_bytes(own.SerializeToString())
    net = open_net(path)
    motion = np.random.default_rng(0).standard_normal((3, 3, 36, 36), np.float32)
    assert (net.predict(motion) == open_net(SHIPPED / "student-int8.onnx").predict(motion)).all()
    kinds = {
        node.op_type for file in (*SHIPPED.glob("*.onnx"), *NETS.glob("*.onnx"))
        for node in onnx.load(file).graph.node
    }
    assert kinds <= KINDS


@pytest.mark.parametrize(
    "blob",
    [b"", b"\x3a", b"\x3a\xff\xff\xff\xff\x7f", b"\xff" * 20, b"RIFF....AVI LIST", b"\0" * 9],
)
def test_bytes_that_are_no_network_are_none(blob):
    assert find_foreign_node(blob) in ("something else than a whole ONNX file", "no node")


def test_a_network_whose_output_is_none_later_is_refused_when_it_runs():
    class Network:
        def __init__(self, result):
            self.result = result

        def run(self, names, inputs):
            if isinstance(self.result, Exception):
                raise self.result
            return [self.result]

    for result, says in (
        (np.full(2, np.nan), "found NaN, infinity or huge"),
        (np.zeros(3), r"found the shape \(3,\)"),
        (RuntimeError("bad"), "expected to run the network x, found bad"),
    ):
        with pytest.raises(TrainingError, match=says):
            run_checked(Network(result), {}, {"pulse": (2,)}, name="x")


def test_a_face_finder_of_nan_is_tried_too():
    nan = onnx.load(NETS / "rnet.onnx")
    for weight in nan.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32:
            weight.CopyFrom(numpy_helper.from_array(np.full_like(values, np.nan), weight.name))
    assert "NaN" in try_network(nan.SerializeToString(), "rnet")
