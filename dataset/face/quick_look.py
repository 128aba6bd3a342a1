"""A quick look for a face, in about 10 ms, on the brightness of a picture alone.

It is MTCNN (`dataset.face.mtcnn`) on the picture scaled down to 180 rows, its contrast evened out
so that a dark room does not hide a face, and for faces of at least a fifth of the rows. It tells
the operator whether a face is in view; which pixels are the face is found by `dataset.face.find`,
on the whole picture in colour.
"""

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from acquire.camera.source import CameraInfo

from .box import FaceBox

if TYPE_CHECKING:
    from .mtcnn import Mtcnn

_ROWS = 180
_SMALLEST = 1 / 5               # of the picture's height
_MIN_PROBABILITY = 0.7          # MTCNN's own threshold
# The square, in heights of MTCNN's box, which is narrower: as the cascade of local binary patterns
# had it that was used before, so that what is measured inside stays comparable.
_SIDE, _RAISED = 0.92, 0.03
_CONTRAST_LIMIT, _CONTRAST_TILES = 3.0, (3, 3)


@cache
def _detector() -> "Mtcnn":
    from .mtcnn import Mtcnn

    return Mtcnn(smallest_px=_SMALLEST * _ROWS, min_probability=_MIN_PROBABILITY)


def load_detector() -> None:
    """Load the detector now (0.2 s) rather than at the first picture."""
    _detector()


def frame_luma(image: np.ndarray, camera: CameraInfo) -> np.ndarray:
    """Return the brightness of a frame as its camera delivers it: (H, W) uint8."""
    if camera.pixel_format == "I420":
        return image[: camera.height]
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def spot_face(luma: np.ndarray) -> FaceBox | None:
    """Find the largest face in an (H, W) uint8 picture; None where none is seen.

    The box is a square about the middle of the face, from one cheek to the other.
    """
    height, width = luma.shape
    shrink = min(1.0, _ROWS / height)
    size = round(width * shrink), round(height * shrink)
    small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    boxes = _detector().find(cv2.cvtColor(_with_even_contrast(small), cv2.COLOR_GRAY2RGB))
    if not boxes:
        return None
    face = boxes[0]
    rows = face.bottom - face.top
    centre_x = (face.left + face.right) / 2
    centre_y = (face.top + face.bottom) / 2 - _RAISED * rows
    half = _SIDE * rows / 2
    return FaceBox(
        max(0, round((centre_x - half) / shrink)), max(0, round((centre_y - half) / shrink)),
        min(width, round((centre_x + half) / shrink)),
        min(height, round((centre_y + half) / shrink)), face.probability,
    )


def _with_even_contrast(luma: np.ndarray) -> np.ndarray:
    """Stretch the brightness to the full range, then even out the contrast from part to part."""
    low, high = np.percentile(luma, (1, 99))
    stretched = np.clip((luma - low) * (255 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
    return cv2.createCLAHE(_CONTRAST_LIMIT, _CONTRAST_TILES).apply(stretched)
