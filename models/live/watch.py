"""What a picture shows before any pulse is looked for: a face alone, or why there is none to read.

It holds the face's box (`held_face`), averages its inside, and says where a stretch of frames that
belong together begins anew: where the face is found, moves out of its box or is lost, after
darkness, after the picture stood still, and after a hole in time. Live and a whole video use it.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np

from dataset.face.box import FaceBox, detector_box
from dataset.face.frames import average_face
from dataset.signals.windows import LONGEST_STEP_S

from .held_face import (
    ANOTHER,
    FOUND,
    GONE,
    LOST,
    MOVED,
    PATIENCE_S,
    SEVERAL,
    FindFaces,
    HeldFace,
    words_of_others,
    words_of_rest,
)
from .picture_check import FROZEN_S, PictureCheck, lit_faces
from .scene_cut import SceneCut
from .states import ANOTHER_FACE, DARK, FACE_LOST, GAP, LOOKING, SETTLING, TWO_FACES, LiveReading

_ROUNDING_S = 1e-6      # of a time that is counted back from another
JUMP_SD = 3.0           # strength of a pair at which the face is searched for again
_CUT = "the face was another picture at once: a cut, or something before it"


@dataclass(frozen=True)
class Look:
    """What one picture shows."""

    averaged: np.ndarray | None = None      # (36, 36, 3) uint16 of the face; None without one
    problem: LiveReading | None = None      # the state that prevents a heart rate
    begins: str | None = None               # why a stretch begins with it; None: it goes on
    has_new_box: bool = False               # the stretch is of another box than the one before
    others: str = ""                        # in words, that other faces are there, and not read
    # until when the stretch before was certainly of this face; None: until the frame before
    until_s: float | None = None


class FaceWatch:
    """Look at each picture of a camera, in their order.

    Parameters
    ----------
    find_faces, factor, executor, patience_s : as `HeldFace`
    """

    def __init__(
        self, find_faces: FindFaces, *, factor: float, executor: Executor | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._factor = factor
        self._face = HeldFace(
            partial(lit_faces, find_faces), factor=factor, executor=executor,
            patience_s=patience_s,
        )
        self._picture = PictureCheck()
        self._cut = SceneCut()

    @property
    def box(self) -> FaceBox | None:
        """The enlarged box that is averaged, in pixels of the picture; None without a face."""
        return self._face.box

    def note_camera(self) -> None:
        """Note that the pictures come from a camera at work, not from a file."""
        self._picture.is_camera = True

    def look(self, image: np.ndarray, time_s: float, step_s: float, *, strength: float) -> Look:
        """Look at the next picture.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB, not changed afterwards
        time_s, step_s : when it was taken, and how long after the one before
        strength : of the last pair's motion, in standard deviations
        """
        if step_s > LONGEST_STEP_S:
            self._picture.restart(time_s)
            self._cut.restart()
            self._face.search_soon()
            gap = LiveReading(time_s, GAP, f"no frame for {step_s:.1f} s")
            return Look(
                problem=gap, begins=f"frames are back after {step_s:.1f} s",
                until_s=time_s - step_s + _ROUNDING_S,
            )
        before = self._picture.state
        problem, change = self._check(image, time_s), None
        if problem is not None and problem.state == DARK and self._face.box is None:
            # a lit face may be there before a dark background
            change = self._face.update(image, time_s)
            problem = self._check(image, time_s)
        if problem is not None and problem.state != before:
            self._face.search_soon()
            return Look(
                problem=problem,
                begins="there is light again" if problem.state == DARK
                else "the picture moves again",
                until_s=None if problem.state == DARK else time_s - FROZEN_S,
            )
        if problem is not None:
            return Look(problem=problem)
        seen_s = time_s - self._face.gone_s(time_s)
        change = change or self._face.update(image, time_s, has_jumped=strength > JUMP_SD)
        begins = None if change is None else "" if change == LOST else self._face.why
        box = self._face.box
        averaged = None if box is None else average_face(image, box)
        if change is not None:
            self._cut.restart()
        if averaged is not None and self._cut.has_cut(averaged, time_s):
            self._face.search_soon()
            return Look(problem=LiveReading(time_s, SETTLING, _CUT), begins=_CUT)
        return Look(
            averaged=averaged, problem=self._problem(time_s), begins=begins,
            has_new_box=change in (FOUND, MOVED), others=words_of_others(self._face.others),
            until_s=seen_s if change in (MOVED, LOST) else None,
        )

    def _check(self, image: np.ndarray, time_s: float) -> LiveReading | None:
        face = self._face
        return self._picture.check(
            image, None if face.box is None else detector_box(face.box, self._factor), time_s,
            is_lit=face.state in (SEVERAL, ANOTHER),
        )

    def _problem(self, time_s: float) -> LiveReading | None:
        face = self._face
        if face.box is not None:
            return None
        if face.state == SEVERAL:
            return LiveReading(time_s, TWO_FACES, "more than one face: only one alone is read")
        gone = f"seen {face.gone_s(time_s):.0f} s ago"
        if face.state == GONE:
            return LiveReading(time_s, FACE_LOST, f"the face was last {gone}; looking for it")
        if face.state == ANOTHER:
            words = f"a face that does not look like the one that was read, last {gone}"
            return LiveReading(time_s, ANOTHER_FACE, words + words_of_rest(face.rest_s(time_s)))
        return LiveReading(time_s, LOOKING, "looking for a face")
