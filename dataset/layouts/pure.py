"""The PURE layout, both ways: `NN-MM/NN-MM.json` and `NN-MM/NN-MM/Image<ns>.png`.

NN is the subject, MM its session. The JSON holds `/FullPackage` (the oximeter, about 60 Hz) and
`/Image` (a stamp per picture); stamps are nanoseconds since 1970. What is published is not always
in order, and pictures and JSON do not always agree: pictures count, in the order of the stamps in
their names.

Source: Stricker, Mueller, Gross, "Non-contact video-based pulse rate measurement on a mobile
service robot", RO-MAN 2014.
"""

import json
import re
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from acquire.errors import CurationError

PICTURE = re.compile(r"Image(\d{1,19})\.png")
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class PureWriter:
    """Write one recording in the PURE layout; a context manager.

    Parameters
    ----------
    folder : where `NN-MM/` is made
    subject_number, session_number : NN and MM

    Raises
    ------
    CurationError : a number beyond 99, which the layout cannot hold; the folder is there already,
        or cannot be written
    """

    def __init__(self, folder: Path, *, subject_number: int, session_number: int) -> None:
        for what, number in (("subject", subject_number), ("session", session_number)):
            if not 1 <= number <= 99:
                raise CurationError(
                    f"expected a {what} number from 1 to 99 for PURE, found {number}; use the UBFC "
                    "layout"
                )
        self.name = f"{subject_number:02d}-{session_number:02d}"
        self.folder = folder / self.name
        self._stamps: list[int] = []
        if self.folder.exists():
            raise CurationError(f"expected no folder yet, found {self.folder}; move it away")
        (self.folder / self.name).mkdir(parents=True)

    def __enter__(self) -> "PureWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: every file is whole once written, and a folder without its JSON is no
        recording.
        """

    def add(self, bgr: np.ndarray, time_ns: int) -> None:
        """Write one (H, W, 3) uint8 BGR frame; `time_ns` rises, and counts from 1970 where that is
        known.

        A picture's name carries it in 19 digits, so that readers which sort by name get the frames
        in order.

        Raises
        ------
        CurationError : the time does not rise, or the picture cannot be written
        """
        if time_ns < 0 or (self._stamps and time_ns <= self._stamps[-1]):
            raise CurationError(
                f"expected frame times that rise, found {time_ns} ns in {self.folder}"
            )
        path = self.folder / self.name / f"Image{time_ns:019d}.png"
        if not cv2.imwrite(str(path), bgr, _PNG):
            raise CurationError(
                f"expected to write {path}, got: it failed; make room or mend the disk, then "
                "convert again"
            )
        self._stamps.append(time_ns)

    def finish(self, ppg: np.ndarray, ppg_time_ns: np.ndarray, hr_bpm: np.ndarray) -> None:
        """Write the JSON: (S,) PPG and heart rate [bpm] at (S,) int64 ns. No oximeter:
        `o2saturation` is 0.
        """
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
        body = {"/FullPackage": packets, "/Image": [{"Timestamp": stamp} for stamp in self._stamps]}
        (self.folder / f"{self.name}.json").write_text(json.dumps(body, allow_nan=False))
