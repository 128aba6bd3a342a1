"""What an ONNX file would compute, read from its bytes before ONNX Runtime sees them.

The networks of acq are made of a few kinds of nodes, whose sizes follow from the sizes of their
inputs alone, never from values in them. In such a graph a trial on inputs of the largest sizes
shows what every later run takes. So any other kind of node is refused: loops and branches, which
may run for ever on one picture in a thousand, and functions, in which they could hide.

ONNX files are protocol buffers; read are only the few fields that say which nodes there are.

Source: onnx.proto of ONNX 1.16, and the wire format of protocol buffers.
"""

from collections.abc import Iterator
from contextlib import suppress

from acquire.limits import MOST_NODES

# Of the float32 and the 8-bit networks that `models.export` writes.
KINDS = frozenset({
    "AveragePool", "Concat", "Conv", "DequantizeLinear", "Div", "Flatten", "Gather", "Gemm",
    "Identity", "MaxPool", "Mul", "PRelu", "QuantizeLinear", "ReduceMean", "Reshape", "Shape",
    "Sigmoid", "Softmax", "Squeeze", "Tanh", "Transpose", "Unsqueeze",
})
# numbers of fields
_GRAPH, _METADATA, _FUNCTIONS = 7, 14, 25               # of ModelProto
_NODE = 1                                               # of GraphProto
_KIND, _ATTRIBUTE, _DOMAIN = 4, 5, 7                    # of NodeProto
_SUBGRAPHS = (6, 11)                                    # of AttributeProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5        # wire types


def find_foreign_node(blob: bytes) -> str:
    """Return what of a graph is not of acq's kinds, in words; "" where all is."""
    nodes = 0
    try:
        for number, graph in _fields(memoryview(blob)):
            if number == _FUNCTIONS:
                return "functions"
            for field, node in _fields(graph) if number == _GRAPH else ():
                if field != _NODE:
                    continue
                nodes += 1
                if nodes > MOST_NODES:
                    return f"more than {MOST_NODES} nodes"
                if foreign := _find_in_node(node):
                    return foreign
    except (IndexError, ValueError):
        return "something else than a whole ONNX file"
    return "" if nodes else "no node"


def find_metadata(blob: bytes, key: str) -> str | None:
    """Return the text under a key of the file's metadata; None where there is none."""
    with suppress(IndexError, ValueError):
        for number, entry in _fields(memoryview(blob)):
            pair = dict(_fields(entry)) if number == _METADATA else {}
            if pair.get(1) == key.encode():
                return bytes(pair.get(2, b"")).decode(errors="replace")
    return None


def _find_in_node(node: memoryview) -> str:
    kind = ""
    for number, value in _fields(node):
        if number == _KIND:
            kind = bytes(value).decode(errors="replace")
        elif number == _DOMAIN and len(value):
            return f"a node of {bytes(value)[:50]!r}"
        elif number == _ATTRIBUTE and any(field in _SUBGRAPHS for field, _ in _fields(value)):
            return "a graph within a node"
    return "" if kind in KINDS else f"a node {kind[:50]!r}"


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and bytes of each field that has a length.

    Raises
    ------
    IndexError, ValueError : it is no message
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == _VARINT:
            _, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
        elif wire == _BYTES:
            length, at = _varint(message, at)
            if length > len(message) - at:
                raise ValueError("a field beyond the end")
            yield key >> 3, message[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {wire}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number of too many bytes")
