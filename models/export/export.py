"""A trained student as files that a board without torch can run.

`RUN/board/` holds the student (float32 and, where its training data is at hand, int8), the teacher
and MTCNN's three networks as ONNX, each with the constants of its preprocessing inside
(`dataset.face.onnx_file`). The face networks are copies of those that ship with acq. Before the
folder gets its name, ONNX Runtime runs each network that was converted, and must compute what torch
computes.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from acquire.atomic import atomic_folder
from acquire.documents import parse_json, read_bytes
from acquire.errors import AcqError, Fix, TrainingError
from acquire.writing import hold, named
from dataset.face import box, frames
from dataset.face.mtcnn import NETS as FACE_NETWORKS
from dataset.face.onnx_file import FORMAT
from dataset.runs import METRICS, run_folder_of
from models.board.find_net import CHECKPOINT, ONNX, STUDENTS, refuse_several
from models.board.onnx_net import BOARD, open_net
from models.nets.can import SIZE, Student, Teacher, count_parameters, describe_net
from models.nets.checkpoint import Checkpoint, load_checkpoint

from .graphs import count_multiply_adds, net_graph
from .quantise import quantise, training_motion
from .verify import verify_net

FACE_FILES = ("pnet.onnx", "rnet.onnx", "onet.onnx")
_CLOSE_R = 0.98      # from here on heart rates were 0.4 bpm apart at most: benchmarks/README.md
FILES = ("student.onnx", "student-int8.onnx", "teacher.onnx", *FACE_FILES)


@dataclass(frozen=True)
class Int8:
    """How far int8 is from float32, on training frames that its ranges were not taken from."""

    pairs: int
    largest_percent: float  # difference of the predictions for a pair, of the SD of float32's
    rms_percent: float      # root mean square of the differences, of that SD
    pearson_r: float

    @property
    def is_close(self) -> bool:
        """Whether heart rates by int8 can be taken for those by float32."""
        return self.pearson_r >= _CLOSE_R


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    folder: Path
    checkpoint: Path                  # of the student
    differences: dict[str, float]     # file name -> largest difference from torch; float32 nets
    int8: Int8 | None
    int8_refused: AcqError | None     # why there is no int8; None where there is


def export(source: Path, *, out: Path | None = None, force: bool = False) -> Exported:
    """Export a run's student, with everything that a board needs to run it.

    Parameters
    ----------
    source : a run's folder (its student + KD, or else its student), or a student's checkpoint; a
        teacher beside it is exported too
    out : the folder to make; `board` beside the checkpoint where not given
    force : whether an earlier export there is replaced

    Raises
    ------
    TrainingError : no such run, no student, the folder is there already, or ONNX Runtime does not
        compute what torch computes
    BusyError : another process exports to that folder
    """
    path = find_student(source)
    student = load_checkpoint(path)
    if not isinstance(student.net, Student):
        raise TrainingError(
            expected="the checkpoint of a student", found="another network's", where=path,
            fix="give the folder of the run",
        )
    out = out or path.parent / BOARD
    with hold(out.parent, named(out.name), make=True):
        check_replaceable(out, force=force)
        with atomic_folder(out) as part:
            differences = {"student.onnx": _convert(part / "student.onnx", path, student)}
            if (teacher := path.with_name("teacher.safetensors")).exists():
                checkpoint = load_checkpoint(
                    teacher, split_hash=student.split_hash, data_hash=student.data_hash
                )
                if isinstance(checkpoint.net, Teacher):     # a network of another paper is none
                    differences["teacher.onnx"] = _convert(
                        part / "teacher.onnx", teacher, checkpoint
                    )
            for name in FACE_FILES:
                (part / name).write_bytes((FACE_NETWORKS / name).read_bytes())
            run = run_folder_of(path) or path.absolute().parent
            int8, refused = _quantise_student(part, run.parent.parent, student)  # of DATA/runs/RUN
    return Exported(out, path, differences, int8, refused)


def find_student(source: Path) -> Path:
    """Find the checkpoint of a run's student; a file is returned as it is.

    Raises
    ------
    TrainingError : there is none
    """
    if source.suffix == ONNX:
        raise TrainingError(
            expected="a run with a student, or a checkpoint", found="an ONNX file",
            where=f"at {source}", fix="it can be used on a board as it is",
        )
    if source.is_file() and source.suffix == CHECKPOINT:
        return source
    if source.is_file():
        raise TrainingError(
            expected="a run with a student, or a checkpoint (.safetensors)",
            found="a file of another kind", where=f"at {source}", fix=Fix.NAME_NET,
        )
    for name in STUDENTS:
        if (path := source / f"{name}{CHECKPOINT}").is_file():
            return path
    refuse_several(source)
    raise TrainingError(
        expected="a run with a student, or a checkpoint", found="none", where=source, fix=Fix.TRAIN
    )


def check_replaceable(out: Path, *, force: bool) -> None:
    """Refuse to write where something is, but for an earlier export with `force`."""
    if not out.exists():
        return
    if not force:
        raise TrainingError(
            expected="to make a folder", found="one that exists", where=f"at {out}", fix=Fix.REPLACE
        )
    others = ["a file"]
    if out.is_dir():
        others = sorted(path.name for path in out.iterdir() if path.name not in FILES)
    if others:
        raise TrainingError(
            expected="an earlier export", found=", ".join(others[:3]), where=out,
            fix=Fix.EXPORT_ELSEWHERE,
        )


def _convert(path: Path, checkpoint_file: Path, checkpoint: Checkpoint) -> float:
    """Write a checkpoint as ONNX and return the largest difference from torch."""
    model = convert_net(path.stem, checkpoint_file, checkpoint)
    path.write_bytes(model.SerializeToString())
    return verify_net(path, checkpoint.net)


def convert_net(name: str, file: Path, checkpoint: Checkpoint) -> onnx.ModelProto:
    """Convert a network to ONNX, with all constants that are needed to use it.

    Raises
    ------
    TrainingError : it is neither student nor teacher, and no board runs it
    """
    if not isinstance(checkpoint.net, Student | Teacher):
        raise TrainingError(
            expected="a student or a teacher", found=describe_net(checkpoint.net)["net"],
            where=file,
            fix="export the student",
        )
    constants: dict[str, Any] = {
        "format": FORMAT, "net": name, "precision": "float32", "checkpoint": file.stem,
        "size": SIZE, "channels": "RGB", "detector": box.DETECTOR,
        "min_probability": box.MIN_PROBABILITY, "enlarge": box.ENLARGE, "unit": frames.UNIT,
        "motion": checkpoint.motion, "appearance_scale": 255,
        "preprocessing_version": frames.VERSION,
        "trained_fps": read_trained_fps(run_folder_of(file)), "split_hash": checkpoint.split_hash,
        "data_hash": checkpoint.data_hash, "parameters": count_parameters(checkpoint.net),
        "acq": version("acq"),
    }
    # of these alone: an acq that knows no other motion asks for it, and refuses a file without it
    if checkpoint.motion == "normalised":
        constants["cut_sd"] = frames.CUT_SD
    if isinstance(checkpoint.net, Teacher):
        constants["pairs_per_mask"] = checkpoint.pairs_per_mask
    model = net_graph(checkpoint.net, constants)
    constants["multiply_adds"] = count_multiply_adds(model)
    return net_graph(checkpoint.net, constants)


def read_trained_fps(run: Path | None) -> float | None:
    """Read the median frame rate of a run's test videos [Hz]; None where it is not known."""
    if run is None:
        return None
    try:
        methods = parse_json(read_bytes(run / METRICS))["methods"]
        return float(np.median([video["fs_hz"] for video in methods["student"]["videos"]]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _quantise_student(
    folder: Path, data: Path, student: Checkpoint
) -> tuple[Int8 | None, AcqError | None]:
    """Write the student in int8 and measure what that costs; or return why that is not possible."""
    try:
        ranges, others = training_motion(
            data, student.data_hash, subjects=student.about.get("subjects", {}).get("train", ()),
            kind=student.motion,
        )
    except AcqError as error:
        return None, error
    quantise(folder / "student.onnx", folder / "student-int8.onnx", frames=ranges)
    float32, int8 = (
        open_net(folder / name).predict(others) for name in ("student.onnx", "student-int8.onnx")
    )
    error = int8 - float32
    percent = 100 / float(float32.std())
    return Int8(
        pairs=len(others), largest_percent=percent * float(np.abs(error).max()),
        rms_percent=percent * float(np.sqrt((error**2).mean())),
        pearson_r=float(np.corrcoef(int8, float32)[0, 1]),
    ), None
