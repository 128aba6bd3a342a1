"""The stages of a pulse, each timed alone on one frame at a time, and the whole way as live.

The frames are the portrait behind the virtual subjects, as large in 640x360 as the face of a person
before the rig, moved a little and with noise. The pipelines are from a decoded frame to the pulse,
with the face box held: crop and average, motion, network, sum; the teacher computes its masks from
each frame, as the paper runs it. A face is found once for a video, and is timed apart.

The last stage is all that `models.live` does to a frame of 25 a second, except for the search for
faces, which live runs aside: checks of the picture, colours of the face, and once a second the
heart rate of ten seconds by several methods. One frame of 25 therefore takes much longer than the
others: the mean is what a processor is busy with, the 99th percentile is such a frame.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path

import cv2
import numpy as np

import acquire
from acquire.errors import Fix, TrainingError
from dataset.face.box import ENLARGE, FaceBox, enlarge
from dataset.face.frames import average_face, face_colour, motion, part_colours
from dataset.signals.filters import WINDOW_S
from models.board.onnx_net import OnnxNet, open_finder, to_appearance
from models.fusion.face_motion import face_shifts
from models.fusion.fuse import fuse_window
from models.live.pulse import WEIGH_S, LivePulse, PulseNet
from models.live.states import LiveReading

PIPELINE = "pipeline, "            # before the name of a net: the stage from frame to pulse
LIVE = "frame to heart rate, "     # before the name of a net: all that live does to a frame
RATE = "heart rate of 10 s"
WIDTH, HEIGHT = 640, 360
FPS = 25                           # of the frames that are read as live
WARM_UP = 10                       # runs that are not timed
SETTLED = round((WINDOW_S + WEIGH_S) * FPS) + 1    # frames before live has its first heart rate
Now = Callable[[], float]


@dataclass(frozen=True)
class StageTime:
    """One step, timed many times on one frame."""

    name: str
    median_ms: float
    p99_ms: float
    runs: int
    mean_ms: float


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


def time_stages(
    folder: Path, nets: dict[str, OnnxNet], *, runs: int, now: Now
) -> list[StageTime]:
    """Time every stage with each network, and the whole way as live with the first of them.

    Parameters
    ----------
    folder : of an export, whose face finder is used; the one that ships with acq where it has none
    runs : of each stage; a face is found, and ten seconds are read, a tenth as often

    Raises
    ------
    TrainingError : the finder finds no face in a picture of one
    """
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
    window = _make_window()
    stages = [
        _time_stage("find faces", lambda: finder.find(next(images)), max(runs // 10, 1), now),
        _time_stage("crop and average", lambda: average_face(next(images), box), runs, now),
        _time_stage("motion", lambda: motion(next(pairs)), runs, now),
        _time_stage("colours of the face", lambda: _colours(next(pairs), box), runs, now),
        _time_stage(RATE, lambda: fuse_window(*window), max(runs // 10, 1), now),
    ]
    for name, net in nets.items():
        inputs = _to_inputs(next(pairs), net)
        stages.append(
            _time_stage(name, lambda net=net, inputs=inputs: net.predict(*inputs), runs, now)
        )
    for name, net in nets.items():
        stages.append(_time_stage(PIPELINE + name, _make_pipeline(net, images, box), runs, now))
    name, net = next(iter(nets.items()))
    seconds = -(-runs // FPS)           # whole ones: each holds one heart rate
    stages.append(_time_stage(
        LIVE + name, make_live(net, frames, faces), seconds * FPS, now, warm_up=SETTLED,
    ))
    return stages


def _colours(pair: np.ndarray, box: FaceBox) -> tuple[np.ndarray, ...]:
    """Return what is known of the second of two frames beside the network."""
    return face_colour(pair[1:], box), part_colours(pair[1:]), face_shifts(pair)


def _make_window() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make ten seconds of a weak pulse of 72 bpm, as `fuse_window` takes them."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(WINDOW_S * FPS) + 1) / FPS
    pulse = np.sin(2 * np.pi * 1.2 * time_s)[:, None]
    colour = np.array([150.0, 110.0, 90.0]) * (
        1 - 0.002 * pulse + rng.normal(0, 0.001, (len(time_s), 3))
    )
    parts = np.repeat(colour[:, None], 16, axis=1) + rng.normal(0, 0.2, (len(time_s), 16, 3))
    return time_s, colour, np.diff(pulse[:, 0], prepend=0.0) + rng.normal(size=len(time_s)), parts


def _to_inputs(pair: np.ndarray, net: OnnxNet) -> tuple[np.ndarray, np.ndarray | None]:
    """Turn two averaged frames into motion and, where the net needs it, appearance."""
    return (motion(pair, net.motion).transpose(0, 3, 1, 2),
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


def make_live(
    net: PulseNet, frames: list[np.ndarray], faces: list[FaceBox]
) -> Callable[[], LiveReading]:
    """Return a function that reads the next frame as live; where the faces are is known."""
    live = LivePulse(net, lambda image: faces)
    order = np.random.default_rng(0).integers(0, len(frames), 1000)     # or it would have a rate
    numbered = enumerate(cycle(order.tolist()))

    def advance() -> LiveReading:
        number, at = next(numbered)
        return live.add_frame(frames[at], number / FPS)

    return advance


def _time_stage(
    name: str, run: Callable[[], object], runs: int, now: Now, *, warm_up: int | None = None
) -> StageTime:
    """Time `runs` runs of a step, after some that are not timed."""
    for _ in range(min(WARM_UP, runs) if warm_up is None else warm_up):
        run()
    times_ms = []
    for _ in range(runs):
        begun = now()
        run()
        times_ms.append(1000 * (now() - begun))
    return StageTime(
        name, float(np.median(times_ms)), float(np.percentile(times_ms, 99)), runs,
        float(np.mean(times_ms)),
    )
