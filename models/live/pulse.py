"""The pulse of a face while its frames come: frames and their times in, pulse and heart rate out.

What is done to a frame is what is done to a video before training, without its future: the face's
box is held (`held_face`), the inside averaged to 36x36, the difference to the frame before
normalised by a running standard deviation (`running_motion`). The network says of each pair how far
the pulse has risen. The sum over the last ten seconds is brought onto an even grid by the frames'
own times, band-passed, and its spectrum's peak is the heart rate, once a second
(`dataset.signals.filters`).

A heart rate is given only where ten seconds of one face alone, in enough light, without a hole,
hold a pulse. Everything else is a state of its own, with words for whoever sits there. The window
begins anew when the face is lost or moves out of its box, when it was dark, when the picture stood
still, and after a hole in time.

Whether there is a pulse is told from how alike neighbouring beats are (`dataset.signals.beats`). In
95 of 100 windows a photograph of a face with a camera's noise stays below 0.4, a virtual subject
without blood below 0.5; a reading begins at 0.5 and ends below 0.4, so that a number that is shown
does not come and go.

No torch on this road, no thread (but for the looks, where they are done aside), and no clock: time
is what the frames say.
"""

import math
from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from acquire.errors import TrainingError
from dataset.face.box import FaceBox
from dataset.face.frames import average_face
from dataset.signals.beats import FAIR_FROM, NOISE_BELOW, PulseReading, read_pulse
from dataset.signals.filters import HIGH_HZ, WINDOW_S, bandpass, min_samples
from dataset.signals.windows import LONGEST_STEP_S, STEP_S, even_grid, to_even_grid, window_length
from models.board.onnx_net import SHIPPED, open_finder, open_net

from .held_face import FOUND, LOST, MOVED, FindFaces, HeldFace
from .running_motion import RunningMotion

LOOKING, SETTLING, READING = "looking", "settling", "reading"
FACE_LOST, TWO_FACES, DARK, FROZEN, GAP = "face lost", "two faces", "dark", "frozen", "gap"
TOO_SLOW, NO_PULSE = "too slow", "no pulse"
STATES = (LOOKING, SETTLING, READING, FACE_LOST, TWO_FACES, DARK, FROZEN, GAP, TOO_SLOW, NO_PULSE)

WEIGH_S = 1.0           # of pairs that tell the standard deviation before the first counts
DARK_BELOW = 20.0       # mean of 8 bits, of the face or, without one, of the picture
# the noise of a sensor makes even two equal pictures impossible; drivers and coders repeat one or
# two
FROZEN_S = 1.0
JUMP = 3.0  # strength of a pair, in standard deviations, at which the face is looked for again
_EVERY = 16             # pixels apart, of the look whether it is dark or stands still


class PulseNet(Protocol):
    """What predicts: an `onnx_net.OnnxNet`."""

    constants: dict
    needs_appearance: bool

    def predict(self, motion: np.ndarray, appearance: np.ndarray | None = None) -> np.ndarray:
        """Give (N,) changes of the pulse for (N, 3, 36, 36) pairs."""
        ...


@dataclass(frozen=True)
class Reading:
    """What is known at one frame."""

    time_s: float
    state: str                      # one of STATES
    words: str                      # the state for whoever sits there
    pulse: PulseReading | None = None      # only while READING

    @property
    def hr_bpm(self) -> float | None:
        """The heart rate [bpm]; None in every state but READING."""
        return None if self.pulse is None else self.pulse.hr_bpm

    def is_news_after(self, told: "Reading | None") -> bool:
        """Say whether it is another state or another look at the heart rate than the one before."""
        return (
            told is None
            or self.state != told.state
            or (self.pulse is not None and self.pulse is not told.pulse)
        )


