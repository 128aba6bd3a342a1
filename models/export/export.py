"""A trained student as files that a board without torch can run.

`RUN/board/` holds the student (float32 and, where its training data are at hand, int8), the teacher
and MTCNN's three networks as ONNX, each with the constants of its preprocessing inside
(`dataset.face.onnx_file`). Each file is run once more by ONNX Runtime before the folder gets its
name, and must say what torch says.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from acquire.errors import AcqError, TrainingError
from dataset.face import box, frames
from dataset.face.onnx_file import FORMAT, open_network
from dataset.runs import METRICS
from models.board.onnx_net import BOARD, open_net
from models.nets.can import SIZE, Student, count_parameters
from models.nets.checkpoint import Checkpoint, load_checkpoint
from models.nets.physnet import PhysNet

from .facenet import NAME, load_mtcnn
from .graphs import count_multiply_adds, detector_graph, net_graph
from .quantise import quantise, training_motion

TOLERANCE = 1e-5      # of float32 beside torch
# sides of the images they are held against torch with
DETECTORS = {"pnet": (50, 77), "rnet": (24, 24), "onet": (48, 48)}
FILES = (
    "student.onnx", "student-int8.onnx", "teacher.onnx", *(f"{name}.onnx" for name in DETECTORS),
)


@dataclass(frozen=True)
class Int8:
    """How far the int8 student is from the float32 one, on training frames that its ranges were not
    taken from.
    """

    pairs: int
    largest_percent: float  # difference of what they say of a pair, of the SD of what float32 says
    rms_percent: float      # root mean square of the differences, of that SD
    pearson_r: float


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    folder: Path
    checkpoint: Path                  # of the student
    # file name: the largest difference from torch, of each float32 net
    differences: dict[str, float]
    int8: Int8 | None
    int8_refused: str                 # why there is no int8; "" where there is


def export(source: Path, *, out: Path | None = None, force: bool = False) -> Exported:
    """Export a run's student, with everything a board needs to run it.

    Parameters
    ----------
    source : a run's folder (its student + KD, or else its student), or a student's checkpoint; a
        teacher beside it goes along
    out : the folder to make; `board` beside the checkpoint where not given
    force : whether an earlier export there is replaced

    Raises
    ------
    TrainingError : no such run, no student, the folder is there already, or ONNX Runtime does not
        say what torch says
    """
    path = student_of(source)
    student = load_checkpoint(path)
    if not isinstance(student.net, Student):
        raise TrainingError(
            f"expected a student's checkpoint at {path}, found another network's; give the folder "
            "of the run"
        )
    out = out or path.parent / BOARD
    check_replaceable(out, force=force)
    part = Path(tempfile.mkdtemp(dir=_made(out.parent), prefix=f".{out.name}-"))
    try:
        part.chmod(0o755)
        differences = {}
        checkpoints = {"student": (path, student)}
        if (beside := path.with_name("teacher.safetensors")).exists():
            same = {"split_hash": student.split_hash, "data_hash": student.data_hash}
            checkpoints["teacher"] = (beside, load_checkpoint(beside, **same))
        for name, (file, checkpoint) in checkpoints.items():
            (part / f"{name}.onnx").write_bytes(
                net_model(name, file, checkpoint).SerializeToString()
            )
            differences[f"{name}.onnx"] = check_net(part / f"{name}.onnx", checkpoint.net)
        for name, (model, net) in detector_models().items():
            (part / f"{name}.onnx").write_bytes(model.SerializeToString())
            differences[f"{name}.onnx"] = check_detector(part / f"{name}.onnx", name, net)
        data = path.absolute().parent.parent.parent     # DATA/runs/RUN/student.safetensors
        int8, refused = _int8(part, data, student.data_hash)
        _into_place(part, out)
    except BaseException:    # Ctrl-C too: what is not whole is not there
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Exported(out, path, differences, int8, refused)


def student_of(source: Path) -> Path:
    """Give the checkpoint of a run's student; a file stays what it is."""
    if source.is_file():
        return source
    for name in ("student_kd", "student"):
        if (path := source / f"{name}.safetensors").is_file():
            return path
    raise TrainingError(
        f"expected a run with a student, or a checkpoint, at {source}, found none; acq train-kd "
        "makes one"
    )


def check_replaceable(out: Path, *, force: bool) -> None:
    """Refuse to write where something is, but for an earlier export where that is asked for."""
    if not out.exists():
        return
    if not force:
        raise TrainingError(
            f"expected to make the folder {out}, found it there; --force replaces it"
        )
    others = (
        sorted(path.name for path in out.iterdir() if path.name not in FILES)
        if out.is_dir()
        else ["a file"]
    )
    if others:
        raise TrainingError(
            f"expected an earlier export in {out}, found {', '.join(others[:3])}; name another "
            "folder with --out"
        )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _into_place(part: Path, out: Path) -> None:
    """Give a whole folder its name; an earlier one goes only then."""
    if out.exists():
        old = part.with_name(f"{part.name}.old")
        out.rename(old)
        part.rename(out)
        shutil.rmtree(old)
    else:
        part.rename(out)


