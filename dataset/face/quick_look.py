"""Is there a face in the picture? Told in a few hundredths of a second, without torch.

Local binary patterns, boosted and cascaded, on the picture scaled down to 180 rows; a face is at
least a fifth of them high. It is for the operator's eye: which pixels are a face, curation asks a
better detector (`dataset.face.find`).

Source: the frontal face cascade that scikit-image ships (OpenCV's lbpcascade_frontalface).
"""

from functools import cache
from typing import Any

import cv2
import numpy as np

from acquire.camera.source import CameraInfo

from .box import FaceBox

_ROWS = 180
_LEAST = 1 / 5                  # of the picture's height
_STEP = 1.1                     # from scale to scale


@cache
def _cascade() -> Any:
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    return Cascade(lbp_frontal_face_cascade_filename())


def prepare() -> None:
    """Load the detector now (half a second) rather than at the first picture."""
    _cascade()


def luma(image: np.ndarray, camera: CameraInfo) -> np.ndarray:
    """Give the brightness of a frame as its camera delivers it: (H, W) uint8."""
    if camera.pixel_format == "I420":
        return image[: camera.height]
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def spot_face(grey: np.ndarray) -> FaceBox | None:
    """Find the largest face in an (H, W) uint8 picture; None where none is seen."""
    shrink = min(1.0, _ROWS / grey.shape[0])
    size = round(grey.shape[1] * shrink), round(grey.shape[0] * shrink)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    least = max(24, round(_LEAST * size[1]))
    if min(size) < least:
        return None
    found = _cascade().detect_multi_scale(
        small, scale_factor=_STEP, step_ratio=1, min_size=(least, least),
        max_size=(min(size), min(size)),
    )
    if not found:
        return None
    best = max(found, key=lambda f: f["width"])
    left, top = best["c"] / shrink, best["r"] / shrink
    right, bottom = left + best["width"] / shrink, top + best["height"] / shrink
    return FaceBox(
        int(left), int(top), min(round(right), grey.shape[1]), min(round(bottom), grey.shape[0])
    )
