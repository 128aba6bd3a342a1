"""The networks as ONNX graphs, written node by node.

torch's own exporters were tried: the one by tracing is deprecated, and the one by dynamo warns of
its own internals, takes seconds a network and fixes how many pairs share a mask. Our graphs have
seven kinds of nodes. Written node by node they are the same bytes every time, need no torch beyond
the weights, and fold each batch normalisation into the convolution before it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from dataset.face.onnx_file import METADATA
from models.nets.can import SIZE, Student, Teacher

OPSET = 17       # ONNX Runtime 1.18 and later, and IR version 8 with it
IR_VERSION = 8


class Graph:
    """A graph under construction: every method adds a node and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add one node with one output."""
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output], name=output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, values: np.ndarray) -> str:
        """Add a constant array."""
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def convolution(self, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> str:
        """Add a convolution, with the batch normalisation after it folded in."""
        weight, bias = _float64(conv.weight), _float64(conv.bias)
        if norm is not None:
            gain = _float64(norm.weight) / np.sqrt(_float64(norm.running_var) + norm.eps)
            weight = weight * gain[:, None, None, None]
            bias = (bias - _float64(norm.running_mean)) * gain + _float64(norm.bias)
        height, width = conv.kernel_size
        pads = [height // 2, width // 2] * 2 if conv.padding == "same" else [0] * 4
        return self.add(
            "Conv", x, self.constant(weight.astype(np.float32)),
            self.constant(bias.astype(np.float32)), kernel_shape=[height, width], pads=pads,
        )

    def linear(self, x: str, layer: nn.Linear, *, output: str | None = None) -> str:
        """Add a fully connected layer."""
        return self.add(
            "Gemm", x, self.constant(_float32(layer.weight)), self.constant(_float32(layer.bias)),
            transB=1, output=output,
        )

    def prelu(self, x: str, layer: nn.PReLU, *, spatial: bool = True) -> str:
        """Add a PReLU with a slope for each channel."""
        slope = _float32(layer.weight)
        return self.add("PRelu", x, self.constant(slope[:, None, None] if spatial else slope))

    def max_pool(self, x: str, layer: nn.MaxPool2d) -> str:
        """Add a pooling; its last window may reach over the edge, as the layer is configured."""
        size, step = int(layer.kernel_size), int(layer.stride)  # type: ignore[arg-type]
        return self.add(
            "MaxPool", x, kernel_shape=[size] * 2, strides=[step] * 2,
            ceil_mode=int(layer.ceil_mode),
        )

    def model(
        self, inputs: Mapping[str, Sequence[int | str]], outputs: Mapping[str, Sequence[int | str]],
        constants: Mapping[str, object],
    ) -> onnx.ModelProto:
        """Return the finished model.

        Parameters
        ----------
        inputs, outputs : name -> shape, with names for free lengths
        constants : what is needed to use the network, kept in the file's metadata
        """
        def describe(tensors: Mapping[str, Sequence[int | str]]) -> list[onnx.ValueInfoProto]:
            return [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, shape in tensors.items()
            ]

        graph = helper.make_graph(
            self.nodes, str(constants["net"]), describe(inputs), describe(outputs), self.weights
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="acq",
            ir_version=IR_VERSION,
        )
        helper.set_model_props(model, {METADATA: json.dumps(constants, sort_keys=True)})
        onnx.checker.check_model(model, full_check=True)
        return model


def net_graph(net: Teacher | Student, constants: Mapping[str, object]) -> onnx.ModelProto:
    """Convert a teacher or a student, in evaluation mode, to an ONNX model.

    Inputs are `motion` (N, 3, 36, 36) and, for a teacher, `appearance` (M, 3, 36, 36), N a multiple
    of M; the output is `pulse` (N,), as `Teacher.forward` has them.
    """
    graph = Graph()
    inputs: dict[str, Sequence[int | str]] = {"motion": ["N", 3, SIZE, SIZE]}
    if isinstance(net, Teacher):
        inputs["appearance"] = ["M", 3, SIZE, SIZE]
        face = _add_stage(graph, "appearance", net.appearance1)
        first = _add_mask(graph, face, net.attention1.conv)
        second = _add_mask(
            graph, _add_stage(graph, _add_pool(graph, face), net.appearance2), net.attention2.conv
        )
        x = _add_pool(graph, _apply_mask(graph, _add_stage(graph, "motion", net.motion1), first))
        x = _add_pool(graph, _apply_mask(graph, _add_stage(graph, x, net.motion2), second))
    else:
        x = "motion"
        for stage in (net.stage1, net.stage2):
            x = _add_pool(graph, _add_stage(graph, x, stage))
    for layer in net.head:
        if isinstance(layer, nn.Flatten):
            x = graph.add("Flatten", x)
        elif isinstance(layer, nn.Linear):
            x = graph.linear(x, layer)
        elif isinstance(layer, nn.Tanh):
            x = graph.add("Tanh", x)
    graph.add("Squeeze", x, graph.constant(np.array([1])), output="pulse")
    return graph.model(inputs, {"pulse": ["N"]}, constants)


def _add_stage(graph: Graph, x: str, stage: nn.Module) -> str:
    """Add each convolution of a stage, with its batch normalisation and tanh."""
    conv = None
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d):
            conv = layer
        elif isinstance(layer, nn.BatchNorm2d) and conv is not None:
            x = graph.add("Tanh", graph.convolution(x, conv, layer))
    return x


def _add_pool(graph: Graph, x: str) -> str:
    return graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])


def _add_mask(graph: Graph, x: str, conv: nn.Conv2d) -> str:
    """Add an attention mask (M, 1, H, W) of mean 1/2."""
    mask = graph.add("Sigmoid", graph.convolution(x, conv))
    mean = graph.add("ReduceMean", mask, axes=[2, 3], keepdims=1)
    return graph.add("Div", mask, graph.add("Mul", mean, graph.constant(np.array(2, np.float32))))


def _apply_mask(graph: Graph, x: str, mask: str) -> str:
    """Multiply (N, C, H, W) by masks (M, 1, H, W), each for N / M successive pairs."""
    frames = graph.add("Shape", mask, start=0, end=1)
    rest = graph.add("Shape", x, start=1)
    shared = graph.add("Concat", frames, graph.constant(np.array([-1])), rest, axis=0)
    product = graph.add(
        "Mul", graph.add("Reshape", x, shared),
        graph.add("Unsqueeze", mask, graph.constant(np.array([1]))),
    )
    return graph.add("Reshape", product, graph.add("Shape", x))


def detector_graph(
    net: nn.Module, name: str, *, constants: Mapping[str, object]
) -> onnx.ModelProto:
    """Convert one of MTCNN's three networks, `pnet`, `rnet` or `onet` of facenet-pytorch.

    The input is `image` (N, 3, H, W), any size for `pnet`, 24x24 and 48x48 for the other two;
    outputs are `box`, the four corrections of a box, and `face`, the probability that it holds a
    face, for each position (P-Net) or image.
    """
    graph = Graph()
    layers = dict(net.named_children())
    x, spatial = "image", True
    for layer_name, layer in layers.items():
        if isinstance(layer, nn.Conv2d) and "_" not in layer_name:
            x = graph.convolution(x, layer)
        elif isinstance(layer, nn.PReLU):
            x = graph.prelu(x, layer, spatial=spatial)
        elif isinstance(layer, nn.MaxPool2d):
            x = graph.max_pool(x, layer)
        elif isinstance(layer, nn.Linear) and "_" not in layer_name:
            # facenet-pytorch's weights expect positions before channels, width before height.
            x = graph.linear(
                graph.add("Flatten", graph.add("Transpose", x, perm=[0, 3, 2, 1])), layer
            )
            spatial = False
    add = graph.linear if not spatial else graph.convolution
    (last,) = (
        layer_name.removesuffix("_1") for layer_name in layers
        if layer_name.endswith("_1") and not layer_name.startswith("softmax")
    )
    both = graph.add("Softmax", add(x, layers[f"{last}_1"]), axis=1)    # type: ignore[arg-type]
    graph.add("Gather", both, graph.constant(np.array(1)), axis=1, output="face")
    box = add(x, layers[f"{last}_2"])                                   # type: ignore[arg-type]
    graph.add("Identity", box, output="box")
    size: Sequence[int | str] = {"pnet": ("H", "W"), "rnet": (24, 24), "onet": (48, 48)}[name]
    positions: Sequence[str] = ("h", "w") if spatial else ()
    return graph.model(
        {"image": ["N", 3, *size]}, {"box": ["N", 4, *positions], "face": ["N", *positions]},
        constants,
    )


def count_multiply_adds(model: onnx.ModelProto) -> int:
    """Count the multiplications of convolutions and linear layers for one pair of frames.

    A teacher's masks are counted too: one frame's for one pair.
    """
    of_one_pair = onnx.ModelProto()
    of_one_pair.CopyFrom(model)
    for tensor in (*of_one_pair.graph.input, *of_one_pair.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = 1
    inferred = onnx.shape_inference.infer_shapes(
        of_one_pair, strict_mode=True, data_prop=True
    ).graph
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in inferred.value_info
    }
    weights = {weight.name: list(weight.dims) for weight in inferred.initializer}
    total = 0
    for node in inferred.node:
        if node.op_type in ("Conv", "Gemm"):
            # of one output: (out, in, ...) without the first axis
            multiplications = int(np.prod(weights[node.input[1]][1:]))
            total += multiplications * int(np.prod(shapes[node.output[0]]))
    return total


def _float64(tensor: Tensor | None) -> np.ndarray:
    assert tensor is not None    # all our layers have a bias or running statistics
    return tensor.detach().cpu().numpy().astype(np.float64)


def _float32(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float32)