def net_model(name: str, file: Path, checkpoint: Checkpoint) -> onnx.ModelProto:
    """Write a network as ONNX, with everything that must be known to use it."""
    constants: dict[str, Any] = {
        "format": FORMAT, "net": name, "precision": "float32", "checkpoint": file.stem,
        "size": SIZE, "channels": "RGB", "detector": box.DETECTOR,
        "min_probability": box.MIN_PROBABILITY, "enlarge": box.ENLARGE, "unit": frames.UNIT,
        "cut_sd": frames.CUT_SD, "appearance_scale": 255, "preprocessing_version": frames.VERSION,
        "trained_fps": trained_fps(file.parent), "split_hash": checkpoint.split_hash,
        "data_hash": checkpoint.data_hash, "parameters": count_parameters(checkpoint.net),
        "acq": version("acq"),
    }
    if isinstance(checkpoint.net, PhysNet):
        raise TrainingError(
            f"expected a student or a teacher at {file}, found a PhysNet; a board runs the student"
        )
    model = net_graph(checkpoint.net, constants)
    constants["multiply_adds"] = count_multiply_adds(model)
    return net_graph(checkpoint.net, constants)


def trained_fps(run: Path) -> float | None:
    """Give the median frame rate of a run's test recordings [1/s]; None where `metrics.json` is
    missing or does not say.
    """
    try:
        methods = json.loads((run / METRICS).read_text())["methods"]
        return float(np.median([video["fs_hz"] for video in methods["student"]["videos"]]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def detector_models() -> dict[str, tuple[onnx.ModelProto, nn.Module]]:
    """Write MTCNN's three networks as ONNX, from the weights in facenet-pytorch's wheel; the
    cascade's numbers stand in each.

    Returns
    -------
    name -> the graph, and the network in torch
    """
    mtcnn = load_mtcnn()
    thresholds = {
        f"threshold_{one}": value for one, value in zip("pro", mtcnn.thresholds, strict=True)
    }
    cascade = {
        "smallest_px": mtcnn.min_face_size, "factor": mtcnn.factor, **thresholds, "detector": NAME,
        "min_probability": box.MIN_PROBABILITY,
    }
    nets = {name: getattr(mtcnn, name) for name in DETECTORS}
    about = {
        "format": FORMAT, "checkpoint": f"facenet-pytorch {version('facenet-pytorch')}", **cascade,
    }
    return {
        name: (detector_graph(net, name, {**about, "net": name}), net) for name, net in nets.items()
    }


def check_net(path: Path, net: nn.Module) -> float:
    """Hold an exported network against torch on four clips of two pairs; give the largest
    difference.
    """
    rng = np.random.default_rng(0)
    motion = rng.normal(size=(8, 3, SIZE, SIZE)).astype(np.float32)
    appearance = rng.random((4, 3, SIZE, SIZE), np.float32)
    with torch.no_grad():
        meant = net(torch.from_numpy(motion), torch.from_numpy(appearance)).pulse.numpy()
    return _close(path, [(open_net(path).predict(motion, appearance), meant)])


def check_detector(path: Path, name: str, net: nn.Module) -> float:
    """Hold one of MTCNN's exported networks against torch on three images; give the largest
    difference.
    """
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, *DETECTORS[name])).astype(np.float32)
    session, _ = open_network(path, name)
    box, probability = map(np.asarray, session.run(["box", "face"], {"image": images}))
    with torch.no_grad():
        meant = net(torch.from_numpy(images))
    return _close(path, [(box, meant[0].numpy()), (probability, meant[-1][:, 1].numpy())])


def _close(path: Path, pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    difference = max(float(np.abs(said - meant).max()) for said, meant in pairs)
    if not difference <= TOLERANCE:  # nor where it is no number
        raise TrainingError(
            f"expected ONNX Runtime to say what torch says to {TOLERANCE:g}, found {difference:g} "
            "of difference "
            f"in {path.name}; nothing was exported"
        )
    return difference


def _int8(part: Path, data: Path, data_hash: str) -> tuple[Int8 | None, str]:
    """Write the student in int8 and measure what that costs; or say why not."""
    try:
        ranges, others = training_motion(data, data_hash)
    except AcqError as error:
        return None, str(error)
    quantise(part / "student.onnx", part / "student-int8.onnx", ranges)
    meant, said = (
        open_net(part / name).predict(others) for name in ("student.onnx", "student-int8.onnx")
    )
    error = said - meant
    percent = 100 / float(meant.std())
    return Int8(
        len(others), percent * float(np.abs(error).max()),
        percent * float(np.sqrt((error**2).mean())), float(np.corrcoef(said, meant)[0, 1]),
    ), ""
