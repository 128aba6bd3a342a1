"""Whether the camera sees the sensor's LED, before a calibration relies on it.

The LED is switched at random as in a calibration, and searched for in the same way, in the newest
frames. A toggle's time is when it was asked for: milliseconds off, which is enough to find the LED.
"""

import random
from collections import deque
from collections.abc import Callable

import numpy as np

from acquire.camera.source import CameraInfo
from acquire.errors import CalibrationError
from acquire.sensor.protocol import Led

from .blink import APART_FRAMES
from .light_offset import LightPosition, Toggles, average_cells, find_light

_FEWEST, _SURE, _MOST = 75, 250, 300        # frames
# The best correlation of pure noise is some 4.9 / sqrt(frames): see light_offset.
_ABOVE_NOISE = 6.0


class LedSighting:
    """Switch the LED, and look for it in the picture; each method may have a thread of its own."""

    def __init__(self, *, seed: int | None = None) -> None:
        self._rng = random.Random(seed)
        self._frames: deque[tuple[int, np.ndarray]] = deque(maxlen=_MOST)
        self._toggles: deque[tuple[int, bool]] = deque(maxlen=_MOST)
        self._due_ns = 0

    def switch(self, send: Callable[[Led], int], now_ns: int) -> None:
        """Switch the LED where it is time; `send` returns when that went out [ns]."""
        if now_ns < self._due_ns or len(self._frames) < 2:
            return
        on = not (self._toggles and self._toggles[-1][1])
        self._toggles.append((send(Led(int(on))), on))
        stamps = [stamp_ns for stamp_ns, _ in list(self._frames)[-50:]]
        period_ns = float(np.median(np.diff(stamps)))
        self._due_ns = now_ns + round(self._rng.uniform(*APART_FRAMES) * period_ns)

    def add_frame(self, image: np.ndarray, camera: CameraInfo, time_ns: int) -> None:
        """Take a frame as its camera delivers it."""
        cells = average_cells(image, camera.pixel_format, camera.height)
        self._frames.append((time_ns, cells))

    def find(self) -> LightPosition | None:
        """Return where the LED is in the picture; None where that is not known yet.

        Raises
        ------
        CalibrationError : it is nowhere in the frames of ten seconds
        """
        frames, switched = list(self._frames), list(self._toggles)
        if switched and not switched[0][1]:
            del switched[0]                     # it is dark before the first
        if len(frames) < _FEWEST or not switched:
            return None
        toggles = Toggles(
            np.array([at_ns for at_ns, _ in switched], dtype=np.int64),
            np.zeros(len(switched), dtype=np.int64), np.array([on for _, on in switched]),
        )
        stamps = np.array([stamp_ns for stamp_ns, _ in frames], dtype=np.int64)
        try:
            _, position = find_light(np.array([cells for _, cells in frames]), stamps, toggles)
        except CalibrationError:
            if len(frames) < _SURE:
                return None
            raise
        return position if position.follows > _ABOVE_NOISE / len(frames) ** 0.5 else None
