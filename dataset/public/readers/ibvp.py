"""iBVP as it is published: `pNN_x/` with `pNN_x_rgb/` and `pNN_x_bvp.csv`; x is the condition.

The pictures are BMP of 640x480. The table has BVP from the ear, filtered and brought to 30 a second
to go with the frames, and the quality of each value: by two people (SQ1, SQ2) and by a network
(SQPhysMD), 1 good and 0 bad. A stretch of low quality becomes an event at its time, and how much
there is, is named; no value is left out. The thermal pictures, `pNN_x_t`, are not read.

How the pictures are named was not published. Numbers that count are frame numbers; numbers that
rise like milliseconds, as the names of the thermal pictures do, are times; others are refused.

Source: Joshi and Cho, "iBVP Dataset: RGB-Thermal rPPG Dataset with High Resolution Signal Quality
Labels", Electronics 13(7), 2024; structure by https://github.com/PhysiologicAILab/iBVP-Dataset.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from acquire.stamps.plausible import FRAME_HZ, are_counted, describe_step, find_unit, whole_ns
from acquire.stamps.rising import StampedTimes, rising_times
from dataset.common.files import sha256_of
from dataset.common.wording import counted
from dataset.public.examine import examine, refuse_other_rate
from dataset.public.folders import describe_files, find_file, innermost, visible
from dataset.public.formats.number_columns import read_named_columns
from dataset.public.formats.pictures import common_size, decode_pictures
from dataset.public.public_set import PublicSet
from dataset.public.published import (
    GET_FOLDER,
    Label,
    PublishedRecording,
    PublishedVideo,
    name_missing,
    nominal_times,
    samples_of,
)

RATE_HZ = 30.0
SENSOR = "PPG at the ear"
_FOLDER = re.compile(r"p([0-9]{2,3})_([a-z])", re.IGNORECASE)
_CONDITIONS = {
    "a": "rhythmic breathing and rest", "b": "easy arithmetic", "c": "difficult arithmetic",
    "d": "head movement",
}
_BVP, _QUALITIES = "BVP", ("SQPhysMD", "SQ1", "SQ2")
_LOW = 0.5                   # of a quality; below it is a stretch of low quality
_MOST_STRETCHES = 100        # that become events, of a column
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class _Frames:
    """The pictures of a recording in their order."""

    files: list[Path | None]             # None: its number lacks
    times: StampedTimes | None           # None: not published


def read_recording(folder: Path) -> PublishedRecording:
    """Read one folder `pNN_x`.

    Raises
    ------
    CurationError : pictures or table are missing or are none, or their times are not certain
    """
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise CurationError(
            expected="a folder pNN_x", found=folder.name, where=folder, fix="rename it if it is one"
        )
    defects: list[str] = []
    table, pictures = _places(folder)
    columns = read_named_columns(table, (_BVP,), _QUALITIES, defects)
    frames = _find_frames(pictures, defects)
    height, width = common_size([file for file in frames.files if file is not None])
    ppg = columns[_BVP]
    times = _ppg_times(len(ppg), frames, table, defects)
    if match[2].lower() not in _CONDITIONS:
        defects.append(f"condition {match[2]} is none of the set's, {', '.join(_CONDITIONS)}; kept")
    labels = [Label(f"condition {_CONDITIONS.get(match[2].lower(), match[2])}")]
    for name in _QUALITIES:
        if name in columns:
            quality = _known_quality(name, columns[name], defects)
            labels += _low_stretches(name, quality, times, defects)
    zero_ns = frames.times.zero_ns if frames.times else (0, 0)
    return examine(PublishedRecording(
        folder, f"{match[1]}-{match[2].lower()}", SENSOR, *zero_ns, samples_of(ppg, times),
        PublishedVideo(
            width, height, round(1e9 / frames.times.step_ns, 2) if frames.times else RATE_HZ,
            "published, of the frame" if frames.times else "nominal, not published", frames.times,
            len(frames.files), decode_pictures(frames.files, (height, width), defects),
        ),
        defects, tuple(labels),
    ))


def _places(folder: Path) -> tuple[Path, Path]:
    """Return the table and the folder of pictures of a recording."""
    inner = innermost(folder)
    return find_file(inner, f"{folder.name}_bvp.csv"), find_file(inner, f"{folder.name}_rgb")


def _picture_files(pictures: Path) -> list[Path]:
    if not pictures.is_dir():
        return []
    return sorted(path for path in visible(pictures) if path.suffix.lower() == ".bmp")


def _find_frames(pictures: Path, defects: list[str]) -> _Frames:
    """Put the pictures in order by the last number in their names.

    Raises
    ------
    CurationError : there are too few, or their numbers are neither frame numbers nor times
    """
    files: dict[int, Path] = {}
    misnamed = []
    for path in _picture_files(pictures):
        numbers = _NUMBER.findall(path.stem)
        if not numbers or int(numbers[-1]) in files:
            misnamed.append(path.name)
        else:
            files[int(numbers[-1])] = path
    if misnamed:
        defects.append(
            f"{len(misnamed)} pictures have no number of their own, the first is {misnamed[0]}; "
            "left out"
        )
    if len(files) < 3:
        found = describe_files(pictures) if pictures.is_dir() else "no such folder"
        raise CurationError(
            expected="pictures <number>.bmp", found=found, where=pictures, fix=GET_FOLDER
        )
    numbers = np.array(sorted(files), np.int64)
    if are_counted(numbers.astype(float)) or float(np.median(np.diff(numbers))) == 1:
        return _by_number(files, numbers, pictures, defects)
    if find_unit(numbers, FRAME_HZ) != "ms":
        raise CurationError(
            expected="names of pictures that count, or times in milliseconds",
            found=describe_step(numbers.astype(float)), where=pictures, fix=GET_FOLDER,
        )
    time_ns = whole_ns(numbers, "ms", "frame", error=CurationError, where=pictures)
    times = rising_times(time_ns, "frame", where=pictures)
    defects.append("the names of the pictures are taken for times in milliseconds")
    defects += times.defects
    return _Frames([files[number] for number in numbers.tolist()], times)


def _by_number(
    files: dict[int, Path], numbers: np.ndarray, pictures: Path, defects: list[str]
) -> _Frames:
    """Return pictures by their frame numbers; those that lack are lost frames."""
    span = int(numbers[-1] - numbers[0]) + 1
    if span > 2 * len(numbers):
        raise CurationError(
            expected="frame numbers of one recording",
            found=f"{len(numbers)} pictures over {span} numbers", where=pictures, fix=GET_FOLDER,
        )
    if span > len(numbers):
        defects.append(f"{span - len(numbers)} numbers between the pictures have none")
    defects.append(f"frame times are not published; nominal, at the set's {RATE_HZ:g}/s")
    first = int(numbers[0])
    return _Frames([files.get(number) for number in range(first, first + span)], None)


def _ppg_times(
    count: int, frames: _Frames, where: Path, defects: list[str]
) -> StampedTimes:
    """Return the times of the BVP: those of the frames where it has a value for each of them.

    Raises
    ------
    CurationError : it has a rate of its own
    """
    times, expected = frames.times, len(frames.files)
    if count != expected:
        defects.append(
            f"{count} BVP values for {expected} frames: not paired; at {RATE_HZ:g}/s from the "
            "first frame"
        )
        fps = 1e9 / times.step_ns if times else RATE_HZ
        refuse_other_rate(count, RATE_HZ, expected / fps, where)
        first_ns = int(times.time_ns[0]) if times else 0
        return nominal_times(count, RATE_HZ, first_ns=first_ns)
    return times or nominal_times(count, RATE_HZ)


def _known_quality(name: str, quality: np.ndarray, defects: list[str]) -> np.ndarray:
    """Return a quality with NaN where it is none; name what lacks or is not from 0 to 1."""
    known = np.isfinite(quality)
    if not known.any():
        defects.append(f"{name} holds no value; the quality by it is not known")
        return quality
    name_missing(quality, name, defects, done="the quality there is not known")
    out = known & ((quality < 0) | (quality > 1))
    if out.any():
        at = int(np.argmax(out))
        defects.append(
            f"{counted(int(np.count_nonzero(out)), 'value')} of {name} "
            f"{'is' if np.count_nonzero(out) == 1 else 'are'} not from 0 to 1, the first is "
            f"{quality[at]:g} at {at}; the quality there is not known"
        )
    return np.where(out, np.nan, quality)


def _low_stretches(
    name: str, quality: np.ndarray, times: StampedTimes, defects: list[str]
) -> list[Label]:
    """Return the stretches of low quality as labels at their times, and name how much they are."""
    low = np.concatenate([[False], quality < _LOW, [False]])     # NaN is not low
    edges = np.flatnonzero(low[1:] != low[:-1]).reshape(-1, 2)
    if not len(edges):
        return []
    start_s, end_s = ((times.time_ns[at] - times.time_ns[0]) / 1e9 for at in (
        edges[:, 0], edges[:, 1] - 1
    ))
    longest = int(np.argmax(end_s - start_s))
    defects.append(
        f"{name} marks {np.count_nonzero(low)} of {len(quality)} BVP values as of low quality, in "
        f"{len(edges)} stretch{'es' * (len(edges) > 1)}, the longest "
        f"{end_s[longest] - start_s[longest]:.1f} s at {start_s[longest]:.1f} s"
    )
    return [
        Label(f"low quality by {name} until {end:.2f} s", int(times.time_ns[first]))
        for first, end in zip(edges[:_MOST_STRETCHES, 0], end_s, strict=False)
    ]


def _hash_files(folder: Path) -> list[tuple[str, str]]:
    table, pictures = _places(folder)
    files = _picture_files(pictures)
    listed = "".join(f"{sha256_of(path)} {path.name}\n" for path in files)
    of_table = [(table.name, sha256_of(table))] if table.is_file() else []
    return [
        *of_table, (f"{len(files)} pictures", hashlib.sha256(listed.encode()).hexdigest()),
    ]


IBVP = PublicSet("iBVP", _FOLDER, "pNN_x", "IBVP-", read_recording, _hash_files)
