"""Pictures that hold no pulse, whatever they show: dark ones, and a camera that is frozen."""

import numpy as np

from dataset.face.box import FaceBox

from .held_face import FindFaces
from .states import DARK, FROZEN, LiveReading

DARK_BELOW = 20.0       # mean of 8 bits, of the face or, without one, of the picture
# A sensor's noise makes two equal pictures impossible; drivers and coders repeat one or two.
FROZEN_S = 1.0
_SPACING = 16           # pixels between those that are compared


def level_of(image: np.ndarray, face: FaceBox | None) -> float:
    """Return the mean of a face, or of the picture, in 8 bits."""
    if face is None:
        return float(image[::_SPACING, ::_SPACING].mean())
    spacing = _SPACING // 4
    return float(face.crop(image)[::spacing, ::spacing].mean())


def lit_faces(find: FindFaces, image: np.ndarray) -> list[FaceBox]:
    """Return the faces of a picture, and of a dark one those that are lit.

    What else is found there may be noise, and a face does not look there as it does in light.
    """
    faces = find(image)
    if level_of(image, None) >= DARK_BELOW:
        return faces
    return [face for face in faces if level_of(image, face) >= DARK_BELOW]


class PictureCheck:
    """Check each picture of a camera, in their order."""

    def __init__(self) -> None:
        self._last_pixels: np.ndarray | None = None
        self._changed_s = 0.0           # when the picture last changed
        self.state = ""                 # DARK or FROZEN, while it is
        self.is_camera = False          # at work now: of a file nothing is frozen

    def restart(self, time_s: float) -> None:
        """Take the next picture as a changed one, after a hole in time."""
        self._changed_s = time_s

    def check(
        self, image: np.ndarray, face: FaceBox | None, time_s: float, *, is_lit: bool = False
    ) -> LiveReading | None:
        """Return why a picture holds no pulse; None where nothing speaks against one.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB
        face : its brightness counts; without one that of the picture
        is_lit : whether light is known to be there, as where faces are seen
        """
        pixels = image[::_SPACING, ::_SPACING].copy()
        if self._last_pixels is None or not np.array_equal(pixels, self._last_pixels):
            self._changed_s = time_s
        self._last_pixels = pixels
        level, still_s = level_of(image, face), time_s - self._changed_s
        reading = None
        if level < DARK_BELOW and not is_lit:
            words = f"too dark: {level:.0f} of 255; more light from the front"
            reading = LiveReading(time_s, DARK, words)
        elif still_s >= FROZEN_S:
            words = f"the picture has stood still for {still_s:.0f} s"
            words += ": is the camera frozen?" if self.is_camera else ""
            reading = LiveReading(time_s, FROZEN, words)
        self.state = "" if reading is None else reading.state
        return reading
