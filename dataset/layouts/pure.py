"""The PURE layout, both ways: `NN-MM/NN-MM.json` and `NN-MM/NN-MM/Image<ns>.png`.

NN is the subject, MM its session. The JSON holds `/FullPackage` (the oximeter, about 60 Hz) and `/Image` (a stamp per
picture); stamps are nanoseconds since 1970. What is published is not always in order, and pictures and JSON do not always agree:
pictures count, in the order of the stamps in their names.

Source: Stricker, Mueller, Gross, "Non-contact video-based pulse rate measurement on a mobile service robot", RO-MAN 2014.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from acquire.errors import CurationError
from dataset.public.published import Picture, Recording, Samples, Timeline, numbers

FOLDER = re.compile(r"(\d\d)-(\d\d)")
_PICTURE = re.compile(r"Image(\d{1,19})\.png")
SENSOR = "CMS50E pulse oximeter"
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def picture_files(folder: Path) -> list[Path]:
    """List the pictures of one NN-MM folder, sorted by name."""
    inner = folder / folder.name
    return sorted((inner if inner.is_dir() else folder).glob("*.png"))


def label_file(folder: Path) -> Path:
    """Give the JSON of one NN-MM folder; in some copies it lies beside the folder."""
    name = f"{folder.name}.json"
    return folder / name if (folder / name).exists() or not (folder.parent / name).exists() else folder.parent / name


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
        defects.append(f"{len(lacking)} pictures of the JSON are not there, the first is Image{lacking[0]}.png")
    if extra := sorted(files.keys() - told.keys()):
        defects.append(f"{len(extra)} pictures are not in the JSON, the first is Image{extra[0]}.png; imported")
    stamps = sorted(told.keys() | files.keys())
    if not files or len(stamps) < 2:
        raise CurationError(f"expected pictures Image<ns>.png, found {len(files)} in {folder}; get the folder again")
    frame_times = Timeline(np.array(stamps, np.int64), "frame")
    sample_times = Timeline(sample_ns, "sample")
    first = cv2.imread(str(files[min(files)]), cv2.IMREAD_UNCHANGED)
    if first is None or first.ndim != 3:
        raise CurationError(f"expected a colour picture, found none in {files[min(files)]}; get the folder again")
    height, width = first.shape[:2]
    start_ns = int(min(frame_times.time_ns[0], sample_times.time_ns[0]))
    defects += sample_times.defects + frame_times.defects
    return Recording(
        folder, folder.name[:2], folder.name, SENSOR, width, height, round(1e9 / frame_times.step_ns, 2),
        "published, of the frame", start_ns, start_ns, Samples(ppg, hr_bpm, spo2), sample_times, frame_times, len(stamps),
        _decode([files.get(stamp) for stamp in stamps], (height, width, 3), defects), defects,
    )


def _decode(files: Sequence[Path | None], shape: tuple[int, int, int], defects: list[str]) -> Iterator[Picture]:
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
        defects.append(f"{len(bad)} pictures do not decode as {shape[1]}x{shape[0]} of 8-bit RGB, the first is {bad[0]}")


def _body(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CurationError(f"expected labels, found nothing at {path}; get the folder again") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CurationError(f"expected labels as JSON, got: {error}, at {path}; get the file again") from error
    if not isinstance(body, dict):
        raise CurationError(f"expected an object, found another kind of JSON at {path}; get the file again")
    return body


def _list(body: dict[str, Any], key: str, folder: Path) -> list[dict[str, Any]]:
    found = body.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise CurationError(f"expected a list {key}, found none in {label_file(folder)}; get the file again")
    return found


def _stamp(one: dict[str, Any], folder: Path) -> int:
    stamp = one.get("Timestamp")
    if type(stamp) is not int or not 0 <= stamp < 2**62:
        raise CurationError(f"expected Timestamp in ns, found {stamp!r} in {label_file(folder)}; get the file again")
    return stamp


def _by_stamp(folder: Path, defects: list[str]) -> dict[int, Path]:
    """Give the pictures by the stamp in their names."""
    files, odd = {}, []
    for path in picture_files(folder):
        found = _PICTURE.fullmatch(path.name)
        if found is None or int(found[1]) >= 2**62 or int(found[1]) in files:
            odd.append(path.name)
        else:
            files[int(found[1])] = path
    if odd:
        defects.append(f"{len(odd)} pictures are not named by a stamp of their own, the first is {odd[0]}; left out")
    return files


class PureWriter:
    """Write one recording in the PURE layout; a context manager.

    Parameters
    ----------
    folder : where `NN-MM/` is made
    subject_number, session_number : NN and MM

    Raises
    ------
    CurationError : a number beyond 99, which the layout cannot hold; the folder is there already, or cannot be written
    """

    def __init__(self, folder: Path, *, subject_number: int, session_number: int) -> None:
        for what, number in (("subject", subject_number), ("session", session_number)):
            if not 1 <= number <= 99:
                raise CurationError(f"expected a {what} number from 1 to 99 for PURE, found {number}; use the UBFC layout")
        self.name = f"{subject_number:02d}-{session_number:02d}"
        self.folder = folder / self.name
        self._stamps: list[int] = []
        if self.folder.exists():
            raise CurationError(f"expected no folder yet, found {self.folder}; move it away")
        (self.folder / self.name).mkdir(parents=True)

    def __enter__(self) -> "PureWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: every file is whole once written, and a folder without its JSON is no recording."""

    def add(self, bgr: np.ndarray, time_ns: int) -> None:
        """Write one (H, W, 3) uint8 BGR frame; `time_ns` rises, and counts from 1970 where that is known.

        A picture's name carries it in 19 digits, so that readers which sort by name get the frames in order.

        Raises
        ------
        CurationError : the time does not rise, or the picture cannot be written
        """
        if time_ns < 0 or (self._stamps and time_ns <= self._stamps[-1]):
            raise CurationError(f"expected frame times that rise, found {time_ns} ns in {self.folder}")
        path = self.folder / self.name / f"Image{time_ns:019d}.png"
        if not cv2.imwrite(str(path), bgr, _PNG):
            raise CurationError(f"expected to write {path}, got: it failed; make room or mend the disk, then convert again")
        self._stamps.append(time_ns)

    def finish(self, ppg: np.ndarray, ppg_time_ns: np.ndarray, hr_bpm: np.ndarray) -> None:
        """Write the JSON: (S,) PPG and heart rate [bpm] at (S,) int64 ns. No oximeter: `o2saturation` is 0."""
        packets = [
            {
                "Timestamp": int(time_ns),
                "Value": {"pulseRate": float(f"{bpm:.3f}"), "o2saturation": 0, "waveform": float(f"{value:.10g}")},
            }
            for value, time_ns, bpm in zip(ppg, ppg_time_ns, hr_bpm, strict=True)
        ]
        body = {"/FullPackage": packets, "/Image": [{"Timestamp": stamp} for stamp in self._stamps]}
        (self.folder / f"{self.name}.json").write_text(json.dumps(body, allow_nan=False))
