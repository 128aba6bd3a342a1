"""The face box while frames come: held as in training, and moved only when the face has left it.

A box that follows the face jitters, and that jitter is many times larger than the pulse
(`dataset.face.find`); so the box of the first search is held. Every few seconds, and at once when
the picture jumps, the whole picture is searched again. One search that misses the face or finds it
elsewhere proves little (a blink, a turned head); the second in a row, half a second later, is
believed. A search takes as long as one frame or several: live, it runs in an executor, and frames
continue meanwhile.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future

import numpy as np

from dataset.face.box import FaceBox, enlarge

FOUND, MOVED, LOST = "found", "moved", "lost"
SEARCH_S = 0.3       # between searches while there is no face
CHECK_S = 3.0        # while there is one
DOUBT_S = 0.5        # after a search that left doubt, or when the picture jumped
# of the largest face's area: smaller ones are bystanders or patterns, and never become the largest
_SECOND_FACE = 0.25
_INSIDE = 0.9        # of the face's area that must lie in the box
_WIDTHS = (0.6, 1.7)  # of the face's width, relative to the one that the box was made for

FindFaces = Callable[[np.ndarray], list[FaceBox]]


class HeldFace:
    """Where the face is.

    Parameters
    ----------
    find : returns every certain face of an (H, W, 3) uint8 RGB picture, the largest first
    factor : by which a face's box is enlarged
    executor : runs the searches; without it a search is done at once, and delays its frame
    """

    def __init__(
        self, find: FindFaces, *, factor: float, executor: Executor | None = None
    ) -> None:
        self._find, self._factor, self._executor = find, factor, executor
        self.box: FaceBox | None = None      # enlarged, in pixels of the picture
        self.is_alone = True                 # False: there is more than one face
        self._face: FaceBox | None = None    # the detector's own box that `box` was made of
        self._misses = 0                     # searches in a row that did not find the face in it
        self._searched_s = -np.inf
        self._pending: Future | None = None

    def update(self, image: np.ndarray, time_s: float, *, has_jumped: bool = False) -> str | None:
        """Search a frame where a search is due.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB, not changed afterwards
        has_jumped : whether the picture changed much more than it does from a pulse and the sway of
            a head

        Returns
        -------
        FOUND, MOVED or LOST where the box has just changed, else None
        """
        if self._pending is not None:
            if not self._pending.done():
                return None
            faces, self._pending = self._pending.result(), None
            return self._use(faces)
        if time_s - self._searched_s < self._pause_s(has_jumped=has_jumped):
            return None
        self._searched_s = time_s
        if self._executor is not None:
            self._pending = self._executor.submit(self._find, image)
            return None
        return self._use(self._find(image))

    def search_soon(self) -> None:
        """Have the next frame searched."""
        self._searched_s = -np.inf

    def _pause_s(self, *, has_jumped: bool) -> float:
        if self.box is None:
            return SEARCH_S
        return DOUBT_S if self._misses or not self.is_alone or has_jumped else CHECK_S

    def _use(self, faces: list[FaceBox]) -> str | None:
        """Hold, move or give up the box, by the faces that a search has found."""
        large = [face for face in faces if _area(face) >= _SECOND_FACE * _area(faces[0])]
        if len(large) > 1:
            self.is_alone = False
            return None
        if self.box is not None and large and self._is_inside(large[0]):
            self._misses, self.is_alone = 0, True
            return None
        if self.box is not None and self._misses == 0:
            self._misses = 1
            return None
        had_box, self._misses, self.is_alone = self.box is not None, 0, True
        if not large:
            self.box = self._face = None
            return LOST if had_box else None
        self._face, self.box = large[0], enlarge(large[0], self._factor)
        return MOVED if had_box else FOUND

    def _is_inside(self, face: FaceBox) -> bool:
        """Return whether a face is the one in the box, by position and size."""
        box, held = self.box, self._face
        assert box is not None
        assert held is not None
        width = max(min(face.right, box.right) - max(face.left, box.left), 0)
        height = max(min(face.bottom, box.bottom) - max(face.top, box.top), 0)
        relative_width = (face.right - face.left) / (held.right - held.left)
        return (
            width * height >= _INSIDE * _area(face) and _WIDTHS[0] <= relative_width <= _WIDTHS[1]
        )


def _area(box: FaceBox) -> int:
    return (box.right - box.left) * (box.bottom - box.top)
