"""Throughput of curation against processes, a Dask cluster, and the number of sessions.

`python -m benchmarks.scale`: `acq qc`, `acq convert` and the frames cache over 4, 16 and 64
sessions of 10 s at 640x360: in one process, in two, and on a cluster of two Dask workers on this
machine. `--sessions 4` is the quick mode; `--small` takes pictures of 128x72, for a thousand
sessions. Each is of another person: acq refuses copies under two names.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from acquire import data_folder
from acquire.simulation.sessions import SimulatedSession, simulate_session
from benchmarks import growth
from dataset.common.workers import Workers, work_through
from dataset.convert.to_ubfc import convert_sessions
from dataset.face.frames import cache_frames
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.ubfc import VIDEO
from dataset.quality.grade_sessions import grade_sessions
from dataset.quality.limits import read_limits
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split

SESSIONS = (4, 16, 64)
SECONDS = 10
FPS = {False: 25, True: growth.FPS}     # small or not
LOUDEST = 3                             # noise of small pictures, by which they differ


def make_sessions(data: Path, count: int, small: bool) -> None:
    """Write recordings of as many people, and a split."""
    subjects = [f"S{number:04d}" for number in range(1, count + 1)]
    if small:
        loop = growth.draw_loop("S01")
        for number, subject in enumerate(subjects):
            noise = np.random.default_rng(number).integers(0, LOUDEST, loop[0].shape, np.uint8)
            noisy = [cv2.add(picture, noise) for picture in loop]
            growth.write_session(data, subject, SECONDS, noisy[number % 50 :] + noisy)
    else:
        plans = [SimulatedSession(subject, 0, 0, SECONDS, FPS[small]) for subject in subjects]
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(partial(simulate_session, data=data), plans))
    write_split(
        split_by_subject(identify_sessions(data), holdout=subjects[:1]),
        data_folder.split_file(data),
    )


def grade(data: Path, workers: Workers) -> None:
    graded = grade_sessions(data, [], limits=read_limits(None), force=True, workers=workers)
    assert not graded.failed, graded.failed


def convert(data: Path, workers: Workers) -> None:
    shutil.rmtree(data_folder.ubfc_dir(data), ignore_errors=True)
    assert not convert_sessions(data, workers=workers).failed


def make_frames(data: Path, workers: Workers) -> None:
    shutil.rmtree(data_folder.frames_cache(data), ignore_errors=True)
    root = data_folder.ubfc_dir(data).resolve()
    videos = [root / entry.folder / VIDEO for entry in read_manifest(root / MANIFEST).entries]
    for _, outcome in work_through(
        partial(cache_frames, cache=data_folder.frames_cache(data).resolve()), videos,
        workers=workers,
    ):
        assert not outcome.error, outcome.error


WORK = {"qc": grade, "convert": convert, "frames": make_frames}     # frames: after convert


def start(*words: str, until: str, folder: Path) -> tuple[subprocess.Popen, str]:
    """Start a part of a cluster; return the process and the line with which it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True, cwd=folder,
    )
    assert process.stderr
    for line in process.stderr:
        if until in line:
            return process, line
    raise RuntimeError(f"dask {words[0]} did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, action="append")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--work", action="append", choices=WORK, help="all where none is named")
    given = parser.parse_args()
    fps = FPS[given.small]
    print(
        "| what | sessions | 1 process: sessions/s, frames/s | 2 processes | Dask, 2 workers "
        "|\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        local = ("--host", "127.0.0.1", "--no-dashboard")
        scheduler, line = start(
            "scheduler", *local, "--port", "0", until="Scheduler at:", folder=folder
        )
        address = line.split()[-1]
        workers_words = ("worker", address, *local, "--nthreads", "1")
        started = [
            scheduler,
            *(start(*workers_words, until="Registered to:", folder=folder)[0] for _ in range(2)),
        ]
        try:
            for count in given.sessions or SESSIONS:
                data = folder / f"data-{count}"
                make_sessions(data, count, given.small)
                for work in (WORK[name] for name in given.work or WORK):
                    cells = []
                    for workers in (Workers(), Workers(2), Workers(scheduler=address)):
                        began = time.monotonic()
                        work(data, workers)
                        took_s = time.monotonic() - began
                        cells.append(f"{count / took_s:.2f}, {count * SECONDS * fps / took_s:.0f}")
                    print(f"| {work.__name__} | {count} | {' | '.join(cells)} |", flush=True)
                shutil.rmtree(data)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
