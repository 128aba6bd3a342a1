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
_FILE = re.compile(r"(?:vid|bvp)_s([0-9]{1,9})_T([0-9]{1,2})\.(?:avi|csv)", re.IGNORECASE)
_TASKS = {"T1": "rest", "T2": "speech", "T3": "arithmetic"}
_GROUPS = ("test", "ctrl")
_SINCE_1970_S = 1e9


def _find(folder: Path, subject: str) -> list[FoundRecording]:
    """Return a recording for each task of which there is a video or a BVP."""
    inner = innermost(folder)
    tasks = {
        f"s{match[1]}_T{match[2]}"
        for path in visible(inner) if (match := _FILE.fullmatch(path.name))
    }
    return [FoundRecording(inner / f"vid_{task}.avi", subject) for task in sorted(tasks)]


def _files(path: Path) -> tuple[Path, Path]:
    """Return video and BVP of a recording, named by its video; the paths where they lack."""
    bvp = path.name.replace("vid_", "bvp_", 1).removesuffix(".avi") + ".csv"
    return find_file(path.parent, path.name), find_file(path.parent, bvp)


def read_recording(path: Path) -> PublishedRecording:
    """Read one task.

    Parameters
    ----------
    path : of its video, `s1/vid_s1_T1.avi`

    Raises
    ------
    CurationError : a file is missing or is none, there are too few numbers, or it is of another
        subject than its folder
    """
    name = path.stem.removeprefix("vid_")
    subject, task = name.split("_")
    if subject.casefold() != path.parent.name.casefold():
        raise CurationError(
            expected=f"files of {path.parent.name}", found=path.name, where=path.parent,
            fix="move it to the folder of its subject",
        )
    video, bvp = _files(path)
    defects: list[str] = []
    ppg, rate_hz = _without_header(read_one_column(bvp, "BVP", defects), bvp, defects)
    header = read_header(video, defects, is_raw=False)
    if header.frames:
        refuse_other_rate(len(ppg), rate_hz, header.frames / header.fps, bvp)
    defects.append(
        f"no times are published: {rate_hz:g} BVP values/s and {header.fps:.6g} frames/s, by the "
        "video's header, from a common start"
    )
    task_label = f"task {task}: {_TASKS.get(task, 'not known')}"
    labels = [task_label, *_group(path.parent, subject)]
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


def _group(folder: Path, subject: str) -> list[str]:
    """Return whether a subject was of the group with the harder tasks, where that is known."""
    with suppress(OSError, UnicodeDecodeError):
        lines = find_file(folder, f"info_{subject}.txt").read_text()[:1000].split()
        return [f"group {word}" for word in lines if word in _GROUPS][:1]
    return []


def _hash_files(path: Path) -> list[tuple[str, str]]:
    return [(file.name, sha256_of(file)) for file in _files(path) if file.is_file()]


UBFC_PHYS = PublicSet(
    "UBFC-Phys", re.compile(r"s([0-9]{1,9})"), "s<int>", "UBFCPHYS-", read_recording, _hash_files,
    _find, "vid_s<int>_T<int>.avi and bvp_s<int>_T<int>.csv",
)
