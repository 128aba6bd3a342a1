"""How fast a public set is imported, and its peak memory: `python -m benchmarks.importing`.

Makes one minute (--quick: ten seconds) of raw BGR24 at 640x480 as UBFC-rPPG DATASET_2 publishes it,
the same as PURE's pictures, and at 320x240 as a file of MMPD, with the noise of a camera on a real
portrait, and imports each in a process of its own. Processor time does not depend on other work of
the machine. To make a whole minute of MMPD takes 4 GB.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import scipy.io

from dataset.layouts.avi import VideoWriter
from dataset.layouts.pure import PureWriter
from dataset.layouts.ubfc import write_labels
from dataset.public.import_set import import_set

WIDTH, HEIGHT, FPS = 640, 480, 30


def _make(root: Path, seconds: int) -> None:
    portrait = cv2.imread(
        str(Path(__file__).parent.parent / "acquire/simulation/portrait/astronaut.png")
    )
    assert portrait is not None
    scene = cv2.resize(portrait, (WIDTH, HEIGHT)).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 2, (16, HEIGHT, WIDTH, 3)).astype(np.int16)
    t_s = np.arange(seconds * FPS) / FPS
    ppg, hr_bpm = np.sin(2 * np.pi * 1.2 * t_s), np.full(len(t_s), 72.0)
    folder = root / "ubfc2" / "subject1"
    folder.mkdir(parents=True)
    time_ns = np.round(t_s * 1e9).astype(np.int64)
    with (
        VideoWriter(
            folder / "vid.avi", codec="rawvideo", width=WIDTH, height=HEIGHT, fps=FPS
        ) as video,
        PureWriter(root / "pure", subject_number=1, session_number=1) as pure,
    ):
        for i, at_ns in enumerate(time_ns.tolist()):
            bgr = np.clip(scene + noise[i % 16], 0, 255).astype(np.uint8)
            video.add(bgr)
            pure.add(bgr, at_ns)
        pure.finish(ppg, time_ns, hr_bpm)
    write_labels(folder, ppg, hr_bpm=hr_bpm, time_s=t_s)


def _make_mmpd(root: Path, seconds: int) -> None:
    """Make a file of MMPD: single precision from 0 to 1, the time as the fastest axis."""
    portrait = cv2.imread(
        str(Path(__file__).parent.parent / "acquire/simulation/portrait/astronaut.png")
    )
    assert portrait is not None
    scene = cv2.resize(portrait, (320, 240))[..., ::-1].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 2, (16, 240, 320, 3)).astype(np.float32)
    frames = seconds * FPS
    video = np.empty((frames, 240, 320, 3), np.float32, order="F")
    for i in range(frames):
        video[i] = np.rint(np.clip(scene + noise[i % 16], 0, 255)) / np.float32(255)
    folder = root / "mmpd" / "subject1"
    folder.mkdir(parents=True)
    ppg = np.sin(2 * np.pi * 1.2 * np.arange(frames) / FPS)
    scipy.io.savemat(folder / "p1_0.mat", {"video": video, "GT_ppg": ppg})


def _import(root: Path, data: Path) -> None:
    began_s, used_s = time.perf_counter(), time.process_time()
    ((_, outcome),) = import_set(root, data)
    if outcome.value is None:
        raise SystemExit(outcome.error)
    wall_s, used_s = time.perf_counter() - began_s, time.process_time() - used_s
    # Not ru_maxrss: a process starts with its parent's.
    peak_line = next(
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    frames, peak = outcome.value.frames, int(peak_line.split()[1]) / 1024
    size = sum(path.stat().st_size for path in data.rglob("*.h5")) / 1e6
    print(
        f"| {root.name} | {frames} | {frames / used_s:.0f} | {frames / wall_s:.0f} | {peak:.0f} | "
        f"{size:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ten seconds instead of a minute")
    parser.add_argument("--one", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _import(*options.one)
        return
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        seconds = 10 if options.quick else 60
        _make(root, seconds)
        _make_mmpd(root, seconds)
        print(
            "| set | frames | frames/s of processor time | frames/s | peak memory [MB] | session "
            "[MB] |",
            flush=True,
        )
        print("|---|---|---|---|---|---|", flush=True)
        for which in ("ubfc2", "pure", "mmpd"):
            folders = str(root / which), str(root / f"data-{which}")
            subprocess.run(
                [sys.executable, "-m", "benchmarks.importing", "--one", *folders], check=True
            )


if __name__ == "__main__":
    main()
