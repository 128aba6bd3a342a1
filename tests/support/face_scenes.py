"""Pictures of virtual people for tests of what the reader of faces does when something is wrong.

People are rendered once, sit still at 16 frames/s, and are cropped to what lies around the head. A
test changes the pictures (covers, darkens, cuts, turns them) and has them read by the shipped
network, live or from a file.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np

from acquire.simulation.motion import Activity
from acquire.simulation.subject import VirtualSubject
from models.live.pulse import open_live_pulse
from models.live.recorded import RecordedFrames
from models.live.states import LiveReading
from models.whole.read import read_whole

FPS = 16.0              # 50 Hz becomes 2 Hz, 120 beats a minute
BEGIN_S, SECONDS = 3.0, 15.0
WIDTH, HEIGHT = 300, 300        # of the crop, the head in its middle
WITHIN_BPM = 4.0
_STILL = Activity(
    motion=0.3, speech=0.0, turns_per_min=0.0, light=0.3, flicker=0.0,
)


@dataclass(frozen=True)
class Person:
    """The pictures of one person, and the truth."""

    images: np.ndarray          # (T, H, W, 3) uint8 RGB; not to be changed
    time_s: np.ndarray          # (T,), from 0
    bpm: np.ndarray             # (T,) true heart rate

    def true_bpm(self, first_s: float, last_s: float) -> float:
        """Return the mean heart rate from one time to another."""
        return float(self.bpm[(self.time_s >= first_s) & (self.time_s <= last_s)].mean())


@cache
def person(subject_id: str) -> Person:
    """Render a person: SLOW has a heart of 67 to 70 bpm, QUICK of 92, DARKER of 61."""
    subject = VirtualSubject(subject_id, activity=_STILL)
    time_s = np.arange(round(SECONDS * FPS)) / FPS
    images = np.stack([_picture(subject, at) for at in range(len(time_s))])
    return Person(images, time_s, np.asarray(subject.heart_rate(BEGIN_S + time_s)))


def first_picture(subject_id: str) -> np.ndarray:
    """Render the first picture of a person alone."""
    return _picture(VirtualSubject(subject_id, activity=_STILL), 0)


def _picture(subject: VirtualSubject, at: int) -> np.ndarray:
    x, y = subject.traits.appearance.head_center
    left, top = round(x) - WIDTH // 2, max(round(y) - HEIGHT // 2, 0)
    picture = cv2.cvtColor(subject.frame(BEGIN_S + at / FPS, at), cv2.COLOR_YUV2RGB_I420)
    return picture[top : top + HEIGHT, left : left + WIDTH]


SLOW, QUICK, DARKER = "S01", "S03", "S02"


@dataclass(frozen=True)
class Shown:
    """A heart rate that was shown, and the window it is of."""

    first_s: float
    last_s: float
    bpm: float


@dataclass(frozen=True)
class Read:
    """What was read of pictures: heart rates, and the states in their order."""

    shown: list[Shown]
    states: list[str]
    readings: list[LiveReading]


def read_live(images, time_s) -> Read:
    """Read pictures as a camera delivers them."""
    live = open_live_pulse()
    readings, last = [], None
    for image, t_s in zip(images, np.asarray(time_s).tolist(), strict=True):
        reading = live.add_frame(image, t_s)
        if reading.is_news_after(last):
            readings.append(reading)
        last = reading
    return _as_read(readings)


def read_file(images) -> Read:
    """Read pictures as those of a file that was opened."""
    images = [np.ascontiguousarray(image) for image in images]
    time_s = (np.arange(len(images)) / FPS).tolist()
    opened = RecordedFrames(
        zip(images, time_s, strict=True), len(images), time_s[-1], simulated=True
    )
    with patch("models.whole.read.open_recorded", lambda *_, **__: nullcontext(opened)):
        prediction = read_whole(open_live_pulse(), Path("opened"))
    shown = [
        Shown(row.first_s, row.reading.time_s, row.hr_bpm)
        for row in prediction.rows if row.hr_bpm is not None
    ]
    return Read(shown, [reading.state for _, _, reading in prediction.spans],
                [row.reading for row in prediction.rows])


def _as_read(readings: list[LiveReading]) -> Read:
    shown = [
        Shown(reading.time_s - 10.0, reading.time_s, reading.hr_bpm)
        for reading in readings if reading.hr_bpm is not None
    ]
    states = [
        reading.state for at, reading in enumerate(readings)
        if not at or reading.state != readings[at - 1].state
    ]
    return Read(shown, states, readings)
