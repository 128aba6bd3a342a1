"""Live beside offline, on the same frames: `python -m benchmarks.live [--real FOLDER] [--net
FOLDER]`.

Sixteen virtual subjects in varied worlds (another seed than those of the student that comes with
acq), 40 s each, and a real clip where one is given. `LivePulse` sees frame after frame; offline the
whole video's differences are normalised by their own standard deviation, the network sees all of
them, and the whole pulse is filtered. Compared are the windows of ten seconds in which live gives a
heart rate. Then `acq live --simulate` and `acq record --simulate`, with `--live` and without, in
real time: how much of a core each takes, the virtual camera's own work in it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from acquire.camera.replay import read_frame_times
from acquire.simulation.rendering.camera_pipeline import CameraPipeline
from acquire.simulation.subject import VirtualSubject
from acquire.simulation.world import draw_world
from dataset.face.box import FaceBox
from dataset.face.frames import average_face, motion
from dataset.layouts.avi import read_bgr
from dataset.signals.filters import bandpass, heart_rate
from dataset.signals.windows import even_grid, to_even_grid, window_length
from models.board.onnx_net import SHIPPED, open_net
from models.live.pulse import open_live_pulse

SEED, SUBJECTS, SECONDS, FPS = 53, 16, 40.0, 25.0
REAL_TIME_S = "40s"


def virtual(number: int) -> tuple[np.ndarray, Iterator[np.ndarray], VirtualSubject]:
    """Give times, RGB frames, and the subject."""
    name = f"S{number:02d}"
    world = draw_world(name, seed=SEED, session=0)
    person = VirtualSubject(name, seed=SEED, session=0, world=world)
    time_s = np.arange(round(SECONDS * FPS)) / FPS

    def frames() -> Iterator[np.ndarray]:
        with CameraPipeline(world.processing, fps=FPS) as pipeline:
            for at, t_s in enumerate(time_s):
                yield cv2.cvtColor(
                    pipeline.process(person.frame(float(t_s), at)), cv2.COLOR_YUV2RGB_I420
                )

    return time_s, frames(), person


def compare(net: Path, time_s: np.ndarray, frames: Iterator[np.ndarray]) -> dict:
    """Run live and keep the averaged frames; then run offline with the same box."""
    live = open_live_pulse(net)
    box: FaceBox | None = None
    small, readings, took = [], [], []
    for t_s, image in zip(time_s.tolist(), frames, strict=True):
        begun = time.perf_counter()
        readings.append(live.add_frame(image, t_s))
        took.append(1000 * (time.perf_counter() - begun))
        box = box or live.face_box
        small.append(np.zeros((36, 36, 3), np.uint16) if box is None else average_face(image, box))
    told = [
        r
        for at, r in enumerate(readings)
        if r.pulse is not None and (not at or r.pulse is not readings[at - 1].pulse)
    ]
    if box is None or not told:
        return {"first_s": None, "windows": 0, "took": took, "states": {r.state for r in readings}}
    first = next(at for at, one in enumerate(small) if one.any())
    change = open_net(net / "student.onnx").predict(
        motion(np.stack(small[first:])).transpose(0, 3, 1, 2)
    )
    grid_s, fs_hz = even_grid(time_s[first:])
    pulse = bandpass(to_even_grid(np.append(0, np.cumsum(change)), time_s[first:]), fs_hz)
    length, _ = window_length(fs_hz)
    ends = [round((r.time_s - grid_s[0]) * fs_hz) + 1 for r in told]
    meant = np.array([heart_rate(pulse[max(end - length, 0):end], fs_hz) for end in ends])
    said = np.array([r.hr_bpm for r in told])
    return {
        "first_s": told[0].time_s - time_s[first], "windows": len(told),
        "apart": np.abs(said - meant), "said": said, "ends_s": np.array([r.time_s for r in told]),
        "took": took, "states": {r.state for r in readings},
    }


def one_virtual(number: int, net: Path) -> dict:
    cv2.setNumThreads(1)
    time_s, frames, person = virtual(number)
    found = compare(net, time_s, frames)
    if found["windows"]:
        true = [person.heart_rate(np.linspace(end - 10, end, 50)).mean() for end in found["ends_s"]]
        found["error"] = np.abs(found["said"] - true)
    return found


def row(name: str, found: dict) -> str:
    if not found["windows"]:
        return f"| {name} | | 0 | | | ({', '.join(sorted(found['states']))}) |"
    apart = found["apart"]
    error = f"{found['error'].mean():.2f}" if "error" in found else ""
    return (
        f"| {name} | {found['first_s']:.1f} | {found['windows']} | {apart.max():.2f} | "
        f"{100 * (apart <= 2).mean():.0f} % | "
        f"{error} |"
    )


def share_of_a_core(*words: str) -> float:
    """Run a verb to its end and give its processor time over the time that it took [%]."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "acq.main", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    assert run.returncode == 0, words
    return 100 * (used.ru_utime + used.ru_stime) / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", type=Path, default=SHIPPED)
    parser.add_argument(
        "--real", type=Path, help="a folder with video.mkv and frames_timestamp.csv"
    )
    options = parser.parse_args()
    print(
        "| subject | first heart rate after the face [s] | windows read | furthest from offline "
        "[bpm] | within 2 bpm | "
        "mean error [bpm] |\n|---|---|---|---|---|---|"
    )
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(partial(one_virtual, net=options.net), range(1, SUBJECTS + 1)))
    for number, one in enumerate(found, 1):
        print(row(f"S{number:02d}", one))
    if options.real is not None:
        time_s = read_frame_times(options.real / "frames_timestamp.csv")
        frames = (
            np.ascontiguousarray(bgr[:, :, ::-1]) for bgr in read_bgr(options.real / "video.mkv")
        )
        print(row("a real face", compare(options.net, time_s - time_s[0], frames)))
    read = [one for one in found if one["windows"]]
    apart, error = (np.concatenate([one[name] for one in read]) for name in ("apart", "error"))
    first = [one["first_s"] for one in read]
    took = np.concatenate([one["took"] for one in found])
    print(
        f"\n{len(read)} of {len(found)} read, the first heart rate {min(first):.1f} to "
        f"{max(first):.1f} s after the face; "
        f"{len(apart)} windows, {100 * (apart <= 2).mean():.1f} % within 2 bpm of offline (median "
        f"{np.median(apart):.2f}, "
        f"largest {apart.max():.2f}), mean error {error.mean():.2f} bpm; {np.median(took):.2f} ms "
        "a frame (median), "
        f"{np.percentile(took, 99):.1f} ms (99 %: looks for the face, which live are done aside)"
    )
    with tempfile.TemporaryDirectory() as data:
        record = (
            "record", "--subject", "S01", "--simulate", "--duration", REAL_TIME_S, "--data", data,
        )
        for words in (
            ("live", "--simulate", "--duration", REAL_TIME_S), record, (*record, "--live"),
        ):
            name = f"acq {words[0]}{' --live' * ('--live' in words)}"
            print(f"{name}, virtual camera: {share_of_a_core(*words):.0f} % of a core", flush=True)


if __name__ == "__main__":
    main()
