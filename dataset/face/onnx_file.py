"""Exported networks, opened by ONNX Runtime: without torch, and checked before they are used.

An export holds each network with what must be known to use it, as JSON under the key ``acq`` of the
file's metadata: which network it is, the size of its images, how a face is found, cropped and
averaged, where motion is cut. A file is read into memory and opened from there, so that it cannot
name other files as its weights.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquire.errors import Fix, TrainingError

from .box import SIZE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

METADATA = "acq"
FORMAT = "acq-board-1"
_LARGEST_BYTES = 64_000_000                      # the teacher has 3.2 million
_PAIR = (None, 3, SIZE, SIZE)
INPUTS = {  # of each network; None stands for any length
    "student": {"motion": _PAIR},
    "teacher": {"motion": _PAIR, "appearance": _PAIR},
    "pnet": {"image": (None, 3, None, None)},
    "rnet": {"image": (None, 3, 24, 24)},
    "onet": {"image": (None, 3, 48, 48)},
}


def open_network(path: Path, *nets: str, threads: int = 1) -> "tuple[InferenceSession, dict]":
    """Open one exported network; return it and the constants in its file.

    Parameters
    ----------
    nets : which it may be: "student", "teacher", "pnet", "rnet" or "onet"
    threads : of ONNX Runtime within a network

    Raises
    ------
    TrainingError : no ONNX Runtime, no such file, no export of ours, another network, other inputs
    """
    if find_spec("onnxruntime") is None:
        raise TrainingError(
            expected="ONNX Runtime", found="no package onnxruntime", fix=Fix.INSTALL_AGAIN
        )
    network = _open_blob(_read_blob(path), path, threads)
    constants = _read_constants(network, path)
    if (net := constants["net"]) not in nets:
        raise _not_usable(path, expected=f"a {' or '.join(nets)}", found=f"a {net}")
    if not _has_inputs_of(network, net):
        ports = ", ".join(
            f"{port.name} {port.type} {port.shape}"
            for port in (*network.get_inputs(), *network.get_outputs())
        )
        raise _not_usable(path, expected=f"the inputs and outputs of a {net}", found=ports)
    return network, constants


def _read_blob(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        blob = path.read_bytes() if 0 < size <= _LARGEST_BYTES else b""
    except OSError as error:
        raise _not_usable(path, expected="an exported network", found=error) from error
    if not blob:
        raise _not_usable(
            path, expected=f"an exported network of at most {_LARGEST_BYTES} bytes",
            found=f"{size} bytes",
        )
    return blob


def _open_blob(blob: bytes, path: Path, threads: int) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4     # errors reach the user as ours, in one line
    # a thread that spins while it waits takes a core from the recorder
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except Exception as error:         # ONNX Runtime's twelve errors share no other parent
        raise _not_usable(
            path, expected=f"a network that ONNX Runtime {onnxruntime.__version__} can run",
            found=" ".join(str(error).split())[:150],
        ) from error


def _has_inputs_of(network: "InferenceSession", net: str) -> bool:
    """Return whether a network has just the inputs and outputs of `net`, all of them float32."""
    inputs, outputs = network.get_inputs(), network.get_outputs()
    shapes = {
        port.name: tuple(side if isinstance(side, int) else None for side in port.shape)
        for port in inputs
    }
    expected_outputs = {"box", "face"} if "image" in shapes else {"pulse"}
    return (
        shapes == INPUTS[net]
        and {port.name for port in outputs} == expected_outputs
        and {port.type for port in (*inputs, *outputs)} == {"tensor(float)"}
    )


def _read_constants(network: "InferenceSession", path: Path) -> dict[str, Any]:
    text = network.get_modelmeta().custom_metadata_map.get(METADATA)
    if text is None:
        raise _not_usable(
            path, expected="a network that acq exported",
            found="an ONNX file without its constants",
        )
    from .onnx_constants import check_constants

    check_constants(text, path)
    return json.loads(text)


def _not_usable(path: Path, *, expected: str, found: object) -> TrainingError:
    return TrainingError(expected=expected, found=found, where=path, fix=Fix.EXPORT_AGAIN)
