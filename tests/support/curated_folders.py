"""Small curated folders of virtual people: the portrait's green pulses with a PPG."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

import acquire
from dataset.common.files import sha256_of
from dataset.layouts.avi import VideoWriter
from dataset.layouts.manifest import (
    MANIFEST,
    Entry,
    LabelFile,
    Manifest,
    RowSelection,
    SourceSession,
    Timing,
    VideoFile,
)
from dataset.layouts.manifest_file import write_manifest
from dataset.layouts.ubfc import read_labels, write_labels
from tests.support.kept_files import kept_folder

PORTRAIT = Path(acquire.__file__).parent / "simulation" / "portrait" / "astronaut.png"
FPS, SECONDS = 10, 12


def make_entry(number, side, subject, *, simulated=True, **kwargs):
    return Entry(
        folder=f"{side}/subject{number}", side=side, subject=subject, session=f"{subject}-{number}",
        part=1, frames=FPS * SECONDS,
        source=SourceSession("0", simulated, True, "", lost_frames=0, lost_samples=0, grade=None),
        video=VideoFile(256, 192, FPS, "rawvideo", f"{number}", size_bytes=0, file_sha256="0"),
        labels=LabelFile(f"{number}", 72, {}),
        timing=Timing(
            SECONDS - 1 / FPS, ppg_rate_hz=25, sync_bound_ms=1, light_offset_ms=None,
            picture_shift_ms=None,
        ),
        rows=RowSelection("native", "keep", (), (), unused=0, excluded=()), **kwargs,
    )


def _pulse(number, time_s):
    return np.sin(2 * np.pi * (60 + 10 * number) / 60 * time_s)


@cache
def _video(number, frames, face):
    """Make the video of a person, once in a process; return it and its hash."""
    picture = cv2.resize(
        cv2.imread(str(PORTRAIT))[:384], (256, 192), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    if not face:
        picture[:] = 90
    rng = np.random.default_rng(number)
    noise = rng.normal(size=picture.shape)
    path = kept_folder() / f"{number}-{frames}-{face}.avi"
    with VideoWriter(path, codec="rawvideo", width=256, height=192, fps=FPS) as video:
        for level in _pulse(number, np.arange(frames) / FPS):
            noisy = (
                picture
                - level * np.array([0.5, 1.5, 0.7])
                + np.roll(noise, rng.integers(noise.size))
            )
            video.add(np.clip(noisy, 0, 255).astype(np.uint8))
    return path, sha256_of(path)


def write_curated_folders(data, entries, *, face=True, ppg=None):
    """Write curated folders in which the portrait's green pulses with the PPG."""
    written = []
    for number, entry in enumerate(entries):
        folder = data / "ubfc" / entry.folder
        folder.mkdir(parents=True)
        made, sha256 = _video(number, entry.frames, face)
        video = shutil.copyfile(made, folder / "vid.avi")
        time_s = np.arange(entry.frames) / FPS
        pulse = _pulse(number, time_s)
        labels = write_labels(
            folder, pulse if ppg is None else ppg(time_s), hr_bpm=np.full(len(pulse), 72.0),
            time_s=time_s,
        )
        written.append(
            replace(
                entry, labels=replace(entry.labels, sha256=labels),
                video=replace(
                    entry.video, size_bytes=video.stat().st_size, file_sha256=sha256
                ),
            )
        )
    numbers = {entry.session: entry.number for entry in written}
    head = ("0", "split-1", 1, 1, {}, "rawvideo", "filtered", "native", "keep", True)
    write_manifest(Manifest(*head, numbers, (), tuple(written)), data / "ubfc" / MANIFEST)
    return data


def write_dataset_2(root, data):
    """Lay the curated videos out as UBFC's DATASET_2 does: read in place, with its labels' rows."""
    for video in (data / "ubfc").glob("*/*/vid.avi"):
        folder = root / video.parent.name
        folder.mkdir()
        (folder / "vid.avi").symlink_to(video)
        ppg, hr_bpm, time_s = read_labels(video.parent)
        time_s[40] = time_s[39]     # a repeated stamp, as there are some
        rows = ("   ".join(f"{x:.7e}" for x in row) for row in (ppg + 50, hr_bpm, time_s))
        (folder / "ground_truth.txt").write_text(" \n".join(rows) + "\n")
    return root


def three_entries():
    sides = ("train", "train", "test")
    return [make_entry(n, side, f"S0{n}") for n, side in enumerate(sides, start=1)]
