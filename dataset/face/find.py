"""Where the face is: MTCNN's box in the first frame, enlarged and then held for the whole video.

Holding one box, instead of following the face, is the published preprocessing: a box that is found
again in every frame jitters by a pixel or two, and that jitter is many times larger than the pulse.
The box is enlarged 1.6 times so that a head that sways for some minutes stays inside.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from acquire.errors import CurationError

from .box import ENLARGE, SEARCH_FRAMES, FaceBox, enlarge

if TYPE_CHECKING:
    from .mtcnn import Mtcnn


@cache
def _mtcnn() -> "Mtcnn":
    """Open the detector once for this process."""
    from .mtcnn import Mtcnn

    return Mtcnn()


def detect_face(image: np.ndarray) -> FaceBox | None:
    """Find the largest box in an (H, W, 3) uint8 RGB image that is surely a face; None where there
    is none.

    The box is the detector's own, rounded outwards and clipped to the image.
    """
    found = _mtcnn().find(image)
    return found[0] if found else None


def find_face(frames: Iterable[np.ndarray], *, name: str, factor: float = ENLARGE) -> FaceBox:
    """Give the enlarged box of the face in the first frame that shows one, within the first second.

    Parameters
    ----------
    frames : (H, W, 3) uint8 RGB images; at most `SEARCH_FRAMES` of them are taken
    name : what to call the video in an error

    Raises
    ------
    CurationError : no face in any of them
    """
    looked = 0
    for index, image in enumerate(frames):
        if index >= SEARCH_FRAMES:
            break
        looked += 1
        # The first frame nearly always has it; when not, every fifth is looked at, for a detection
        # takes 0.1 s.
        if index and index % 5:
            continue
        box = detect_face(image)
        if box is not None:
            height, width = image.shape[:2]
            found = FaceBox(box.left, box.top, box.right, box.bottom, box.probability, index)
            return enlarge(found, factor, width, height)
    raise CurationError(
        f"expected a face in the first second of {name}, found none in {looked} frames; "
        "look at the video, and leave it out or record it again"
    )
