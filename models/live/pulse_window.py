"""The last ten seconds: a network's predictions, the face's colours, and the heart rate of both."""

from collections import deque

import numpy as np

from dataset.signals.filters import LEAST_FS_HZ, WINDOW_S, bandpass, highest_hz, min_samples
from dataset.signals.windows import STEP_S, even_grid, to_even_grid
from models.fusion.fuse import TOO_SHORT, TOO_SLOW, FusedRate, fuse_window


class PulseWindow:
    """A pulse that is at most ten seconds long, with its heart rate once a second."""

    def __init__(self) -> None:
        self.is_predicted = False       # whether the frames were coded so; see `fuse_window`
        self._time_s: deque[float] = deque()     # of the frames in the window
        self._changes: deque[float] = deque()    # how far the pulse has risen since the one before
        self._colours: deque[np.ndarray] = deque()
        self._parts: deque[np.ndarray] = deque()
        self._shifts: deque[np.ndarray] = deque()
        self.clear()

    def clear(self) -> None:
        """Begin an empty window."""
        self._time_s.clear()
        self._changes.clear()
        self._colours.clear()
        self._parts.clear()
        self._shifts.clear()
        # of the last evaluation; without a heart rate while it is too short; None before the first
        self.rate: FusedRate | None = None
        self._was_full = False                   # at the last evaluation
        self._next_s = -np.inf                   # time of the next evaluation

    @property
    def is_empty(self) -> bool:
        """Whether there is no frame in it."""
        return not self._time_s

    @property
    def span_s(self) -> float:
        """Time from its first frame to its last [s]."""
        return self._time_s[-1] - self._time_s[0] if self._time_s else 0.0

    @property
    def is_full(self) -> bool:
        """Whether it spans ten seconds."""
        return self.span_s >= WINDOW_S

    def add(
        self, time_s: float, change: float, colour: np.ndarray, parts: np.ndarray,
        shift: np.ndarray,
    ) -> None:
        """Add a frame.

        Parameters
        ----------
        change : the pulse's rise since the frame before
        colour, parts : (3,) mean RGB of the face, (16, 3) of the frame's parts
        shift : (2,) of the face since the frame before, see `models.fusion.face_motion`
        """
        self._time_s.append(time_s)
        self._changes.append(change)
        self._colours.append(colour)
        self._parts.append(parts)
        self._shifts.append(shift)
        while len(self._time_s) > 1 and self._time_s[1] <= time_s - WINDOW_S:
            for column in (
                self._time_s, self._changes, self._colours, self._parts, self._shifts
            ):
                column.popleft()

    def evaluate_if_due(self, time_s: float) -> None:
        """Determine the heart rate once a second, and as soon as the window is full."""
        is_first_full = self.is_full and not self._was_full
        if self.span_s <= 0 or not (time_s >= self._next_s or is_first_full):
            return
        # The first full window sets the second of the clock at which the others are evaluated.
        follows_full = self.is_full and self._was_full
        self._next_s = (self._next_s if follows_full else time_s) + STEP_S
        self._was_full = self.is_full
        self._evaluate()

    def _evaluate(self) -> None:
        time_s = np.array(self._time_s)
        if self.is_full:
            self.rate = fuse_window(
                time_s, np.array(self._colours), np.array(self._changes), np.array(self._parts),
                shifts=np.array(self._shifts), is_predicted=self.is_predicted,
            )
            return
        fs_hz = even_grid(time_s)[1]
        why_not = TOO_SLOW if fs_hz <= LEAST_FS_HZ else TOO_SHORT
        self.rate = FusedRate(None, why_not=why_not, fs_hz=fs_hz)

    def trace(self) -> tuple[np.ndarray, np.ndarray]:
        """Return times [s] and band-passed pulse on an even grid; empty while they are too few."""
        if self.rate is None or self.rate.why_not == TOO_SLOW:
            return np.empty(0), np.empty(0)
        time_s = np.array(self._time_s)
        grid_s, fs_hz = even_grid(time_s)
        if fs_hz <= LEAST_FS_HZ or len(grid_s) < min_samples(fs_hz):
            return np.empty(0), np.empty(0)
        risen = np.cumsum([0.0, *list(self._changes)[1:]])
        return grid_s, bandpass(
            to_even_grid(risen, time_s), fs_hz, high_hz=highest_hz(fs_hz)
        )
