"""What the readers of public tools do with a folder, by their rules; none of their code is here.

Each reads a root as the tool would be pointed to it, and returns what it takes for the recordings:
pictures, the waveform and the rates at which both are taken. `dataset.export.targets` has the
sources.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True)
class ReadRecording:
    """What a tool makes of a recording."""

    name: str
    pictures: list[np.ndarray]     # (H, W, 3) uint8 BGR each
    ppg: np.ndarray                # (S,) float64
    ppg_hz: float                  # that the tool takes it to have
    video_hz: float


def toolbox_ubfc(root: Path, fs_hz: float) -> list[ReadRecording]:
    """rPPG-Toolbox: folders by name, numbers from the path, a value of the first row a frame."""
    found = []
    for path in map(str, root.glob("subject*")):
        pictures = _video(Path(path) / "vid.avi")[0]
        ppg = np.array([float(x) for x in _lines(Path(path) / "ground_truth.txt")[0].split()])
        assert len(ppg) == len(pictures)         # it does not stretch one over the other
        name = re.search(r"subject(\d+)", path).group(0)
        found.append(ReadRecording(name, pictures, ppg, fs_hz, fs_hz))
    return found


def toolbox_pure(root: Path, fs_hz: float) -> list[ReadRecording]:
    """rPPG-Toolbox: all that has a dash; the waveform is stretched over the pictures."""
    found = []
    for folder in root.glob("*-*"):
        subject, index = int(folder.name.replace("-", "")[:2]), int(folder.name.replace("-", ""))
        pictures = [cv2.imread(str(path)) for path in sorted((folder / folder.name).glob("*.png"))]
        wave = _waveform(folder / f"{folder.name}.json")
        ppg = _stretched(wave, len(pictures))
        found.append(ReadRecording(f"{subject}: {index}", pictures, ppg, fs_hz, fs_hz))
    return found


def pyvhr_ubfc(root: Path) -> list[ReadRecording]:
    """pyVHR: every video and every text file below, in pairs; whole rates from the third row."""
    files = [Path(at) / name for at, _, names in os.walk(root) for name in names]
    videos = [path for path in files if path.name.endswith("avi") and "vid" in path.name]
    texts = [path for path in files if path.name.endswith("txt")]
    found = []
    for video, text in zip(videos, texts, strict=True):
        assert video.parent == text.parent
        rows = [[x for x in line.split(" ") if x] for line in text.read_text().splitlines()]
        ppg, _, time_s = (np.array(row).astype(np.float64) for row in rows[:3])
        pictures, video_hz = _video(video)
        ppg_hz = float(np.round(1 / np.mean(np.diff(time_s))))
        found.append(ReadRecording(video.parent.name, pictures, ppg, ppg_hz, video_hz))
    return found


def pyvhr_pure(root: Path) -> list[ReadRecording]:
    """pyVHR: in each folder pictures alone, by their numbers; the waveform at 60 Hz."""
    root = root if "PURE" in str(root) else root / "PURE"
    found = []
    for at, folders, names in os.walk(root):
        for name in folders:
            files = os.listdir(Path(at) / name)
            files.sort(key=lambda one: [int(x) if x.isdigit() else x
                                        for x in re.split("([0-9]+)", one)])
            pictures = [cv2.imread(str(Path(at) / name / one)) for one in files]
            assert all(picture is not None for picture in pictures)
            assert f"{name}.json" in names
            wave = _waveform(Path(at) / f"{name}.json")
            found.append(ReadRecording(name, pictures, wave, 60.0, 30.0))
    return found


def remotebiosensing_ubfc(data_root: Path) -> list[ReadRecording]:
    """remotebiosensing: `UBFC/subject<int>`; the header's count of frames, 30 a second."""
    root, found = data_root / "UBFC", []
    for number in sorted(int(name[7:]) for name in os.listdir(root) if "subject" in name):
        folder = root / f"subject{number}"
        pictures = _video(folder / "vid.avi")[0]
        lines = _lines(folder / "ground_truth.txt")
        np.array([float(x) for x in lines[1].split()]).astype("int")
        wave = np.array([float(x) for x in lines[0].split()])
        ppg = _stretched(wave, len(pictures))
        found.append(ReadRecording(folder.name, pictures, ppg, 30.0, 30.0))
    return found


def remotebiosensing_pure(data_root: Path) -> list[ReadRecording]:
    """remotebiosensing: ten persons, six recordings; all but the first file are pictures."""
    found = []
    for person in range(1, 11):
        for task in range(1, 7):
            folder = data_root / "PURE" / f"{person:02}-{task:02}"
            if not folder.is_dir():
                continue
            pictures = [cv2.imread(str(folder / name)) for name in sorted(os.listdir(folder))[1:]]
            wave = _waveform(folder / f"{folder.name}.json")
            ppg = _stretched(wave, len(pictures))
            found.append(ReadRecording(folder.name, pictures, ppg, 30.0, 30.0))
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text().split("\n")


def _waveform(path: Path) -> np.ndarray:
    packets = json.loads(path.read_text())["/FullPackage"]
    return np.array([packet["Value"]["waveform"] for packet in packets])


def _stretched(wave: np.ndarray, count: int) -> np.ndarray:
    """Return a waveform at `count` even places from its first to its last value."""
    return np.interp(np.linspace(1, len(wave), count), np.arange(1, len(wave) + 1), wave)


def _video(path: Path) -> tuple[list[np.ndarray], float]:
    capture, pictures = cv2.VideoCapture(str(path)), []
    assert capture.isOpened()
    while (read := capture.read())[0]:
        pictures.append(read[1])
    assert len(pictures) == int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return pictures, rate_hz
