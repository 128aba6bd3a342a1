"""Frames for training, ours beside the usual way: `python -m benchmarks.frames`.

One rawvideo AVI of 640x360, 40 s, is made into 36x36 frames: by `dataset.face.frames.face_frames`,
streaming, and the way most tools do it, which is to read the whole video into one array, crop and
resize each frame, all in memory. Each in a process of its own; processor time, for other work on
the machine does not count in it.
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


def make(path: Path) -> None:
    subject = VirtualSubject("S01")
    some = [cv2.cvtColor(subject.frame(1 + n / FPS, n), cv2.COLOR_YUV2BGR_I420) for n in range(25)]
    with VideoWriter(path, codec="rawvideo", width=640, height=360, fps=FPS) as video:
        for n in range(FRAMES):
            video.add(some[n % len(some)].copy())


def ours(path: Path) -> int:
    from dataset.face.frames import face_frames

    return len(face_frames(path).frames)


def usual(path: Path) -> int:
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


def measure(how: str, path: str) -> None:
    cv2.setNumThreads(1)
    from dataset.face.find import detect_face

    # load the detector: once in a process, whatever the videos
    detect_face(np.zeros((360, 640, 3), np.uint8))
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun, wall = time.process_time(), time.perf_counter()
    count = {"ours": ours, "usual": usual}[how](Path(path))
    took, waited = time.process_time() - begun, time.perf_counter() - wall
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count / took:.0f} | {count / waited:.0f} | {peak_mb:.0f} | {before_mb:.0f}")


def main() -> None:
    if len(sys.argv) == 3:
        measure(*sys.argv[1:])
        return
    print(
        "| what | frames/s of processor time | frames/s | peak MB | of it before the first video "
        "|\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "vid.avi"
        make(video)
        for how, title in (
            ("ours", "acq's frames cache (target 600, 300 MB)"),
            ("usual", "the whole video in memory, OpenCV"),
        ):
            command = [sys.executable, "-m", "benchmarks.frames", how, str(video)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"| {title} | {done.stdout.strip()} |", flush=True)


if __name__ == "__main__":
    main()
