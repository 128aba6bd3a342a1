"""What changes between adjacent frames while they come, as a network reads it.

The normalised difference is `dataset.face.frames.motion` without knowledge of the future. Of a
whole video, differences are cut at three standard deviations and divided by the standard deviation
of all of them. Here both are running ones: of all pairs so far, each with a weight that falls with
its age, to 1/e after `MEMORY_S`. A network that was trained on the one reads the other, as soon as
a second of pairs has been weighed. The plain difference needs no more than the two frames.
"""

import math

import numpy as np

from dataset.face.frames import CUT_SD, Motion, difference

MEMORY_S = 10.0


class RunningMotion:
    """Differences of one camera's frames.

    Parameters
    ----------
    kind : `normalised`, with unit variance in the long run, or `difference`, in grey levels
    """

    def __init__(self, kind: Motion = "normalised") -> None:
        self._kind = kind
        self._last: np.ndarray | None = None
        self._weight = self._square = self._square_cut = 0.0
        self.seconds = 0.0          # of frames that the standard deviation is computed from
        # of the newest pair, before it was cut, in standard deviations; 0 where nothing moved
        self.strength = 0.0

    def forget_frame(self) -> None:
        """Take the next frame as the first of a sequence; the standard deviation stays."""
        self._last = None

    def add(self, averaged: np.ndarray, step_s: float) -> np.ndarray | None:
        """Take the next frame.

        Parameters
        ----------
        averaged : (36, 36, 3) uint16, of the face
        step_s : time since the frame before

        Returns
        -------
        (1, 3, 36, 36) float32 as a network reads it; None for the first of a sequence
        """
        last = self._last
        found = self._weigh(averaged, step_s)
        if last is None or found is None:
            return None
        if self._kind == "difference":
            change = difference(np.stack([last, averaged]))[0]
        else:
            change = self._normalise(*found)
        return np.ascontiguousarray(change.transpose(2, 0, 1)[None])

    def note(self, averaged: np.ndarray, step_s: float) -> None:
        """Take the next frame for `strength` alone."""
        self._weigh(averaged, step_s)

    def _normalise(self, change: np.ndarray, fade: float) -> np.ndarray:
        """Cut a change, in place, and divide it by the standard deviation of what was cut."""
        sd = math.sqrt(self._square / self._weight)
        np.clip(change, -CUT_SD * sd, CUT_SD * sd, out=change)
        self._square_cut = fade * self._square_cut + float(np.square(change).mean(dtype=np.float64))
        if self._square_cut > 0:
            change /= math.sqrt(self._square_cut / self._weight)
        return change

    def _weigh(self, averaged: np.ndarray, step_s: float) -> tuple[np.ndarray, float] | None:
        """Return the change since the frame before, and what the weights before have become."""
        values = averaged.astype(np.float32)
        last, self._last = self._last, values
        if last is None:
            return None
        total = values + last
        change = values - last
        np.divide(change, total, out=change, where=total > 0)    # black stays 0
        square = float(np.square(change).mean(dtype=np.float64))
        fade = math.exp(-step_s / MEMORY_S)
        self.seconds += step_s
        self._weight = fade * self._weight + 1
        self._square = fade * self._square + square
        sd = math.sqrt(self._square / self._weight)
        self.strength = math.sqrt(square) / sd if sd > 0 else 0.0
        return change, fade
