"""The PURE layout: `NN-MM/NN-MM.json` and `NN-MM/NN-MM/Image<ns>.png`, written and compared.

Other forms of it, without the second folder, are in `places`.
NN is the subject, MM its session. The JSON holds `/FullPackage` (the oximeter, about 60 Hz) and
`/Image` (a stamp per picture); stamps are nanoseconds since 1970. What is published is not always
in order, and pictures and JSON do not always agree: pictures count, in the order of the stamps in
their names.

Source: Stricker, Mueller, Gross, "Non-contact video-based pulse rate measurement on a mobile
service robot", RO-MAN 2014.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from acquire.errors import CurationError
from acquire.pool import open_threads, own_cores

from .marks import MARK_KEY, mark_png
from .places import PURE, labels_file, pictures_place

PICTURE = re.compile(r"Image(\d{1,19})\.png", re.IGNORECASE)
# Differences to the row above, in runs: half the time of zlib's level 1, written and read, and as
# small (benchmarks/pictures.py). OpenCV before 4.12 chooses no filter and takes the pixel to the
# left: as quick, a tenth larger.
_PNG = [
    cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
] if hasattr(cv2, "IMWRITE_PNG_FILTER") else []


class PureWriter:
    """Write one recording in the PURE layout, pictures in several threads; a context manager.

    Parameters
    ----------
    folder : where `NN-MM/` is made
    subject_number, session_number : NN and MM
    simulated : whether pictures and JSON are marked as of a virtual subject
    layout : one of the forms of PURE in `places`

    Raises
    ------
    CurationError : a number beyond 99, which the layout cannot hold; the folder is there already,
        or cannot be written
    """

    def __init__(
        self, folder: Path, *, subject_number: int, session_number: int, simulated: bool = False,
        layout: str = PURE,
    ) -> None:
        for name, number in (("subject", subject_number), ("session", session_number)):
            if not 1 <= number <= 99:
                raise CurationError(
                    expected=f"a {name} number from 1 to 99 for PURE", found=number,
                    fix="use the UBFC layout",
                )
        self.name = pure_name(subject_number, session_number)
        self.folder = folder / self.name
        self._stamps: list[int] = []
        self._simulated = simulated
        if self.folder.exists():
            raise CurationError(
                expected="no folder yet", found=self.folder, fix="move it away"
            )
        self.labels = labels_file(self.folder, layout)
        self.pictures = pictures_place(self.folder, layout)
        self.pictures.mkdir(parents=True)
        self._open, self._waiting = ExitStack(), deque[Future[None]]()
        self._most = 2 * own_cores()             # frames that wait for a thread, or are in one

    def __enter__(self) -> "PureWriter":
        self._threads = self._open.enter_context(open_threads(own_cores()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the threads: each file is whole once written; without JSON it is no recording."""
        self._open.__exit__(kind, error, trace)

    def add(self, bgr: np.ndarray, time_ns: int) -> None:
        """Write one (H, W, 3) uint8 BGR frame, which is not changed afterwards.

        A picture's name carries its time in 19 digits, so that readers which sort by name get the
        frames in order.

        Parameters
        ----------
        time_ns : rising; since 1970 where that is known

        Raises
        ------
        CurationError : the time does not rise, or this picture or one before cannot be written
        """
        if time_ns < 0 or (self._stamps and time_ns <= self._stamps[-1]):
            raise CurationError(
                expected="frame times that rise", found=f"{time_ns} ns", where=self.folder
            )
        path = self.pictures / f"Image{time_ns:019d}.png"
        self._stamps.append(time_ns)
        self._waiting.append(self._threads.submit(self._write, path, bgr))
        if len(self._waiting) > self._most:
            self._waiting.popleft().result()

    def _write(self, path: Path, bgr: np.ndarray) -> None:
        """Write a picture, read the file as whoever uses it will, and compare."""
        try:
            is_encoded, encoded = cv2.imencode(".png", bgr, _PNG)
            if not is_encoded:
                raise OSError("OpenCV does not encode the picture")
            png = encoded.tobytes()
            path.write_bytes(mark_png(png) if self._simulated else png)
        except OSError as error:
            raise CurationError(
                expected=f"to write {path}", found=error,
                fix="make room or mend the disk, then convert again",
            ) from error
        if not np.array_equal(_read_picture(path), bgr):
            raise CurationError(
                expected="the picture as written", found="another", where=f"at {path}",
                fix="convert again",
            )

    def finish(self, ppg: np.ndarray, ppg_time_ns: np.ndarray, hr_bpm: np.ndarray) -> None:
        """Write the JSON after all pictures; there is no oximeter, so `o2saturation` is 0.

        Parameters
        ----------
        ppg, hr_bpm : (S,) float64; heart rate in bpm
        ppg_time_ns : (S,) int64

        Raises
        ------
        CurationError : a picture cannot be written, is another when it is read, or is not there
        """
        while self._waiting:
            self._waiting.popleft().result()
        if (found := sum(1 for _ in self.pictures.iterdir())) != len(self._stamps):
            raise CurationError(
                expected=f"{len(self._stamps)} pictures", found=found, where=self.pictures,
                fix="convert again",
            )
        packets = [
            {
                "Timestamp": int(time_ns),
                "Value": {
                    "pulseRate": float(f"{bpm:.3f}"), "o2saturation": 0,
                    "waveform": float(f"{value:.10g}"),
                },
            }
            for value, time_ns, bpm in zip(ppg, ppg_time_ns, hr_bpm, strict=True)
        ]
        body: dict[str, Any] = {
            "/FullPackage": packets, "/Image": [{"Timestamp": stamp} for stamp in self._stamps],
        }
        if self._simulated:
            body[MARK_KEY] = {"simulated": True}
        self.labels.write_text(json.dumps(body, allow_nan=False))


def pure_name(subject_number: int, session_number: int) -> str:
    """Return the name of a folder: `NN-MM`."""
    return f"{subject_number:02d}-{session_number:02d}"


def read_pictures(folder: Path) -> Iterator[np.ndarray]:
    """Decode the pictures in a folder, sorted by name: (H, W, 3) uint8 BGR each.

    The JSON of the same recording may lie among them, as in `pure-flat`, and the AVI that pyVHR
    makes of them at its first run.

    Raises
    ------
    CurationError : another file is no picture
    """
    for path in sorted(folder.iterdir()):
        if path.name == f"{folder.name}.json" or path.suffix == ".avi":
            continue
        yield _read_picture(path)


def _read_picture(path: Path) -> np.ndarray:
    bgr = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if bgr is None:
        raise CurationError(expected="a picture", found="something else", where=f"at {path}")
    return bgr
