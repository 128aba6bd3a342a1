"""How fast a board reads a pulse: the times of all stages on one core, and what was timed."""

import math
import os
import platform
import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cv2

from acquire.errors import TrainingError
from dataset.runs import newest_training_run
from models.board.find_net import NetFile, find_net
from models.board.onnx_net import BOARD, open_net

from .stages import Now, StageTime, time_stages

NET_FILES = {
    "student": "student.onnx", "student int8": "student-int8.onnx", "teacher": "teacher.onnx",
}
# seconds a frame
PUBLISHED = {
    "board": "Jetson Nano (published)", "teacher_s": 0.50, "student_s": 0.05, "times": 10.0,
}


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

    def mean_ms(self, name: str) -> float:
        """Return the mean of a stage; NaN where it was not run."""
        return next((stage.mean_ms for stage in self.stages if stage.name == name), math.nan)

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


def time_board(folder: Path, *, runs: int = 300, now: Now = time.perf_counter) -> BoardTimes:
    """Time every stage of a pulse on this machine.

    Parameters
    ----------
    folder : of an export; nets that are missing are left out, except for the student. Or one file
        in it, which is timed alone
    runs : of each stage; a face is found, and ten seconds are read, a tenth as often

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
        stages = time_stages(folder, nets, runs=runs, now=now)
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
