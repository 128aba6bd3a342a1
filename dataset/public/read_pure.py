"""PURE as it was published: pictures and one JSON of stamps.

The JSON is read leniently: a value that is no number becomes NaN and is named as a defect.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from acquire.errors import CurationError
from acquire.stamps.rising import rising_times
from dataset.layouts.pure import PICTURE

from .published import (
    GET_FILE,
    GET_FOLDER,
    Picture,
    PublishedRecording,
    PublishedSamples,
    PublishedVideo,
    read_numbers,
)

FOLDER = re.compile(r"(\d\d)-(\d\d)")
SENSOR = "CMS50E pulse oximeter"


@dataclass(frozen=True)
class _Labels:
    """The JSON of a folder."""

    sample_ns: list[int]        # as published
    values: list[Any]           # an object with the numbers, for each sample
    image_ns: list[int]         # as published


def picture_files(folder: Path) -> list[Path]:
    """List the pictures of one NN-MM folder, sorted by name."""
    inner = folder / folder.name
    return sorted((inner if inner.is_dir() else folder).glob("*.png"))


def label_file(folder: Path) -> Path:
    """Return the JSON of one NN-MM folder; in some copies it lies beside the folder."""
    inside, beside = folder / f"{folder.name}.json", folder.parent / f"{folder.name}.json"
    return inside if inside.exists() or not beside.exists() else beside


def read_pure(folder: Path) -> PublishedRecording:
    """Read one NN-MM folder.

    Raises
    ------
    CurationError : pictures or JSON are missing or are none
    """
    defects: list[str] = []
    labels = _read_labels(label_file(folder))
    ppg, hr_bpm, spo2 = (
        read_numbers(
            [value.get(key) if isinstance(value, dict) else None for value in labels.values], key,
            defects,
        )
        for key in ("waveform", "pulseRate", "o2saturation")
    )
    files = _files_by_stamp(folder, defects)
    stamps = _match_pictures(labels.image_ns, files, defects)
    if not files or len(stamps) < 2:
        raise CurationError(
            expected="pictures Image<ns>.png", found=len(files), where=folder, fix=GET_FOLDER
        )
    frame_times = rising_times(np.array(stamps, np.int64), "frame")
    sample_times = rising_times(np.array(labels.sample_ns, np.int64), "sample")
    height, width = _size_of(files[min(files)])
    start_ns = int(min(frame_times.time_ns[0], sample_times.time_ns[0]))
    defects += sample_times.defects + frame_times.defects
    pictures = _decode([files.get(stamp) for stamp in stamps], (height, width, 3), defects)
    return PublishedRecording(
        folder, folder.name[:2], folder.name, SENSOR, start_ns, start_ns,
        PublishedSamples(ppg, hr_bpm, spo2, sample_times),
        PublishedVideo(
            width, height, round(1e9 / frame_times.step_ns, 2), "published, of the frame",
            frame_times, len(stamps), pictures,
        ),
        defects,
    )


def _match_pictures(
    image_ns: Sequence[int], files: dict[int, Path], defects: list[str]
) -> list[int]:
    """Return the stamps of pictures and JSON together, sorted; name where the two differ."""
    listed = Counter(image_ns)
    if repeated := sum(count - 1 for count in listed.values()):
        defects.append(f"{repeated} image stamps stand twice in the JSON")
    if list(image_ns) != sorted(image_ns):
        defects.append("image stamps of the JSON are out of order; sorted")
    if missing := sorted(listed.keys() - files.keys()):
        defects.append(
            f"{len(missing)} pictures of the JSON are not there, the first is Image{missing[0]}.png"
        )
    if extra := sorted(files.keys() - listed.keys()):
        defects.append(
            f"{len(extra)} pictures are not in the JSON, the first is Image{extra[0]}.png; imported"
        )
    return sorted(listed.keys() | files.keys())


def _size_of(path: Path) -> tuple[int, int]:
    """Return height and width of a colour picture."""
    bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.ndim != 3:
        raise CurationError(
            expected="a colour picture", found="none", where=path, fix=GET_FOLDER
        )
    return bgr.shape[0], bgr.shape[1]


def _decode(
    files: Sequence[Path | None], shape: tuple[int, int, int], defects: list[str]
) -> Iterator[Picture]:
    undecodable = []
    for index, path in enumerate(files):
        if path is None:
            continue
        bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if bgr is None or bgr.shape != shape or bgr.dtype != np.uint8:
            undecodable.append(path.name)
            continue
        yield Picture(index, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    if undecodable:
        defects.append(
            f"{len(undecodable)} pictures do not decode as {shape[1]}x{shape[0]} of 8-bit RGB, "
            f"the first is {undecodable[0]}"
        )


def _read_labels(path: Path) -> _Labels:
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CurationError(
            expected="labels", found="nothing", where=f"at {path}", fix=GET_FOLDER
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CurationError(
            expected="labels as JSON", found=error, where=path, fix=GET_FILE
        ) from error
    if not isinstance(body, dict):
        raise CurationError(
            expected="an object", found="another kind of JSON", where=path, fix=GET_FILE
        )
    packets, images = (_list(body, key, path) for key in ("/FullPackage", "/Image"))
    return _Labels(
        [_stamp(packet, path) for packet in packets], [packet.get("Value") for packet in packets],
        [_stamp(image, path) for image in images],
    )


def _list(body: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    items = body.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise CurationError(expected=f"a list {key}", found="none", where=path, fix=GET_FILE)
    return items


def _stamp(item: dict[str, Any], path: Path) -> int:
    stamp = item.get("Timestamp")
    if type(stamp) is not int or not 0 <= stamp < 2**62:
        raise CurationError(
            expected="Timestamp in ns", found=repr(stamp), where=path, fix=GET_FILE
        )
    return stamp


def _files_by_stamp(folder: Path, defects: list[str]) -> dict[int, Path]:
    """Return the pictures by the stamp in their names."""
    files, misnamed = {}, []
    for path in picture_files(folder):
        match = PICTURE.fullmatch(path.name)
        if match is None or int(match[1]) >= 2**62 or int(match[1]) in files:
            misnamed.append(path.name)
        else:
            files[int(match[1])] = path
    if misnamed:
        defects.append(
            f"{len(misnamed)} pictures are not named by a stamp of their own, the first is "
            f"{misnamed[0]}; left out"
        )
    return files
