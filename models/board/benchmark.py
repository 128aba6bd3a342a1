"""How fast a board reads a pulse: each stage from decoded frame to pulse, on one core.

The frames are the portrait behind the virtual subjects, as large in 640x360 as the face of a person
before the rig, moved a little and with noise. Each stage is run on one frame at a time, as live.
The pipelines are from a decoded frame to the pulse, with the face box held: crop and average,
motion, network, sum; the teacher computes its masks from each frame, as the paper runs it. A face
is found once for a video, and is timed apart.
"""

import os
import platform
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, pairwise
from pathlib import Path

import cv2
import numpy as np

import acquire
from acquire.errors import Fix, TrainingError
from dataset.face.box import ENLARGE, FaceBox, enlarge
from dataset.face.frames import average_face, motion
from dataset.runs import newest_training_run

from .find_net import NetFile, find_net
from .onnx_net import BOARD, OnnxNet, open_finder, open_net, to_appearance

NET_FILES = {
    "student": "student.onnx", "student int8": "student-int8.onnx", "teacher": "teacher.onnx",
}
PIPELINE = "pipeline, "            # before the name of a net: the stage from frame to pulse
# seconds a frame
PUBLISHED = {
    "board": "Jetson Nano (published)", "teacher_s": 0.50, "student_s": 0.05, "times": 10.0,
}
WIDTH, HEIGHT = 640, 360
WARM_UP = 10                       # runs that are not timed
Now = Callable[[], float]


@dataclass(frozen=True)
class StageTime:
    """One step, timed many times on one frame."""

    name: str
    median_ms: float
    p99_ms: float
    runs: int


@dataclass(frozen=True)
class BoardTimes:
    """The times of all stages, and what they were measured with."""

    board: str
    cores: int                     # of which one is used
    onnxruntime: str
    folder: Path
    checkpoints: dict[str, str]    # net -> the checkpoint that it was exported from
    parameters: dict[str, int]
    multiply_adds: dict[str, int]  # of convolutions and fully connected layers, for one frame
    stages: list[StageTime]
    peak_mb: float                 # the most memory that this process has used

    @property
    def nets(self) -> list[str]:
        """The names of the networks that were timed."""
        return list(self.checkpoints)

    def median_ms(self, name: str) -> float | None:
        """Return the median of a stage; None where it was not run."""
        return next((stage.median_ms for stage in self.stages if stage.name == name), None)

    def times_faster(self, prefix: str, fast: str, *, slow: str = "teacher") -> float | None:
        """Return how many times faster a stage is with one net than with another.

        Parameters
        ----------
        prefix : of the stages' names: "" for the nets alone, or `PIPELINE`
        """
        fast_ms, slow_ms = self.median_ms(prefix + fast), self.median_ms(prefix + slow)
        return slow_ms / fast_ms if fast_ms and slow_ms else None


def find_board(named: Path | None, data: Path) -> NetFile:
    """Find the network whose stages are timed, beside the others of its export.

    Parameters
    ----------
    named : as `find_net`; None: of the newest run what was exported, or else the networks that ship
        with acq
    data : where the newest run and ids of runs are looked for

    Raises
    ------
    TrainingError : there is none
    """
    if named is None:
        with suppress(TrainingError):
            if (newest := newest_training_run(data) / BOARD).is_dir():
                named = newest
    return find_net(named, data)


