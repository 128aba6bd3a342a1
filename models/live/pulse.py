"""The pulse of a face while its frames come: frames and their times in, pulse and heart rate out.

A frame is treated as a video before training is, without knowledge of its future: the face's box is
held (`held_face`), its inside averaged to 36x36, the difference to the frame before made as the
network was trained on it, normalised by a running standard deviation or plain (`running_motion`).
The network predicts for each pair how far the pulse
has risen. Once a second the last ten seconds of that, and of the face's colours, are read by
several methods at once (`models.fusion`).

A heart rate is given only where ten seconds of a single face, in enough light, without a hole, hold
a pulse. Everything else is a state of its own, with words for the person before the camera. The
window begins anew when the face is lost or moves out of its box, after darkness, after the picture
stood still, and after a hole in time.

A heart rate comes with an interval, and only where it can be stood by; else the state tells why it
cannot be told.

No torch is used here, no thread (except for the search for faces, where an executor is given), and
no clock: time is what the frames say.
"""

import math
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from acquire.errors import Fix, TrainingError
from dataset.face.box import FaceBox
from dataset.face.frames import Motion, face_colour, part_colours
from dataset.signals.filters import WINDOW_S
from dataset.signals.windows import LONGEST_STEP_S
from models.board.find_net import find_net
from models.board.onnx_net import SHIPPED, open_finder, open_net, to_appearance
from models.fusion.face_motion import face_shifts
from models.fusion.fuse import TOO_SLOW as FRAMES_TOO_SLOW

from .held_face import FindFaces
from .pulse_window import PulseWindow
from .running_motion import RunningMotion
from .states import (
    GAP,
    LOOKING,
    SETTLING,
    TOO_SLOW,
    Interruptions,
    LiveReading,
    reading_of,
    words_of_too_slow,
)
from .watch import FaceWatch

WEIGH_S = 1.0           # of pairs that the standard deviation is computed from, before one is used


class PulseNet(Protocol):
    """A network that predicts the pulse, such as `onnx_net.OnnxNet`."""

    constants: dict
    motion: Motion
    needs_appearance: bool

    def predict(self, motion: np.ndarray, appearance: np.ndarray | None = None) -> np.ndarray:
        """Predict (N,) changes of the pulse for (N, 3, 36, 36) pairs."""
        ...


