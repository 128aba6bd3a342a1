"""UBFC-Phys as it is published: `s<int>/` with a video and a wristband's BVP for each task.

`vid_s1_T1.avi` is Motion JPEG of 1024x1024, and `bvp_s1_T1.csv` one number a line, 64 a second, of
an Empatica E4; T1 is rest, T2 a speech, T3 arithmetic. When frames and samples were taken was not
published: both are laid evenly from a common start, and where one is longer than the other, that
is named. The wristband's other signal, `eda_*.csv`, is not read.

Source: Meziati Sabour et al., "UBFC-Phys: A Multimodal Database For Psychophysiological Studies Of
Social Stress", IEEE Transactions on Affective Computing, 2021; names of files as rPPG-Toolbox and
pyVHR read them.
"""

import re
from contextlib import suppress
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.public.examine import examine, refuse_other_rate
from dataset.public.folders import find_file, innermost, visible
from dataset.public.formats.number_columns import read_one_column
from dataset.public.public_set import FoundRecording, PublicSet
from dataset.public.published import Label, PublishedRecording, nominal_times, samples_of
from dataset.public.read_video import open_video, read_header

RATE_HZ = 64.0
SENSOR = "Empatica E4 wristband"
_FILE = re.compile(
    r"(?:(vid)|bvp)_s([0-9]{1,9})_T([0-9]{1,2})(?(1)\.avi|\.csv)", re.IGNORECASE
)
_TASKS = {"T1": "rest", "T2": "speech", "T3": "arithmetic"}
_GROUPS = ("test", "ctrl")
_SUBJECT = re.compile(r"s([0-9]{1,9})", re.IGNORECASE)
_SINCE_1970_S = 1e9


def _find(folder: Path, subject: str) -> list[FoundRecording]:
    """Return a recording for each task of which there is a video or a BVP.

    A video and a BVP that are alone are one: either may have the wrong number.
    """
    inner = innermost(folder)
    videos, bvps = _tasks(inner)
    names = {f"vid_{task}.avi" for task in videos} | {f"bvp_{task}.csv" for task in bvps - videos}
    found = sorted(names - {_misnamed_bvp(inner)}, key=lambda name: name.partition("_")[2])
    return [FoundRecording(inner / name, subject) for name in found]


def _tasks(folder: Path) -> tuple[set[str], set[str]]:
    """Return of which tasks there are videos, and of which BVP: `s1_T1`."""
    videos: set[str] = set()
    bvps: set[str] = set()
    for path in visible(folder):
        if match := _FILE.fullmatch(path.name):
            (videos if match[1] else bvps).add(f"s{match[2]}_T{match[3]}")
    return videos, bvps


def _misnamed_bvp(folder: Path) -> str:
    """Return the one BVP without a video beside the one video of its subject without a BVP."""
    videos, bvps = _tasks(folder)
    own = f"{folder.name.casefold()}_"
    lone_videos, lone_bvps = (
        [task for task in tasks if task.startswith(own)]
        for tasks in (videos - bvps, bvps - videos)
    )
    is_one = len(lone_videos) == len(lone_bvps) == 1
    return f"bvp_{lone_bvps[0]}.csv" if is_one else ""


def _files(path: Path) -> tuple[Path, Path]:
    """Return video and BVP of a recording, named by either; the paths where they lack."""
    task = path.stem.partition("_")[2]
    video, bvp = f"vid_{task}.avi", f"bvp_{task}.csv"
    return find_file(path.parent, video), find_file(path.parent, bvp)


def read_recording(path: Path) -> PublishedRecording:
    """Read one task.

    Parameters
    ----------
    path : of its video, `s1/vid_s1_T1.avi`; of its BVP where it has no video

    Raises
    ------
    CurationError : a file is missing or is none, there are too few numbers, or it is of another
        subject than its folder
    """
    _, subject, task = path.stem.split("_")
    if subject.casefold() != path.parent.name.casefold():
        raise CurationError(
            expected=f"files of {path.parent.name}", found=path.name, where=path.parent,
            fix="move it to the folder of its subject",
        )
    video, bvp = _files(path)
    if not bvp.exists() and (other := _misnamed_bvp(path.parent)):
        raise CurationError(
            expected=bvp.name, found=f"{other}, which has no video", where=path.parent,
            fix="rename it or the video where both are of one task, or get the folder again",
        )
    defects: list[str] = []
    ppg, rate_hz = _without_header(read_one_column(bvp, "BVP", defects), bvp, defects)
    header = read_header(video, defects, is_raw=False)
    if header.frames:
        refuse_other_rate(len(ppg), rate_hz, header.frames / header.fps, bvp)
    defects.append(
        f"no times are published: {rate_hz:g} BVP values/s and {header.fps:.6g} frames/s, by the "
        "video's header, from a common start"
    )
    if task not in _TASKS:
        defects.append(f"task {task} is none of the set's, {', '.join(_TASKS)}")
    task_label = f"task {task}: {_TASKS.get(task, 'not known')}"
    labels = [task_label, *_group(path.parent, subject, defects)]
    return examine(PublishedRecording(
        path, f"{subject[1:]}-{task}", SENSOR, 0, 0,
        samples_of(ppg, nominal_times(len(ppg), rate_hz)), open_video(header, None, defects),
        defects, tuple(Label(text) for text in labels),
    ))


def _without_header(
    values: np.ndarray, path: Path, defects: list[str]
) -> tuple[np.ndarray, float]:
    """Return the BVP and its rate, without the two lines that Empatica itself writes above it."""
    first, second = values[:2].tolist()
    if not (first > _SINCE_1970_S and 1 <= second <= 1000 and second == int(second)):
        return values, RATE_HZ
    defects.append(
        f"{path.name} begins with a time since 1970 and a rate of {second:g}/s, as the wristband "
        "writes them; left out"
    )
    return values[2:], second


def _group(folder: Path, subject: str, defects: list[str]) -> list[str]:
    """Return whether a subject was of the group with the harder tasks; name where none is known."""
    path = find_file(folder, f"info_{subject}.txt")
    words: list[str] = []
    with suppress(OSError, UnicodeDecodeError):
        words = path.read_text("utf-8-sig")[:1000].split()
    of_other = bool(words) and _SUBJECT.fullmatch(words[0]) is not None and (
        int(words[0][1:]) != int(subject[1:])
    )
    groups = [f"group {word}" for word in words if word in _GROUPS][:1]
    if groups and not of_other:
        return groups
    reason = f"{path.name} is of {words[0]}" if of_other else (
        f"{path.name} holds neither {' nor '.join(_GROUPS)}" if path.is_file()
        else f"{path.name} is not there"
    )
    defects.append(f"labels that are missing: group ({reason})")
    return []


def _hash_files(path: Path) -> list[tuple[str, str]]:
    return [(file.name, sha256_of(file)) for file in _files(path) if file.is_file()]


UBFC_PHYS = PublicSet(
    "UBFC-Phys", re.compile(r"s([0-9]{1,9})"), "s<int>", "UBFCPHYS-", read_recording, _hash_files,
    _find, "vid_s<int>_T<int>.avi and bvp_s<int>_T<int>.csv",
)
