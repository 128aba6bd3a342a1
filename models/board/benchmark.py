"""How fast a board reads a pulse: each stage from decoded frame to pulse, on one core, with ONNX
Runtime and without torch.

The frames are the portrait behind the virtual subjects, as large in 640x360 as a face before the
rig, a little moved and with noise. Each stage is run on one frame at a time, as live. The pipelines
are from a decoded frame to the pulse, the box being held: crop and average, motion, network, sum;
the teacher looks at the frame for its masks each time, as the paper runs it. A face is found once
for a video, and stands apart.
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
from acquire.errors import TrainingError
from dataset.face.box import ENLARGE, FaceBox, enlarge
from dataset.face.frames import average_face, motion
from dataset.runs import newest_training_run

from .onnx_net import BOARD, SHIPPED, OnnxNet, open_finder, open_net

NETS = {"student": "student.onnx", "student int8": "student-int8.onnx", "teacher": "teacher.onnx"}
# seconds a frame
PUBLISHED = {
    "board": "Jetson Nano (published)", "teacher_s": 0.50, "student_s": 0.05, "times": 10.0,
}
WIDTH, HEIGHT = 640, 360
WARM_UP = 10                       # runs before the clock counts
Now = Callable[[], float]


@dataclass(frozen=True)
class Stage:
    """One step, timed many times on one frame."""

    name: str
    median_ms: float
    p99_ms: float
    runs: int


@dataclass(frozen=True)
class BoardTimes:
    """What a board does, and with what."""

    board: str
    cores: int                     # of which one is used
    onnxruntime: str
    folder: Path
    checkpoints: dict[str, str]    # net: the checkpoint it was exported from
    parameters: dict[str, int]
    multiply_adds: dict[str, int]  # of convolutions and fully connected layers, for one frame
    stages: list[Stage]
    peak_mb: float                 # the most memory that this process has had

    @property
    def nets(self) -> list[str]:
        """Name the networks that were there."""
        return list(self.checkpoints)

    def median_ms(self, stage: str) -> float | None:
        """Give the median of a stage; None where it was not run."""
        return next((one.median_ms for one in self.stages if one.name == stage), None)

    def times_faster(self, of: str, fast: str, slow: str = "teacher") -> float | None:
        """Say how many times faster `of` (such as "pipeline, ") is with one net than with another.
        """
        quick, long = self.median_ms(of + fast), self.median_ms(of + slow)
        return long / quick if quick and long else None


def board_of(place: Path | None, data: Path) -> Path:
    """Give the folder of an export.

    Parameters
    ----------
    place : that folder, or a run that was exported; where not given, the newest run, or else what
        comes with acq
    data : where the newest run is looked for

    Raises
    ------
    TrainingError : no student there
    """
    if place is None:
        with suppress(TrainingError):
            if (newest := newest_training_run(data) / BOARD).is_dir():
                return newest
        place = SHIPPED
    for folder in (place, place / BOARD):
        if (folder / NETS["student"]).is_file():
            return folder
    raise TrainingError(
        f"expected {NETS['student']} in {place}, found none; acq export makes it of a run"
    )


def board_name() -> str:
    """Give a board's model by its device tree (Jetson, Raspberry Pi), or else the processor's."""
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


def frames_with_a_face(count: int = 8) -> list[np.ndarray]:
    """Give (360, 640, 3) uint8 RGB frames of one face that moves a little."""
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
    return [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in noisy]


def time_board(folder: Path, *, runs: int = 300, now: Now = time.perf_counter) -> BoardTimes:
    """Time every stage of a pulse on this machine.

    Parameters
    ----------
    folder : what `acq export` wrote; nets that are not there are left out, but for the student and
        the face finder
    runs : of each stage; a face is found a tenth as often

    Raises
    ------
    TrainingError : no student, no face finder, or files that are none of ours
    """
    nets = {
        name: open_net(folder / file)
        for name, file in NETS.items()
        if name == "student" or (folder / file).exists()
    }
    finder = open_finder(folder)
    frames = frames_with_a_face()
    found = finder.find(frames[0])
    if not found:
        raise TrainingError(
            f"expected the face finder in {folder} to find the portrait's face, found none; run "
            "acq export again"
        )
    box = enlarge(found[0], ENLARGE, WIDTH, HEIGHT)
    small = [average_face(one, box) for one in frames]
    images, pairs = cycle(frames), cycle([np.stack(two) for two in pairwise(small)])
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        stages = [
            _timed("find faces", lambda: finder.find(next(images)), max(runs // 10, 1), now),
            _timed("crop and average", lambda: average_face(next(images), box), runs, now),
            _timed("motion", lambda: motion(next(pairs)), runs, now),
        ]
        for name, net in nets.items():
            inputs = _inputs(next(pairs), net)
            stages.append(
                _timed(name, lambda net=net, inputs=inputs: net.predict(*inputs), runs, now)
            )
        for name, net in nets.items():
            stages.append(_timed(f"pipeline, {name}", _pipeline(net, images, box), runs, now))
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


def _inputs(pair: np.ndarray, net: OnnxNet) -> tuple[np.ndarray, np.ndarray | None]:
    """Turn two averaged frames into what a network reads: motion and, where it looks at it,
    appearance, (1, 3, 36, 36).
    """
    moved = motion(pair).transpose(0, 3, 1, 2)
    return moved, (pair[:1] >> 8).transpose(0, 3, 1, 2) / np.float32(
        255
    ) if net.needs_appearance else None


def _pipeline(net: OnnxNet, images: Iterator[np.ndarray], box: FaceBox) -> Callable[[], float]:
    """Give what takes the next frame and says how far the pulse has risen by then."""
    last, pulse = average_face(next(images), box), 0.0

    def advance() -> float:
        nonlocal last, pulse
        small = average_face(next(images), box)
        inputs = _inputs(np.stack([last, small]), net)
        last = small
        pulse += float(net.predict(*inputs)[0])
        return pulse

    return advance


def _timed(name: str, run: Callable[[], object], runs: int, now: Now) -> Stage:
    """Run a step `runs` times, after some that do not count."""
    for _ in range(min(WARM_UP, runs)):
        run()
    took = []
    for _ in range(runs):
        begun = now()
        run()
        took.append(1000 * (now() - begun))
    return Stage(name, float(np.median(took)), float(np.percentile(took, 99)), runs)