class LivePulse:
    """Read the pulse of the person before a camera.

    Parameters
    ----------
    net : an exported student or teacher
    find_faces : returns every certain face of a picture, the largest first
    executor : runs the search for faces, so that it delays no frame; without it the search is done
        within `add_frame`
    """

    def __init__(
        self, net: PulseNet, find_faces: FindFaces, *, executor: Executor | None = None
    ) -> None:
        self.net, self.find_faces = net, find_faces
        self._watch = FaceWatch(find_faces, factor=net.constants["enlarge"], executor=executor)
        self._factor = net.constants["enlarge"]
        self._motion = RunningMotion(net.motion)
        self._window = PulseWindow()
        self._why_restarted = ""                 # why the window began anew
        self._last_s: float | None = None
        self._averaged = np.empty(0, np.uint16)  # the frame before, averaged
        # frames that were not later than the one before them, and were left out
        self.late_frames = 0
        self._interruptions = Interruptions()
        self.reading = LiveReading(0.0, LOOKING, "looking for a face")

    def add_frame(self, image: np.ndarray, time_s: float) -> LiveReading:
        """Take the next frame, and return what is known now.

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
        self.reading = self._read(image, time_s, step_s)
        return self.reading

    def note_predicted(self, is_predicted: bool) -> None:
        """Note whether the frames to come were coded as what changed since others."""
        self._window.is_predicted = is_predicted

    def note_camera(self) -> None:
        """Note that the frames come from a camera at work, not from a file."""
        self._watch.note_camera()

    def note_silence(self, time_s: float) -> LiveReading:
        """Return what is known while no frame comes, at `time_s` on the frames' clock."""
        if self._last_s is not None and time_s - self._last_s > LONGEST_STEP_S:
            self.reading = LiveReading(time_s, GAP, f"no frame for {time_s - self._last_s:.1f} s")
        return self.reading

    @property
    def face_box(self) -> FaceBox | None:
        """The enlarged box that is averaged, in pixels of the picture; None without a face."""
        return self._watch.box

    def trace(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the pulse of at most the last ten seconds.

        Returns
        -------
        times [s] on an even grid, and the band-passed pulse; both empty while they are too few
        """
        return self._window.trace()

    def _read(self, image: np.ndarray, time_s: float, step_s: float) -> LiveReading:
        look = self._watch.look(image, time_s, step_s, strength=self._motion.strength)
        if look.has_new_box:
            self._motion = RunningMotion(self.net.motion)
        if look.begins is not None:
            self._restart(look.begins)
        if look.averaged is not None:
            self._add_averaged(look.averaged, time_s, step_s)
        reading = look.problem or self._describe(time_s)
        if look.others:
            reading = replace(reading, words=f"{reading.words}; {look.others}")
        return self._interruptions.tell(reading)

    def _restart(self, why: str) -> None:
        """Begin the window anew."""
        self._why_restarted = why
        self._motion.forget_frame()
        self._window.clear()

    def _add_averaged(self, averaged: np.ndarray, time_s: float, step_s: float) -> None:
        """Let the network predict the next pair's change, and take the frame's colour."""
        before, self._averaged = self._averaged, averaged
        motion = self._motion.add(averaged, step_s)
        if motion is None or self._motion.seconds < WEIGH_S:
            return
        assert self._watch.box is not None
        colour = face_colour(averaged[None], self._watch.box, factor=self._factor)[0]
        parts = part_colours(averaged[None])[0]
        if self._window.is_empty:
            self._window.add(time_s, 0.0, colour, parts, np.zeros(2))
            return
        appearance = None
        if self.net.needs_appearance:
            appearance = to_appearance(before, full_scale=self.net.constants["appearance_scale"])
        change = float(self.net.predict(motion, appearance)[0])
        shift = face_shifts(np.stack([before, averaged]))[0]
        self._window.add(time_s, change, colour, parts, shift)

    def _describe(self, time_s: float) -> LiveReading:
        """Return the state of a face alone, and the heart rate where there is one."""
        window = self._window
        window.evaluate_if_due(time_s)
        rate = window.rate
        if rate is not None and rate.why_not == FRAMES_TOO_SLOW:
            return LiveReading(time_s, TOO_SLOW, words_of_too_slow(rate.fs_hz))
        if not window.is_full:
            rest_s = WINDOW_S - window.span_s + max(0.0, WEIGH_S - self._motion.seconds)
            words = f"{self._why_restarted}; heart rate in {math.ceil(rest_s)} s"
            return LiveReading(time_s, SETTLING, words, reason=self._why_restarted)
        assert rate is not None      # it is full, and was evaluated as it became so
        return reading_of(rate, time_s)


def open_live_pulse(
    net: Path | PulseNet | None = None, *, executor: Executor | None = None
) -> LivePulse:
    """Open a network and the face finder for one camera or one video.

    Parameters
    ----------
    net : the folder of an export or of a run that was exported, for its float32 student; or one
        file in it (the int8 student, the teacher); or a network that is open already; where not
        given, the student that ships with acq. A face finder that is not beside it is the one that
        ships with acq
    executor : runs the search for faces beside the frames; needed for a live camera

    Returns
    -------
    a `LivePulse`: give each frame to `add_frame(image, time_s)`, which returns a `LiveReading`

    Raises
    ------
    TrainingError : ONNX Runtime is not installed, no student there, or files that are not exports
    """
    if net is not None and not isinstance(net, Path):
        return LivePulse(net, open_finder(SHIPPED).find, executor=executor)
    found = find_net(net, Path("data"))
    if found.is_checkpoint:
        raise TrainingError(
            expected="an exported network", found="a checkpoint", where=f"at {found.path}",
            fix=Fix.EXPORT,
        )
    pulse_net = open_net(found.path)
    return LivePulse(pulse_net, open_finder(found.path.parent).find, executor=executor)