def board_name() -> str:
    """Return a board's model by its device tree (Jetson, Raspberry Pi), or else the processor's."""
    try:
        return Path("/proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        pass
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.machine()


def make_face_frames(count: int = 8) -> list[np.ndarray]:
    """Make (360, 640, 3) uint8 RGB frames of one face that moves a little."""
    portrait = cv2.imread(
        str(Path(acquire.__file__).parent / "simulation" / "portrait" / "astronaut.png")
    )
    assert portrait is not None    # it is part of the package
    part = cv2.cvtColor(portrait, cv2.COLOR_BGR2RGB)[20:226, 40:406]
    still = cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    rng = np.random.default_rng(0)
    noisy = (
        np.roll(still, at % 2, axis=1) + rng.normal(0, 1.5, still.shape) for at in range(count)
    )
    return [np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in noisy]


def time_board(folder: Path, *, runs: int = 300, now: Now = time.perf_counter) -> BoardTimes:
    """Time every stage of a pulse on this machine.

    Parameters
    ----------
    folder : of an export; nets that are missing are left out, except for the student. Or one file
        in it, which is timed alone
    runs : of each stage; a face is found a tenth as often

    Raises
    ------
    TrainingError : no student, or files that are not exports
    """
    alone = folder if folder.is_file() else None
    folder = folder.parent if alone else folder
    nets = {
        name: open_net(folder / file)
        for name, file in NET_FILES.items()
        if alone is None and (name == "student" or (folder / file).exists())
    }
    if alone:
        net = open_net(alone)
        is_int8 = net.constants.get("precision") == "int8"
        nets = {net.constants["net"] + (" int8" if is_int8 else ""): net}
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        stages = _time_stages(folder, nets, runs, now)
    finally:
        cv2.setNumThreads(threads)
    return BoardTimes(
        board=board_name(), cores=os.cpu_count() or 1, onnxruntime=version("onnxruntime"),
        folder=folder,
        checkpoints={name: net.constants["checkpoint"] for name, net in nets.items()},
        parameters={name: net.constants["parameters"] for name, net in nets.items()},
        multiply_adds={name: net.constants["multiply_adds"] for name, net in nets.items()},
        stages=stages, peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    )


def _time_stages(folder: Path, nets: dict[str, OnnxNet], runs: int, now: Now) -> list[StageTime]:
    finder = open_finder(folder)
    frames = make_face_frames()
    faces = finder.find(frames[0])
    if not faces:
        raise TrainingError(
            expected="a face finder that finds the portrait's face", found="no face", where=folder,
            fix=Fix.EXPORT_AGAIN,
        )
    box = enlarge(faces[0], ENLARGE)
    averaged = [average_face(frame, box) for frame in frames]
    images, pairs = cycle(frames), cycle([np.stack(pair) for pair in pairwise(averaged)])
    stages = [
        _time_stage("find faces", lambda: finder.find(next(images)), max(runs // 10, 1), now),
        _time_stage("crop and average", lambda: average_face(next(images), box), runs, now),
        _time_stage("motion", lambda: motion(next(pairs)), runs, now),
    ]
    for name, net in nets.items():
        inputs = _to_inputs(next(pairs), net)
        stages.append(
            _time_stage(name, lambda net=net, inputs=inputs: net.predict(*inputs), runs, now)
        )
    for name, net in nets.items():
        stages.append(_time_stage(PIPELINE + name, _make_pipeline(net, images, box), runs, now))
    return stages


def _to_inputs(pair: np.ndarray, net: OnnxNet) -> tuple[np.ndarray, np.ndarray | None]:
    """Turn two averaged frames into motion and, where the net needs it, appearance."""
    return (motion(pair).transpose(0, 3, 1, 2),
            to_appearance(pair[0]) if net.needs_appearance else None)


def _make_pipeline(net: OnnxNet, images: Iterator[np.ndarray], box: FaceBox) -> Callable[[], float]:
    """Return a function that reads the next frame and returns how far the pulse has risen."""
    last, pulse = average_face(next(images), box), 0.0

    def advance() -> float:
        nonlocal last, pulse
        averaged = average_face(next(images), box)
        inputs = _to_inputs(np.stack([last, averaged]), net)
        last = averaged
        pulse += float(net.predict(*inputs)[0])
        return pulse

    return advance


def _time_stage(name: str, run: Callable[[], object], runs: int, now: Now) -> StageTime:
    """Time `runs` runs of a step, after some that are not timed."""
    for _ in range(min(WARM_UP, runs)):
        run()
    times_ms = []
    for _ in range(runs):
        begun = now()
        run()
        times_ms.append(1000 * (now() - begun))
    return StageTime(name, float(np.median(times_ms)), float(np.percentile(times_ms, 99)), runs)
