"""The student in 8-bit integers, with ranges taken from its training frames.

Static quantisation after training (Jacob et al., CVPR 2018), by ONNX Runtime. The first convolution
stays in float: it is a sixth of the work, and it reads motion whose pulse is a hundredth of the
noise around it. With it in integers the pulse's change is off by a fifth of its own variation, with
it in float by a fortieth, and the whole is faster, too. Dynamic quantisation, which needs no
frames, is four times slower than float (benchmarks/README.md).
"""

import json
import logging
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import onnx

from acquire.data_folder import frames_cache, ubfc_dir
from acquire.errors import CurationError, Fix, suggest
from dataset.consistency.of_today import check_of_today
from dataset.face.frames import Motion, motion, read_face_frames
from dataset.face.onnx_file import METADATA
from dataset.layouts.ubfc import VIDEO, check_video_bytes, load_manifest

_VIDEOS = 16         # training videos that are used
_PAIRS = 32          # of each, spread over it, for the ranges; as many others to measure the loss
_BATCH = 32


def training_motion(
    data: Path, data_hash: str, *, subjects: Collection[str] = (), kind: Motion = "normalised",
) -> tuple[np.ndarray, np.ndarray]:
    """Read motion frames that a network was trained on, and as many others of the same videos.

    Parameters
    ----------
    data : the folder that holds `ubfc/`; averaged frames are taken from its cache, or made and kept
        there
    data_hash : of the data that the network was trained on
    kind : of the differences that the network reads
    subjects : whom it was trained on, which a fold draws from both sides; none: the training side

    Returns
    -------
    two (N, 3, 36, 36) float32 arrays

    Raises
    ------
    CurationError : the data is missing, is other data by now, or is not of today
    """
    root = ubfc_dir(data)
    manifest = load_manifest(root)
    if manifest.data_hash != data_hash:
        raise CurationError(
            expected=f"the data that the network was trained on, {data_hash[:12]}",
            found=manifest.data_hash[:12], where=root,
        )
    check_of_today(data, manifest)
    ranges, others = [], []
    entries = [
        entry for entry in manifest.entries
        if (entry.subject in subjects if subjects else entry.side == "train")
    ]
    for entry in entries[::-(-len(entries) // _VIDEOS) or 1]:
        with suggest(Fix.CONVERT_AGAIN):
            frames = read_face_frames(root / entry.folder / VIDEO, cache=frames_cache(data))
        check_video_bytes(root, entry, frames.video_sha256)
        pairs = motion(frames.frames, kind).transpose(0, 3, 1, 2)
        chosen = np.linspace(0, len(pairs) - 1, 2 * _PAIRS).astype(int)
        ranges.append(pairs[chosen[::2]])
        others.append(pairs[chosen[1::2]])
    return np.concatenate(ranges), np.concatenate(others)


class CalibrationFrames:
    """Motion frames in batches, as ONNX Runtime's quantisation asks for them."""

    def __init__(self, frames: np.ndarray) -> None:
        self._batches = iter([frames[at:at + _BATCH] for at in range(0, len(frames), _BATCH)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch; None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"motion": np.ascontiguousarray(batch)}


def quantise(student: Path, into: Path, *, frames: np.ndarray) -> None:
    """Write an exported student in 8-bit integers.

    Parameters
    ----------
    frames : (N, 3, 36, 36) float32 motion frames from which the ranges of its features are taken
    """
    first = next(node.name for node in onnx.load(student).graph.node if node.op_type == "Conv")
    quantise_except(student, into, frames=frames, floats=[first])
    model = onnx.load(into)
    (constants,) = (
        json.loads(entry.value) for entry in model.metadata_props if entry.key == METADATA
    )
    onnx.helper.set_model_props(
        model, {METADATA: json.dumps({**constants, "precision": "int8"}, sort_keys=True)}
    )
    into.write_bytes(model.SerializeToString())


def quantise_except(
    student: Path, into: Path, *, frames: np.ndarray, floats: Sequence[str]
) -> None:
    """Write a network in 8-bit integers, except for the nodes named in `floats`."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    level_before = logging.getLogger().level
    # it advises a preparation that our graphs do not need
    logging.getLogger().setLevel(logging.ERROR)
    try:
        quantize_static(
            student, into, CalibrationFrames(frames),  # type: ignore[arg-type]
            quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            # weights of 7 bits: x86 without VNNI adds two products in 16 bits, which 8 overflow
            weight_type=QuantType.QInt8, reduce_range=True,
            op_types_to_quantize=["Conv", "Gemm"], nodes_to_exclude=list(floats),
        )
    finally:
        logging.getLogger().setLevel(level_before)
