"""PURE as it was published: pictures and one JSON of stamps, read."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from acquire.errors import CurationError
from dataset.layouts.pure import PICTURE
from dataset.public.published import Picture, Recording, Samples, Timeline, numbers

FOLDER = re.compile(r"(\d\d)-(\d\d)")
SENSOR = "CMS50E pulse oximeter"


def picture_files(folder: Path) -> list[Path]:
    """List the pictures of one NN-MM folder, sorted by name."""
    inner = folder / folder.name
    return sorted((inner if inner.is_dir() else folder).glob("*.png"))


def label_file(folder: Path) -> Path:
    """Give the JSON of one NN-MM folder; in some copies it lies beside the folder."""
    name = f"{folder.name}.json"
    return (
        folder / name
        if (folder / name).exists() or not (folder.parent / name).exists()
        else folder.parent / name
    )


def read_pure(folder: Path) -> Recording:
    """Read one NN-MM folder.

    Raises
    ------
    CurationError : pictures or JSON are missing or are none
    """
    defects: list[str] = []
    body = _body(label_file(folder))
    packets, images = _list(body, "/FullPackage", folder), _list(body, "/Image", folder)
    sample_ns = np.array([_stamp(one, folder) for one in packets], np.int64)
    values = [one.get("Value") for one in packets]
    ppg, hr_bpm, spo2 = (
        numbers([v.get(key) if isinstance(v, dict) else None for v in values], key, defects)  # type: ignore[misc]
        for key in ("waveform", "pulseRate", "o2saturation")
    )
    files = _by_stamp(folder, defects)
    told = Counter(_stamp(one, folder) for one in images)
    if twice := sum(n - 1 for n in told.values()):
        defects.append(f"{twice} image stamps stand twice in the JSON")
    listed = [_stamp(one, folder) for one in images]
    if listed != sorted(listed):
        defects.append("image stamps of the JSON are out of order; sorted")
    if lacking := sorted(told.keys() - files.keys()):
        defects.append(
            f"{len(lacking)} pictures of the JSON are not there, the first is Image{lacking[0]}.png"
        )
    if extra := sorted(files.keys() - told.keys()):
        defects.append(
            f"{len(extra)} pictures are not in the JSON, the first is Image{extra[0]}.png; imported"
        )
    stamps = sorted(told.keys() | files.keys())
    if not files or len(stamps) < 2:
        raise CurationError(
            f"expected pictures Image<ns>.png, found {len(files)} in {folder}; get the folder again"
        )
    frame_times = Timeline(np.array(stamps, np.int64), "frame")
    sample_times = Timeline(sample_ns, "sample")
    first = cv2.imread(str(files[min(files)]), cv2.IMREAD_UNCHANGED)
    if first is None or first.ndim != 3:
        raise CurationError(
            f"expected a colour picture, found none in {files[min(files)]}; get the folder again"
        )
    height, width = first.shape[:2]
    start_ns = int(min(frame_times.time_ns[0], sample_times.time_ns[0]))
    defects += sample_times.defects + frame_times.defects
    return Recording(
        folder, folder.name[:2], folder.name, SENSOR, width, height,
        round(1e9 / frame_times.step_ns, 2), "published, of the frame", start_ns, start_ns,
        Samples(ppg, hr_bpm, spo2), sample_times, frame_times, len(stamps),
        _decode([files.get(stamp) for stamp in stamps], (height, width, 3), defects), defects,
    )


def _decode(
    files: Sequence[Path | None], shape: tuple[int, int, int], defects: list[str]
) -> Iterator[Picture]:
    bad = []
    for index, path in enumerate(files):
        if path is None:
            continue
        bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if bgr is None or bgr.shape != shape or bgr.dtype != np.uint8:
            bad.append(path.name)
            continue
        yield Picture(index, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    if bad:
        defects.append(
            f"{len(bad)} pictures do not decode as {shape[1]}x{shape[0]} of 8-bit RGB, the first "
            f"is {bad[0]}"
        )


def _body(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CurationError(
            f"expected labels, found nothing at {path}; get the folder again"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CurationError(
            f"expected labels as JSON, got: {error}, at {path}; get the file again"
        ) from error
    if not isinstance(body, dict):
        raise CurationError(
            f"expected an object, found another kind of JSON at {path}; get the file again"
        )
    return body


def _list(body: dict[str, Any], key: str, folder: Path) -> list[dict[str, Any]]:
    found = body.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise CurationError(
            f"expected a list {key}, found none in {label_file(folder)}; get the file again"
        )
    return found


def _stamp(one: dict[str, Any], folder: Path) -> int:
    stamp = one.get("Timestamp")
    if type(stamp) is not int or not 0 <= stamp < 2**62:
        raise CurationError(
            f"expected Timestamp in ns, found {stamp!r} in {label_file(folder)}; get the file again"
        )
    return stamp


def _by_stamp(folder: Path, defects: list[str]) -> dict[int, Path]:
    """Give the pictures by the stamp in their names."""
    files, odd = {}, []
    for path in picture_files(folder):
        found = PICTURE.fullmatch(path.name)
        if found is None or int(found[1]) >= 2**62 or int(found[1]) in files:
            odd.append(path.name)
        else:
            files[int(found[1])] = path
    if odd:
        defects.append(
            f"{len(odd)} pictures are not named by a stamp of their own, the first is {odd[0]}; "
            "left out"
        )
    return files
