"""Frames for training, ours beside the usual way: `python -m benchmarks.frames`.

One rawvideo AVI of 640x360, 40 s, is made into 36x36 frames: by `dataset.face.frames`,
streaming, and the way most tools do it: the whole video is read into one array, then each frame is
cropped and resized. Each runs in a process of its own; processor time is counted, which other work
on the machine does not change.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from acquire.simulation.subject import VirtualSubject
from dataset.layouts.avi import VideoWriter

FRAMES, FPS = 1000, 25.0


def write_video(path: Path) -> None:
    subject = VirtualSubject("S01")
    pictures = [
        cv2.cvtColor(subject.frame(1 + n / FPS, n), cv2.COLOR_YUV2BGR_I420)
        for n in range(25)
    ]
    with VideoWriter(path, codec="rawvideo", width=640, height=360, fps=FPS) as video:
        for n in range(FRAMES):
            video.add(pictures[n % len(pictures)].copy())


def streamed(path: Path) -> int:
    from dataset.face.frames import read_face_frames

    return len(read_face_frames(path).frames)


def in_memory(path: Path) -> int:
    from dataset.face.find import find_face

    reader = cv2.VideoCapture(str(path))
    pictures = []
    while (read := reader.read())[0]:
        pictures.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    whole = np.asarray(pictures)
    box = find_face(whole[:1], name=str(path))
    small = np.zeros((len(whole), 36, 36, 3))
    for n, picture in enumerate(whole):
        small[n] = cv2.resize(box.crop(picture), (36, 36), interpolation=cv2.INTER_AREA)
    return len(small)


def measure_way(way: str, path: str) -> None:
    cv2.setNumThreads(1)
    from dataset.face.find import detect_face

    # load the detector: once in a process, whatever the videos
    detect_face(np.zeros((360, 640, 3), np.uint8))
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began_cpu, began = time.process_time(), time.perf_counter()
    count = {"streamed": streamed, "in_memory": in_memory}[way](Path(path))
    cpu_s, wall_s = time.process_time() - began_cpu, time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count / cpu_s:.0f} | {count / wall_s:.0f} | {peak_mb:.0f} | {before_mb:.0f}")


def main() -> None:
    if len(sys.argv) == 3:
        measure_way(*sys.argv[1:])
        return
    print(
        "| what | frames/s of processor time | frames/s | peak MB | of it before the first video "
        "|\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "vid.avi"
        write_video(video)
        for way, title in (
            ("streamed", "acq's frames cache (target 600, 300 MB)"),
            ("in_memory", "the whole video in memory, OpenCV"),
        ):
            command = [sys.executable, "-m", "benchmarks.frames", way, str(video)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"| {title} | {done.stdout.strip()} |", flush=True)


if __name__ == "__main__":
    main()
