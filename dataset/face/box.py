"""The box around a face, and the published numbers that it is made with."""

from dataclasses import dataclass

import numpy as np

DETECTOR = "MTCNN of facenet-pytorch, in ONNX Runtime"
SIZE = 36              # side of the images that the networks see [pixels]
ENLARGE = 1.6          # the published factor
# about the first second: a blink or a late focus may hide the face in the very first frame
SEARCH_FRAMES = 30
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
        """Return the part of an (H, W, ...) image inside the box, as a view."""
        return image[self.top : self.bottom, self.left : self.right]


def enlarge(box: FaceBox, factor: float, width: int, height: int) -> FaceBox:
    """Enlarge a box about its centre, then clip it to an image of `width` x `height`."""
    centre_x, centre_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    half_x, half_y = (box.right - box.left) * factor / 2, (box.bottom - box.top) * factor / 2
    return FaceBox(
        max(round(centre_x - half_x), 0), max(round(centre_y - half_y), 0),
        min(round(centre_x + half_x), width), min(round(centre_y + half_y), height),
        box.probability, box.frame,
    )
