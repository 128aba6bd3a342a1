"""The hash of the pixels of a video, the same for every codec and layout."""

import hashlib

import numpy as np


class PixelHash:
    """SHA-256 over the BGR pixels of a video, and its value after each frame.

    The running digests say which frame differs first, for the price of one pass.
    """

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self.after: list[bytes] = []

    def add(self, bgr: np.ndarray) -> None:
        """Add one (H, W, 3) uint8 frame."""
        self._sha.update(np.ascontiguousarray(bgr).data)
        self.after.append(self._sha.digest())

    @property
    def hexdigest(self) -> str:
        """The hash of all frames so far."""
        return self._sha.hexdigest()
