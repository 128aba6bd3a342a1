"""The face that curation uses: MTCNN's box in the first frame, held for the whole video.

Holding one box, instead of following the face, is the published preprocessing: a box that is found
again in every frame jitters by a pixel or two, and that jitter is many times larger than the pulse.
The box is enlarged 1.6 times so that a head that sways for some minutes stays inside.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from acquire.errors import CurationError

from .box import ENLARGE, SEARCH_FRAMES, FaceBox, enlarge

if TYPE_CHECKING:
    from .mtcnn import Mtcnn

_EVERY = 5             # frames; a detection takes 0.1 s, and the first frame often has a face


@cache
def _detector() -> "Mtcnn":
    """Open the detector once for this process."""
    from .mtcnn import Mtcnn

    return Mtcnn()


def detect_face(image: np.ndarray) -> FaceBox | None:
    """Find the largest face in an (H, W, 3) uint8 RGB image; None where there is none.

    The box is the detector's own, rounded outwards; of a face that is cut by the edge of the
    image it leaves the image.
    """
    boxes = _detector().find(image)
    return boxes[0] if boxes else None


def find_face(frames: Iterable[np.ndarray], *, name: str, factor: float = ENLARGE) -> FaceBox:
    """Return the enlarged box of the face in the first frame of the first second that shows one.

    Parameters
    ----------
    frames : (H, W, 3) uint8 RGB images; at most `SEARCH_FRAMES` of them are taken
    name : what to call the video in an error

    Raises
    ------
    CurationError : no face in any of them
    """
    count = 0
    for index, image in enumerate(frames):
        if index >= SEARCH_FRAMES:
            break
        count += 1
        if index % _EVERY == 0 and (box := detect_face(image)) is not None:
            return enlarge(replace(box, frame=index), factor)
    raise CurationError(
        expected=f"a face in the first second of {name}", found=f"none in {count} frames",
        fix="look at the video, and leave it out or record it again",
    )
