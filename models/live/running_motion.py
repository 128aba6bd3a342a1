"""What changes between adjacent frames while they come, as a network reads it.

It is `dataset.face.frames.motion` without knowledge of the future. Of a whole video, changes are
cut at three standard deviations and divided by the standard deviation of all of them. Here both are
running ones: of all pairs so far, each with a weight that falls with its age, to 1/e after
`MEMORY_S`. A network that was trained on the one reads the other, as soon as a second of pairs has
been weighed. The plain difference needs no more than the two frames.
"""

import math

import numpy as np

from dataset.face.frames import CUT_SD, Motion, change_between, is_scaled

MEMORY_S = 10.0


class RunningMotion:
    """Differences of one camera's frames.

    Parameters
    ----------
    kind : of the changes; they have unit variance in the long run, but for `difference`
    """

    def __init__(self, kind: Motion = "normalised") -> None:
        self._kind: Motion = kind
        self._last: np.ndarray | None = None
        # sums of all pairs so far: of weights, and of weighted mean squares of relative changes, of
        # changes of the kind, and of these when cut
        self._weight = self._square_relative = self._square = self._square_cut = 0.0
        self._fade = 1.0            # what the weights before have become with the newest pair
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
        change = self._weigh(averaged, step_s)
        if last is None or change is None:
            return None
        if self._kind != "normalised":
            change = change_between(np.stack([last, averaged]), self._kind)[0]
        if is_scaled(self._kind):
            self._scale(change)
        return np.ascontiguousarray(change.transpose(2, 0, 1)[None])

    def note(self, averaged: np.ndarray, step_s: float) -> None:
        """Take the next frame for `strength` alone."""
        self._weigh(averaged, step_s)

    def _weigh(self, averaged: np.ndarray, step_s: float) -> np.ndarray | None:
        """Weigh the relative change since the frame before, and return it."""
        last, self._last = self._last, averaged
        if last is None:
            return None
        change = change_between(np.stack([last, averaged]), "normalised")[0]
        square = _mean_square(change)
        self._fade = math.exp(-step_s / MEMORY_S)
        self.seconds += step_s
        self._weight = self._fade * self._weight + 1
        self._square_relative = self._fade * self._square_relative + square
        sd = math.sqrt(self._square_relative / self._weight)
        self.strength = math.sqrt(square) / sd if sd > 0 else 0.0
        return change

    def _scale(self, change: np.ndarray) -> None:
        """Cut a change, in place, and divide it by the standard deviation of what was cut."""
        self._square = self._fade * self._square + _mean_square(change)
        most = CUT_SD * math.sqrt(self._square / self._weight)
        np.clip(change, -most, most, out=change)
        self._square_cut = self._fade * self._square_cut + _mean_square(change)
        if self._square_cut > 0:
            change /= math.sqrt(self._square_cut / self._weight)


def _mean_square(change: np.ndarray) -> float:
    return float(np.square(change).mean(dtype=np.float64))
