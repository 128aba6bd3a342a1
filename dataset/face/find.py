"""Where the face is: MTCNN's box in the first frame, enlarged and then held for the whole video.

Holding one box, instead of following the face, is the published preprocessing: a box that is found again in every frame
jitters by a pixel or two, and that jitter is many times larger than the pulse. The box is enlarged 1.6 times so that a
head that sways for some minutes stays inside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from acquire.errors import CurationError

if TYPE_CHECKING:
    from .mtcnn import Mtcnn

DETECTOR = "MTCNN of facenet-pytorch, in ONNX Runtime"
ENLARGE = 1.6          # the published factor
SEARCH_FRAMES = 30     # about the first second: a blink or a late focus may hide the face in the very first frame
MIN_PROBABILITY = 0.9  # MTCNN gives 0.99 and more to a frontal face, 0.7 to a pattern on a shirt


@dataclass(frozen=True)
class FaceBox:
    """A rectangle in pixels, its right and bottom edge not included."""

    left: int
    top: int
    right: int
    bottom: int
    probability: float = 1.0
    frame: int = 0         # index of the frame it was found in

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Give the part of an (H, W, ...) image inside the box, as a view."""
        return image[self.top:self.bottom, self.left:self.right]


@cache
def _mtcnn() -> "Mtcnn":
    """Open the detector once for this process."""
    from .mtcnn import Mtcnn

    return Mtcnn()


def detect_face(image: np.ndarray) -> FaceBox | None:
    """Find the largest box in an (H, W, 3) uint8 RGB image that is surely a face; None where there is none.

    The box is the detector's own, rounded outwards and clipped to the image.
    """
    found = _mtcnn().find(image)
    return found[0] if found else None


def enlarge(box: FaceBox, factor: float, width: int, height: int) -> FaceBox:
    """Enlarge a box about its centre, then clip it to an image of `width` x `height`."""
    centre_x, centre_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    half_x, half_y = (box.right - box.left) * factor / 2, (box.bottom - box.top) * factor / 2
    return FaceBox(
        max(round(centre_x - half_x), 0), max(round(centre_y - half_y), 0),
        min(round(centre_x + half_x), width), min(round(centre_y + half_y), height),
        box.probability, box.frame,
    )


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
        # The first frame nearly always has it; when not, every fifth is looked at, for a detection takes 0.1 s.
        if index and index % 5:
            continue
        box = detect_face(image)
        if box is not None:
            height, width = image.shape[:2]
            found = FaceBox(box.left, box.top, box.right, box.bottom, box.probability, index)
            return enlarge(found, factor, width, height)
    raise CurationError(f"expected a face in the first second of {name}, found none in {looked} frames; "
                        "look at the video, and leave it out or record it again")
