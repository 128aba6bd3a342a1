"""Live and offline on the same frames: `python -m benchmarks.live [--real FOLDER] [--net FOLDER]`.

Sixteen virtual subjects in varied worlds (of another seed than those of the shipped student), 40 s
each, and a real clip where one is given. `LivePulse` reads frame after frame; offline the whole
video's differences are normalised by their own standard deviation, the network reads all of them,
and the whole pulse is filtered. Compared are the windows of ten seconds in which live gives a heart
rate. Then `acq live --simulate` and `acq record --simulate`, with `--live` and without, in real
time: how much of a core each takes, including the virtual camera's own work.
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

from acquire.camera.frame_times import read_frame_times
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


def film(number: int) -> tuple[np.ndarray, Iterator[np.ndarray], VirtualSubject]:
    """Return times, RGB frames, and the virtual subject."""
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


def compare_with_offline(net: Path, time_s: np.ndarray, frames: Iterator[np.ndarray]) -> dict:
    """Run live and keep the averaged frames; then run offline with the same box."""
    live = open_live_pulse(net)
    box: FaceBox | None = None
    averaged, readings, times_ms = [], [], []
    for t_s, image in zip(time_s.tolist(), frames, strict=True):
        begun = time.perf_counter()
        readings.append(live.add_frame(image, t_s))
        times_ms.append(1000 * (time.perf_counter() - begun))
        box = box or live.face_box
        averaged.append(
            np.zeros((36, 36, 3), np.uint16) if box is None else average_face(image, box)
        )
    with_rate = [
        reading for at, reading in enumerate(readings)
        if reading.hr_bpm is not None and (not at or reading.rate is not readings[at - 1].rate)
    ]
    states = {reading.state for reading in readings}
    if box is None or not with_rate:
        return {"first_s": None, "windows": 0, "times_ms": times_ms, "states": states}
    first = next(at for at, frame in enumerate(averaged) if frame.any())
    student = open_net(net / "student.onnx")
    change = student.predict(
        motion(np.stack(averaged[first:]), student.motion).transpose(0, 3, 1, 2)
    )
    grid_s, fs_hz = even_grid(time_s[first:])
    pulse = bandpass(to_even_grid(np.append(0, np.cumsum(change)), time_s[first:]), fs_hz)
    length, _ = window_length(fs_hz)
    ends = [round((reading.time_s - grid_s[0]) * fs_hz) + 1 for reading in with_rate]
    offline_bpm = np.array([heart_rate(pulse[max(end - length, 0):end], fs_hz) for end in ends])
    live_bpm = np.array([reading.hr_bpm for reading in with_rate])
    return {
        "first_s": with_rate[0].time_s - time_s[first], "windows": len(with_rate),
        "difference_bpm": np.abs(live_bpm - offline_bpm), "live_bpm": live_bpm,
        "ends_s": np.array([reading.time_s for reading in with_rate]), "times_ms": times_ms,
        "states": states,
    }


def compare_on_virtual_subject(number: int, net: Path) -> dict:
    cv2.setNumThreads(1)
    time_s, frames, person = film(number)
    result = compare_with_offline(net, time_s, frames)
    if result["windows"]:
        true_bpm = [
            person.heart_rate(np.linspace(end_s - 10, end_s, 50)).mean()
            for end_s in result["ends_s"]
        ]
        result["error_bpm"] = np.abs(result["live_bpm"] - true_bpm)
    return result


def table_row(name: str, result: dict) -> str:
    if not result["windows"]:
        return f"| {name} | | 0 | | | ({', '.join(sorted(result['states']))}) |"
    difference = result["difference_bpm"]
    error = f"{result['error_bpm'].mean():.2f}" if "error_bpm" in result else ""
    return (
        f"| {name} | {result['first_s']:.1f} | {result['windows']} | {difference.max():.2f} | "
        f"{100 * (difference <= 2).mean():.0f} % | {error} |"
    )


def share_of_a_core(*words: str) -> float:
    """Run a verb to its end and return its processor time over the time that it took [%]."""
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
        compare = partial(compare_on_virtual_subject, net=options.net)
        results = list(pool.map(compare, range(1, SUBJECTS + 1)))
    for number, result in enumerate(results, 1):
        print(table_row(f"S{number:02d}", result))
    if options.real is not None:
        time_s = read_frame_times(options.real / "frames_timestamp.csv")
        frames = (
            np.ascontiguousarray(bgr[:, :, ::-1]) for bgr in read_bgr(options.real / "video.mkv")
        )
        result = compare_with_offline(options.net, time_s - time_s[0], frames)
        print(table_row("a real face", result))
    read = [result for result in results if result["windows"]]
    difference, error = (
        np.concatenate([result[name] for result in read])
        for name in ("difference_bpm", "error_bpm")
    )
    first_s = [result["first_s"] for result in read]
    times_ms = np.concatenate([result["times_ms"] for result in results])
    print(
        f"\n{len(read)} of {len(results)} read, the first heart rate {min(first_s):.1f} to "
        f"{max(first_s):.1f} s after the face; {len(difference)} windows, "
        f"{100 * (difference <= 2).mean():.1f} % within 2 bpm of offline (median "
        f"{np.median(difference):.2f}, largest {difference.max():.2f}), mean error "
        f"{error.mean():.2f} bpm; {np.median(times_ms):.2f} ms a frame (median), "
        f"{np.percentile(times_ms, 99):.1f} ms (99 %: searches for the face, which live run in a "
        "thread)"
    )
    with tempfile.TemporaryDirectory() as data:
        record = (
            "record", "--subject", "S01", "--simulate", "--duration", REAL_TIME_S, "--data", data,
        )
        live = ("live", "--simulate", "--duration", REAL_TIME_S)
        for words in (live, record, (*record, "--live")):
            name = f"acq {words[0]}{' --live' * ('--live' in words)}"
            print(f"{name}, virtual camera: {share_of_a_core(*words):.0f} % of a core", flush=True)


if __name__ == "__main__":
    main()
