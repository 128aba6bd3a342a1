"""Exported networks, opened by ONNX Runtime: no torch, one thread, nothing in a file believed
before it is looked at.

`acq export` writes each network with what must be known to use it, as JSON under the key ``acq`` of
the file's metadata: which network it is, the size of its images, how a face is found, cropped and
averaged, where motion is cut. A file is read into memory and opened from there, so that it cannot
name other files as its weights.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.errors import TrainingError

from .box import SIZE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

METADATA = "acq"
FORMAT = "acq-board-1"
_LARGEST = 64_000_000                            # bytes; the teacher has 3.2 million
_PAIR = (None, 3, SIZE, SIZE)
INPUTS = {  # of each network; None stands for any length
    "student": {"motion": _PAIR},
    "teacher": {"motion": _PAIR, "appearance": _PAIR},
    "pnet": {"image": (None, 3, None, None)},
    "rnet": {"image": (None, 3, 24, 24)},
    "onet": {"image": (None, 3, 48, 48)},
}
_NUMBERS = (  # which must be there, and between what: of a student or teacher, of a detector
    {
        "size": (SIZE, SIZE), "enlarge": (1, 5), "unit": (1, 65536), "cut_sd": (0.1, 100),
        "appearance_scale": (1, 65536), "min_probability": (0, 1), "parameters": (1, 1e9),
        "multiply_adds": (1, 1e12),
    },
    {
        "smallest_px": (12, 10_000), "factor": (0.1, 0.9), "min_probability": (0, 1),
        "threshold_p": (0, 1), "threshold_r": (0, 1), "threshold_o": (0, 1),
    },
)


def open_session(path: Path, *nets: str, threads: int = 1) -> "tuple[InferenceSession, dict]":
    """Open one exported network.

    Parameters
    ----------
    nets : which it may be: "student", "teacher", "pnet", "rnet" or "onet"
    threads : of ONNX Runtime within a network

    Returns
    -------
    the session and the constants in the file

    Raises
    ------
    TrainingError : no ONNX Runtime, no such file, no export of ours, another network, other inputs
    """
    if find_spec("onnxruntime") is None:
        raise TrainingError("expected the extra `board`, found no onnxruntime in this environment; "
                            "pip install -c constraints.txt -e '.[board]'")
    import onnxruntime

    try:
        size = path.stat().st_size
        blob = path.read_bytes() if 0 < size <= _LARGEST else b""
    except OSError as error:
        raise TrainingError(
            f"expected an exported network at {path}, got {error.strerror or error}; run acq export"
        ) from error
    if not blob:
        raise TrainingError(
            f"expected an exported network of at most {_LARGEST} bytes at {path}, found {size}; "
            "acq export again"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4     # errors reach the user as ours, in one line
    # the recorder needs the core
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except Exception as error:    # ONNX Runtime's twelve errors share no other parent
        reason = " ".join(str(error).split())[:150]
        raise TrainingError(
            f"expected a network that ONNX Runtime {onnxruntime.__version__} can run at {path}, "
            f"got: {reason}; "
            "run acq export again"
        ) from error
    constants = _constants(session, path)
    if (net := constants["net"]) not in nets:
        raise TrainingError(
            f"expected a {' or '.join(nets)} at {path}, found a {net}; run acq export again"
        )
    if not _fits(session, net):
        found = ", ".join(
            f"{one.name} {one.type} {one.shape}"
            for one in (*session.get_inputs(), *session.get_outputs())
        )
        raise TrainingError(
            f"expected the inputs and outputs of a {net} at {path}, found {found}; run acq export "
            "again"
        )
    return session, constants


def _fits(session: "InferenceSession", net: str) -> bool:
    """Say whether a session has just the inputs and outputs of a network, all of them float32."""
    sides = {
        one.name: tuple(side if isinstance(side, int) else None for side in one.shape)
        for one in session.get_inputs()
    }
    outputs = {one.name for one in session.get_outputs()}
    meant = {"box", "face"} if "image" in sides else {"pulse"}
    kinds = {one.type for one in (*session.get_inputs(), *session.get_outputs())}
    return sides == INPUTS[net] and outputs == meant and kinds == {"tensor(float)"}


def _constants(session: "InferenceSession", path: Path) -> dict:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA)
    if text is None:
        raise TrainingError(
            f"expected a network that acq exported at {path}, found an ONNX file without its "
            "constants; "
            "run acq export"
        )
    try:
        constants = json.loads(text)
        if constants["format"] != FORMAT:
            raise TrainingError(
                f"expected {FORMAT} at {path}, found {constants['format']}; run acq export with "
                "this acq"
            )
        for name, (low, high) in _NUMBERS["image" in INPUTS[constants["net"]]].items():
            if not low <= constants[name] <= high:
                raise ValueError(f"{name} {constants[name]!r}")
        if not isinstance(constants["checkpoint"], str):
            raise TypeError(f"checkpoint {constants['checkpoint']!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"expected the constants of an exported network at {path}, got {type(error).__name__}: "
            f"{error}; "
            "run acq export again"
        ) from error
    return constants
