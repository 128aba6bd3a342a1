"""Pictures that hold no pulse, whatever they show: dark ones, and a camera that is frozen."""

import numpy as np

from dataset.face.box import FaceBox

from .states import DARK, FROZEN, LiveReading

DARK_BELOW = 20.0       # mean of 8 bits, of the face or, without one, of the picture
# A sensor's noise makes two equal pictures impossible; drivers and coders repeat one or two.
FROZEN_S = 1.0
_SPACING = 16           # pixels between those that are compared


class PictureCheck:
    """Check each picture of a camera, in their order."""

    def __init__(self) -> None:
        self._last_pixels: np.ndarray | None = None
        self._changed_s = 0.0           # when the picture last changed
        self.state = ""                 # DARK or FROZEN, while it is

    def restart(self, time_s: float) -> None:
        """Take the next picture as a changed one, after a hole in time."""
        self._changed_s = time_s

    def check(self, image: np.ndarray, box: FaceBox | None, time_s: float) -> LiveReading | None:
        """Return why a picture holds no pulse; None where nothing speaks against one.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB
        box : of the face; its brightness counts
        """
        pixels = image[::_SPACING, ::_SPACING].copy()
        if self._last_pixels is None or not np.array_equal(pixels, self._last_pixels):
            self._changed_s = time_s
        self._last_pixels = pixels
        spacing = _SPACING // 4
        level = float((pixels if box is None else box.crop(image)[::spacing, ::spacing]).mean())
        still_s = time_s - self._changed_s
        reading = None
        if level < DARK_BELOW:
            words = f"too dark: {level:.0f} of 255; more light from the front"
            reading = LiveReading(time_s, DARK, words)
        elif still_s >= FROZEN_S:
            words = f"the picture has stood still for {still_s:.0f} s: is the camera frozen?"
            reading = LiveReading(time_s, FROZEN, words)
        self.state = "" if reading is None else reading.state
        return reading
