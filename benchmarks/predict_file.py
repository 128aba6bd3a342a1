"""A file read whole and as live: `python -m benchmarks.predict_file [RUNS] [--video FILE]`.

From the start of the program to the answer, on 20 s of raw 640x360 video (I420 in AVI) of a virtual
subject, which is drawn first. Wall time, processor time and peak memory are the least of RUNS runs,
five unless given; other programs that run meanwhile make all of them larger.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from acquire.simulation.subject import VirtualSubject

SECONDS, FPS = 20, 30
CASES = {"whole": (), "whole, every method": ("--methods", "all"), "as live": ("--as-live",)}


def draw(path: Path) -> float:
    """Write the video, and return its mean heart rate [bpm]."""
    person = VirtualSubject("S08")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for at in range(SECONDS * FPS):
            frame = av.VideoFrame.from_ndarray(person.frame(at / FPS, at), format="yuv420p")
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return float(person.heart_rate(np.linspace(0, SECONDS, 200)).mean())


def run(video: Path, words: tuple[str, ...]) -> tuple[float, float, float, dict]:
    """Return wall and processor time [s], peak memory [MB], and what was read."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "acq.start", "predict", str(video), "--json", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    taken_s = time.perf_counter() - begun
    return taken_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, json.loads(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=5)
    parser.add_argument("--video", type=Path, help="instead of the virtual subject's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video, true_bpm = options.video, None
        if video is None:
            video = Path(folder) / "face.avi"
            true_bpm = draw(video)
        results: dict[str, list[tuple[float, float, float, dict]]] = {name: [] for name in CASES}
        for words in CASES.values():
            run(video, words)               # once to have the files in memory
        for _ in range(options.runs):
            for name, words in CASES.items():
                results[name].append(run(video, words))
    print("| | wall s | processor s | peak MB | windows read | first until s | mean bpm |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in results.items():
        least = np.array([one[:3] for one in runs]).min(axis=0)
        told = runs[-1][3]
        read = [row for row in told["rows"] if row["hr_bpm"] is not None]
        first = f"{read[0]['time_s']:.1f}" if read else ""
        mean = "" if told["hr_bpm"] is None else f"{told['hr_bpm']:.1f}"
        print(
            f"| {name} | {least[0]:.2f} | {least[1]:.2f} | {least[2]:.0f} | {len(read)} | {first} "
            f"| {mean} |"
        )
    if true_bpm is not None:
        print(f"true mean: {true_bpm:.1f} bpm")


if __name__ == "__main__":
    main()
