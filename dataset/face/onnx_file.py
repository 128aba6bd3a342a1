"""Exported networks, opened by ONNX Runtime: without torch, and checked before they are used.

An export holds each network with what must be known to use it, as JSON under the key ``acq`` of the
file's metadata: which network it is, the size of its images, how a face is found, cropped and
averaged, where motion is cut. A file is read into memory and opened from there, so that it cannot
name other files as its weights. One that does not come with acq is tried in a process of its own
first (`dataset.face.onnx_trial`).
"""

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from acquire.documents import read_bytes
from acquire.errors import Fix, TrainingError, fix_of
from acquire.limits import LARGEST_NETWORK_BYTES, LARGEST_OUTPUT

from .box import SIZE
from .onnx_graph import find_foreign_node, find_metadata

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

METADATA = "acq"
FORMAT = "acq-board-1"
# SHA-256 of the networks that come with acq
OWN = frozenset({
    "1079e705ee6ae8f92413420312f23ff167f00f9426f8969151911697c10822b6",     # student
    "091d84f1af47bf486e31e8028d30232943a850c948c09f1e5ee0c0a0269964de",     # student, 8-bit
    "025e037b7146ebabe7f5332d4b9c84329645f0d659cec00cbd3dd7798313246f",     # pnet
    "f8a5a9297507b3e359e995c62711640321580adece2b1f2dd9fb592d81135c68",     # rnet
    "71425eebb847041143a7336724dfe2fdd000ca4d241c1c421afaf049316c48a8",     # onet
})
_tried: set[str] = set()                         # hashes of those that passed the trial
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
    blob = _read_blob(path)
    digest = hashlib.sha256(blob).hexdigest()
    if digest not in OWN | _tried:
        _try_foreign(blob, path)
        _tried.add(digest)
    network = _open_blob(blob, path, threads)
    constants = _read_constants(network, path)
    if (net := constants["net"]) not in nets:
        raise TrainingError(
            expected=f"a {' or '.join(nets)}", where=path, fix=Fix.NAME_NET,
            found=f"a {net}" + (", a part of the face finder" if "image" in INPUTS[net] else ""),
        )
    if not _has_inputs_of(network, net):
        ports = ", ".join(
            f"{port.name} {port.type} {port.shape}"
            for port in (*network.get_inputs(), *network.get_outputs())
        )
        raise _not_usable(path, expected=f"the inputs and outputs of a {net}", found=ports)
    return network, constants


def _read_blob(path: Path) -> bytes:
    try:
        blob = read_bytes(path, most=LARGEST_NETWORK_BYTES)
    except OSError as error:
        raise _not_usable(path, expected="an exported network", found=error) from error
    if not blob:
        raise _not_usable(path, expected="an exported network", found="an empty file")
    return blob


def _try_foreign(blob: bytes, path: Path) -> None:
    """Refuse a network that computes something else than acq's, or takes too much.

    Raises
    ------
    TrainingError : see `dataset.face.onnx_graph` and `dataset.face.onnx_trial`
    """
    if foreign := find_foreign_node(blob):
        raise _not_usable(path, expected="a network as acq exports them", found=foreign)
    text = find_metadata(blob, METADATA)
    if text is None:
        raise _no_constants(path)
    from .onnx_constants import check_constants
    from .onnx_trial import try_network

    check_constants(text, path)
    if fault := try_network(blob, json.loads(text)["net"]):
        raise _not_usable(
            path, expected="a network that runs in little memory and time", found=fault
        )


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
        raise _no_constants(path)
    from .onnx_constants import check_constants

    check_constants(text, path)
    return json.loads(text)


def _no_constants(path: Path) -> TrainingError:
    return _not_usable(
        path, expected="a network that acq exported", found="an ONNX file without its constants"
    )


def _not_usable(path: Path, *, expected: str, found: object) -> TrainingError:
    return TrainingError(
        expected=expected, found=found, where=path, fix=fix_of(found, Fix.EXPORT_AGAIN)
    )


def run_checked(
    network: "InferenceSession", inputs: dict[str, np.ndarray],
    outputs: dict[str, tuple[int, ...]], *, name: str,
) -> list[np.ndarray]:
    """Run a network; return its outputs, which have these shapes and are numbers of some size.

    Parameters
    ----------
    name : of the network, for errors

    Raises
    ------
    TrainingError : it fails, or an output is something else
    """
    try:
        results = [np.asarray(result) for result in network.run(list(outputs), inputs)]
    except Exception as error:         # ONNX Runtime's twelve errors share no other parent
        raise TrainingError(
            expected=f"to run the network {name}", found=error, fix=Fix.EXPORT_AGAIN
        ) from error
    for (output, shape), result in zip(outputs.items(), results, strict=True):
        if result.shape != shape or not (np.abs(result) <= LARGEST_OUTPUT).all():
            found = f"NaN, infinity or huge numbers of shape {result.shape}"
            raise TrainingError(
                expected=f"numbers of shape {shape} as {output} of the network {name}",
                found=found if result.shape == shape else f"the shape {result.shape}",
                fix=Fix.EXPORT_AGAIN,
            )
    return results
