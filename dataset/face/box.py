"""The box around a face, and the published numbers that it is made with."""

from dataclasses import dataclass, replace

import numpy as np

DETECTOR = "MTCNN of facenet-pytorch, in ONNX Runtime"
SIZE = 36              # side of the images that the networks see [pixels]
ENLARGE = 1.6          # the published factor
# about the first second: a blink or a late focus may hide the face in the very first frame
SEARCH_FRAMES = 30
MIN_PROBABILITY = 0.9  # MTCNN gives 0.99 and more to a frontal face, 0.7 to a pattern on a shirt


@dataclass(frozen=True)
class FaceBox:
    """A rectangle in pixels, its right and bottom edge not included; it may leave the picture."""

    left: int
    top: int
    right: int
    bottom: int
    probability: float = 1.0
    frame: int = 0         # index of the frame it was found in

    @property
    def width(self) -> int:
        """Return the width [pixels]."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Return the height [pixels]."""
        return self.bottom - self.top

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return the part of an (H, W, ...) image inside the box, as a view."""
        return image[max(self.top, 0) : max(self.bottom, 0), max(self.left, 0) : max(self.right, 0)]

    def outside(self, image: np.ndarray) -> tuple[int, int, int, int]:
        """Return by how many pixels the box leaves an (H, W, ...) image: top, bottom, left, right.

        0 where it does not.
        """
        height, width = image.shape[:2]
        return (
            max(-self.top, 0), max(self.bottom - height, 0),
            max(-self.left, 0), max(self.right - width, 0),
        )


def enlarge(box: FaceBox, factor: float = ENLARGE) -> FaceBox:
    """Enlarge a box about its centre, by as many pixels on each side as on the opposite one."""
    margin_x = _margin(box.width, factor)
    margin_y = _margin(box.height, factor)
    return replace(
        box, left=box.left - margin_x, top=box.top - margin_y,
        right=box.right + margin_x, bottom=box.bottom + margin_y,
    )


def detector_box(enlarged: FaceBox, factor: float = ENLARGE) -> FaceBox:
    """Return the detector's own box, which `enlarge` has made into `enlarged`; to the pixel."""
    margin_x = _margin_within(enlarged.width, factor)
    margin_y = _margin_within(enlarged.height, factor)
    return replace(
        enlarged, left=enlarged.left + margin_x, top=enlarged.top + margin_y,
        right=enlarged.right - margin_x, bottom=enlarged.bottom - margin_y,
    )


def _margin(side: int, factor: float) -> int:
    """Return by how much a side of that length grows at each end."""
    return round(side * (factor - 1) / 2)


def _margin_within(enlarged: int, factor: float) -> int:
    """Return the margin in an enlarged side; for a side that `enlarge` does not make, nearly."""
    near = round(enlarged / factor)
    sides = (near, near - 1, near + 1)
    side = next((one for one in sides if one + 2 * _margin(one, factor) == enlarged), near)
    return (enlarged - side) // 2
