"""The face box while frames come: held as in training, looked at again now and then, and moved only
when the face has left it.

A box that follows the face jitters, and that jitter is many times larger than the pulse
(`dataset.face.find`); so the box of the first look is held. Every few seconds, and at once when the
picture jumps, the whole picture is looked at again. One look that misses the face or finds it
elsewhere says little (a blink, a turned head); the second in a row, half a second later, is
believed. A look takes as long as a frame or several: live, it is done aside, and frames go on
meanwhile.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future

import numpy as np

from dataset.face.box import FaceBox, enlarge

FOUND, MOVED, LOST = "found", "moved", "lost"
SEARCH_S = 0.3       # between looks while there is no face
CHECK_S = 3.0        # while there is one
AGAIN_S = 0.5        # when the last look was in doubt, or the picture jumped
# of the largest face's area: smaller ones are bystanders or patterns, and are never taken for the
# largest
_TWO = 0.25
_INSIDE = 0.9        # of the face's area that must lie in the box
_SIZES = (0.6, 1.7)  # of the face's width, beside the one that the box was made for

FindFaces = Callable[[np.ndarray], list[FaceBox]]


class HeldFace:
    """Where the face is.

    Parameters
    ----------
    find : gives every sure face of an (H, W, 3) uint8 RGB picture, the largest first
    factor : by which a face's box is enlarged
    aside : does the looks; without it a look is done at once, and holds up its frame
    """

    def __init__(self, find: FindFaces, *, factor: float, aside: Executor | None = None) -> None:
        self._find, self._factor, self._aside = find, factor, aside
        self.box: FaceBox | None = None      # enlarged, in pixels of the picture
        self.is_alone = True                 # False: there is more than one face
        self._face: FaceBox | None = None    # the detector's own box that `box` was made of
        self._doubts = 0                     # looks in a row that did not find the face in the box
        self._looked_s = -np.inf
        self._pending: Future | None = None

    def see(self, image: np.ndarray, time_s: float, *, has_jumped: bool = False) -> str | None:
        """Look at a frame where a look is due.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB, not changed afterwards
        has_jumped : whether the picture changed much more than it does from a pulse and a head's
            sway

        Returns
        -------
        FOUND, MOVED or LOST where the box has just changed, else None
        """
        if self._pending is not None:
            if not self._pending.done():
                return None
            faces, self._pending = self._pending.result(), None
            return self._judge(faces, image)
        pause_s = (
            SEARCH_S
            if self.box is None
            else AGAIN_S
            if self._doubts or not self.is_alone or has_jumped
            else CHECK_S
        )
        if time_s - self._looked_s < pause_s:
            return None
        self._looked_s = time_s
        if self._aside is not None:
            self._pending = self._aside.submit(self._find, image)
            return None
        return self._judge(self._find(image), image)

    def look_soon(self) -> None:
        """Have the next frame looked at."""
        self._looked_s = -np.inf

    def _judge(self, faces: list[FaceBox], image: np.ndarray) -> str | None:
        large = [one for one in faces if _area(one) >= _TWO * _area(faces[0])]
        if len(large) > 1:
            self.is_alone = False
            return None
        if self.box is not None and large and self._is_inside(large[0]):
            self._doubts, self.is_alone = 0, True
            return None
        if self.box is not None and self._doubts == 0:
            self._doubts = 1
            return None
        had, self._doubts, self.is_alone = self.box is not None, 0, True
        if not large:
            self.box = self._face = None
            return LOST if had else None
        height, width = image.shape[:2]
        self._face, self.box = large[0], enlarge(large[0], self._factor, width, height)
        return MOVED if had else FOUND

    def _is_inside(self, face: FaceBox) -> bool:
        box, meant = self.box, self._face
        assert box is not None
        assert meant is not None
        wide = min(face.right, box.right) - max(face.left, box.left)
        high = min(face.bottom, box.bottom) - max(face.top, box.top)
        size = (face.right - face.left) / (meant.right - meant.left)
        return (
            max(wide, 0) * max(high, 0) >= _INSIDE * _area(face) and _SIZES[0] <= size <= _SIZES[1]
        )


def _area(box: FaceBox) -> int:
    return (box.right - box.left) * (box.bottom - box.top)