class LivePulse:
    """Read the pulse of whoever sits before a camera.

    Parameters
    ----------
    net : an exported student or teacher
    find_faces : gives every sure face of a picture, the largest first
    aside : does the looks for faces, so that they hold up no frame
    """

    def __init__(
        self, net: PulseNet, find_faces: FindFaces, *, aside: Executor | None = None
    ) -> None:
        self.net = net
        self._face = HeldFace(find_faces, factor=net.constants["enlarge"], aside=aside)
        self._cut_sd = net.constants["cut_sd"]
        self._motion = RunningMotion(cut_sd=self._cut_sd)
        self._time_s: deque[float] = deque()     # of the frames in the window
        self._sum: deque[float] = deque()        # how far the pulse has risen by each
        self._why = ""                           # why the window began anew
        # of the last ten seconds; looked at once a second
        self._pulse: PulseReading | None = None
        self._was_full = False                   # whether it was when it was looked at
        self._next_s = -np.inf
        self._fs_hz: float | None = None         # rate of its frames
        self._last_s: float | None = None
        self._small = np.empty(0, np.uint16)     # the frame before, averaged
        self._last_look: np.ndarray | None = None
        self._moved_s = 0.0                      # when the picture last changed
        self._lost_s: float | None = None        # when the face was lost
        self._was = ""                           # DARK or FROZEN while the picture says nothing
        # frames that were not later than the one before them, and were left out
        self.late_frames = 0
        self.reading = Reading(0.0, LOOKING, "looking for a face")

    def see(self, image: np.ndarray, time_s: float) -> Reading:
        """Take the next frame.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB, not changed afterwards
        time_s : when it was taken, on any clock
        """
        if self._last_s is not None and time_s <= self._last_s:
            self.late_frames += 1
            return self.reading
        step_s = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        self.reading = self._see(image, time_s, step_s)
        return self.reading

    def idle(self, time_s: float) -> Reading:
        """Say what is known where no frame has come; `time_s` on the frames' clock."""
        if self._last_s is not None and time_s - self._last_s > LONGEST_STEP_S:
            self.reading = Reading(time_s, GAP, f"no frame for {time_s - self._last_s:.1f} s")
        return self.reading

    @property
    def face_box(self) -> FaceBox | None:
        """The enlarged box that is averaged, in pixels of the picture; None while there is no face.
        """
        return self._face.box

    def trace(self) -> tuple[np.ndarray, np.ndarray]:
        """Give times [s] and the band-passed pulse on an even grid, of at most ten seconds; empty
        while they are too few.
        """
        time_s, fs_hz = np.array(self._time_s), self._fs_hz
        if fs_hz is None or fs_hz <= 2 * HIGH_HZ:
            return np.empty(0), np.empty(0)
        grid_s, fs_hz = even_grid(time_s)
        if fs_hz <= 2 * HIGH_HZ or len(grid_s) < min_samples(fs_hz):
            return np.empty(0), np.empty(0)
        return grid_s, bandpass(to_even_grid(np.array(self._sum), time_s), fs_hz)

    def _see(self, image: np.ndarray, time_s: float, step_s: float) -> Reading:
        if step_s > LONGEST_STEP_S:
            self._restart(f"frames are back after {step_s:.1f} s")
            self._moved_s = time_s
            self._face.look_soon()
            return Reading(time_s, GAP, f"no frame for {step_s:.1f} s")
        if (wrong := self._look_at_light(image, time_s)) is not None:
            return wrong
        change = self._face.see(image, time_s, has_jumped=self._motion.strength > JUMP)
        if change in (FOUND, MOVED):
            self._motion = RunningMotion(cut_sd=self._cut_sd)
            self._restart(
                "face found" if change == FOUND else "the face has left its box, which follows it"
            )
            self._lost_s = None
        elif change == LOST:
            self._restart("")
            self._lost_s = time_s
        box = self._face.box
        if box is not None:
            self._add(average_face(image, box), time_s, step_s)
        return self._say(time_s)

    def _look_at_light(self, image: np.ndarray, time_s: float) -> Reading | None:
        """Find what makes a picture worthless, whatever it shows: darkness, standing still."""
        look = image[::_EVERY, ::_EVERY].copy()
        if self._last_look is None or not np.array_equal(look, self._last_look):
            self._moved_s = time_s
        self._last_look = look
        box = self._face.box
        level = float(
            (look if box is None else box.crop(image)[:: _EVERY // 4, :: _EVERY // 4]).mean()
        )
        still_s = time_s - self._moved_s
        if level < DARK_BELOW:
            reading = Reading(
                time_s, DARK, f"too dark: {level:.0f} of 255; more light from the front"
            )
        elif still_s >= FROZEN_S:
            reading = Reading(
                time_s, FROZEN,
                f"the picture has stood still for {still_s:.0f} s: is the camera frozen?",
            )
        else:
            self._was = ""
            return None
        if self._was != reading.state:
            self._was = reading.state
            self._restart(
                "there is light again" if reading.state == DARK else "the picture moves again"
            )
            self._face.look_soon()
        return reading

    def _restart(self, why: str) -> None:
        """Begin the window anew."""
        self._why = why
        self._time_s.clear()
        self._sum.clear()
        self._motion.forget_frame()
        self._pulse = self._fs_hz = None
        self._was_full = False
        self._next_s = -np.inf

    def _add(self, small: np.ndarray, time_s: float, step_s: float) -> None:
        """Let the network look at the next pair."""
        before, self._small = self._small, small
        motion = self._motion.add(small, step_s)
        if motion is None or self._motion.seconds < WEIGH_S:
            return
        if not self._time_s:
            self._time_s.append(time_s)
            self._sum.append(0.0)
            return
        appearance = None
        if self.net.needs_appearance:
            appearance = (before >> 8).transpose(2, 0, 1)[None] / np.float32(
                self.net.constants["appearance_scale"]
            )
        self._sum.append(self._sum[-1] + float(self.net.predict(motion, appearance)[0]))
        self._time_s.append(time_s)
        while self._time_s[1] <= time_s - WINDOW_S:
            self._time_s.popleft()
            self._sum.popleft()

    def _say(self, time_s: float) -> Reading:
        if not self._face.is_alone:
            return Reading(time_s, TWO_FACES, "more than one face: only one alone is read")
        if self._face.box is None and self._lost_s is not None:
            return Reading(
                time_s, FACE_LOST,
                f"the face was lost {time_s - self._lost_s:.0f} s ago; looking for it",
            )
        if self._face.box is None:
            return Reading(time_s, LOOKING, "looking for a face")
        span_s = self._time_s[-1] - self._time_s[0] if self._time_s else 0.0
        is_full = span_s >= WINDOW_S
        if span_s > 0 and (time_s >= self._next_s or (is_full and not self._was_full)):
            # The first look at a whole window sets the second that the others keep to.
            self._next_s = (self._next_s if is_full and self._was_full else time_s) + STEP_S
            self._was_full = is_full
            self._measure(is_full=is_full)
        if self._fs_hz is not None and self._fs_hz <= 2 * HIGH_HZ:
            return Reading(
                time_s, TOO_SLOW,
                f"{self._fs_hz:.1f} frames/s: a pulse needs more than {2 * HIGH_HZ:g}",
            )
        if not is_full:
            rest_s = WINDOW_S - span_s + max(0.0, WEIGH_S - self._motion.seconds)
            return Reading(time_s, SETTLING, f"{self._why}; heart rate in {math.ceil(rest_s)} s")
        if self._pulse is None:
            return Reading(
                time_s, NO_PULSE,
                "a face, but no pulse to be told from noise; sit still, with light from the front",
            )
        return Reading(time_s, READING, f"{self._pulse.quality} pulse", self._pulse)

    def _measure(self, *, is_full: bool) -> None:
        """Find rate and pulse of the window."""
        least = FAIR_FROM if self._pulse is None else NOISE_BELOW
        self._fs_hz, self._pulse = even_grid(np.array(self._time_s))[1], None
        if not is_full:
            return
        _, kept = self.trace()
        length, _ = window_length(self._fs_hz)
        pulse = (
            read_pulse(np.arange(length), kept[-length:], self._fs_hz)
            if len(kept) >= length
            else None
        )
        if pulse is not None and pulse.similarity >= least:
            self._pulse = pulse


def open_live_pulse(net: Path | None = None, *, aside: Executor | None = None) -> LivePulse:
    """Open a network and the face finder.

    Parameters
    ----------
    net : a folder that `acq export` made, for its float32 student; or one file in it (the int8
        student, the teacher); the student that comes with acq unless given. A face finder that is
        not beside it is the one that comes with acq

    Raises
    ------
    TrainingError : no ONNX Runtime, no student there, or files that are none of ours
    """
    place = net or SHIPPED
    path = place / "student.onnx" if place.is_dir() or place.suffix != ".onnx" else place
    if not path.is_file():
        raise TrainingError(
            f"expected a student at {path}, found none; acq export makes one, and --net names its "
            "folder"
        )
    finder = open_finder(path.parent)
    return LivePulse(open_net(path), finder.find, aside=aside)
