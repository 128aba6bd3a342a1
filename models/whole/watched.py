"""A file's frames looked at once, in order: its stretches of a face, and what else there was."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from models.live.held_face import FindFaces
from models.live.pulse import PulseNet
from models.live.running_motion import RunningMotion
from models.live.states import FACE_LOST, LiveReading
from models.live.watch import FaceWatch, Look

from .stretches import Stretch, StretchReader

OnFrame = Callable[[int], None]


@dataclass(frozen=True)
class Part:
    """Frames in a row of which one thing is known."""

    first_s: float
    stretch: int | None             # the stretch that they are in; None: there is no face
    problem: LiveReading | None     # what prevents a heart rate; None: nothing does


@dataclass
class Watched:
    """What was seen in a file."""

    stretches: list[Stretch] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    frames: int = 0
    late_frames: int = 0            # not later than the one before; left out
    seconds: float = 0.0            # from the first frame to the last

    @property
    def spans(self) -> list[tuple[float, float, Part]]:
        """From when to when [s] each part is; one of no length is left out beside others.

        Such a part begins where what was certain of the one before has ended already.
        """
        ends = [*(part.first_s for part in self.parts[1:]), self.seconds]
        spans = [(part.first_s, end, part) for part, end in zip(self.parts, ends, strict=True)]
        return [span for span in spans if span[1] > span[0]] or spans[-1:]


def watch(
    frames: Iterator[tuple[np.ndarray, float]], net: PulseNet, find_faces: FindFaces, *,
    keeps_regions: bool = False, on_frame: OnFrame | None = None,
    executor: Executor | None = None,
) -> Watched:
    """Look at every frame, and let a network read each stretch as a whole.

    Parameters
    ----------
    frames : (H, W, 3) uint8 RGB and time [s]
    keeps_regions, executor : see `StretchReader`
    on_frame : called with the number of each frame, from 1
    """
    watcher = _Watcher(net, find_faces, keeps_regions=keeps_regions, executor=executor)
    for image, time_s in frames:
        watcher.add(image, time_s)
        if on_frame is not None:
            on_frame(watcher.watched.frames)
    watcher.end_stretch()
    return watcher.watched


class _Watcher:
    def __init__(
        self, net: PulseNet, find_faces: FindFaces, *, keeps_regions: bool,
        executor: Executor | None,
    ) -> None:
        self.watched = Watched()
        self._net, self._keeps_regions, self._executor = net, keeps_regions, executor
        # each figure of a file is of one person
        self._watch = FaceWatch(
            find_faces, factor=net.constants["enlarge"], patience_s=math.inf
        )
        self._last_s: float | None = None
        self._why = ""                              # the next stretch begins
        self._stretch: StretchReader | None = None  # that the last frame was in
        self._new_motion()

    def _new_motion(self) -> None:
        self._motion = RunningMotion()

    def add(self, image: np.ndarray, time_s: float) -> None:
        watched = self.watched
        watched.frames += 1
        if self._last_s is not None and time_s <= self._last_s:
            watched.late_frames += 1
            return
        step_s = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        watched.seconds = max(watched.seconds, time_s)
        look = self._watch.look(image, time_s, step_s, strength=self._motion.strength)
        if look.has_new_box:
            self._new_motion()
        if look.begins is not None:
            self._motion.forget_frame()
            self.end_stretch(look.until_s)
            self._why = look.begins
        if look.averaged is not None:
            self._add_averaged(look, look.averaged, time_s, step_s)
        self._note(look, time_s)

    def _add_averaged(
        self, look: Look, averaged: np.ndarray, time_s: float, step_s: float
    ) -> None:
        # for its strength alone, which a quarter of the cells tells as well
        self._motion.note(averaged[::2, ::2], step_s)
        if self._stretch is None:
            assert self._watch.box is not None
            self._stretch = StretchReader(
                self._net, self._watch.box, self._why, keeps_regions=self._keeps_regions,
                executor=self._executor,
            )
        self._stretch.add(
            averaged, time_s, is_clear=look.problem is None, others=look.others
        )

    def _note(self, look: Look, time_s: float) -> None:
        """Begin a part where what is known of the frame is another thing than of the one before."""
        stretch = None if self._stretch is None else len(self.watched.stretches)
        parts = self.watched.parts
        last = parts[-1] if parts else None
        if (
            last is not None and last.stretch == stretch
            and _state(last.problem) == _state(look.problem)
        ):
            return
        if last is not None and last.stretch is not None and look.until_s is not None:
            # what followed the last certain frame is no reading
            begin_s = max(look.until_s, last.first_s)
            problem = look.problem or LiveReading(begin_s, FACE_LOST, look.begins or "")
            parts.append(Part(begin_s, None, problem))
            if look.problem is not None:
                return
        parts.append(Part(time_s, stretch, look.problem))

    def end_stretch(self, until_s: float | None = None) -> None:
        """End the stretch, if there is one, at a time that may have passed."""
        if self._stretch is None:
            return
        stretch, self._stretch = self._stretch.end(until_s), None
        self.watched.stretches.append(stretch)


def _state(problem: LiveReading | None) -> str:
    return "" if problem is None else problem.state
