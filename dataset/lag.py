"""How far the face's pulse is behind the finger's, to a few milliseconds.

Both pulses are laid on one grid of 125 Hz by their own time stamps, and the lag is where their cross-correlation peaks, between
grid points by a parabola. The two waves have different shapes, so that the peak is not the delay of any one point of the beat;
but it is the same on every day of a subject, and a shift of one stream moves it by just that shift.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from .pos import WINDOW_S, pos
from .signals import bandpass, shortest

GRID_HZ = 125.0
REACH_S = 0.45                     # lags that are looked at, either way: under half a beat at 65 bpm


@dataclass(frozen=True)
class Pulse:
    """A band-passed pulse at `GRID_HZ`; value i is `first_s + i / GRID_HZ` after the session's start."""

    first_s: float
    values: np.ndarray             # (T,) float64, blood up

    @property
    def t_s(self) -> np.ndarray:
        """(T,) times after the session's start."""
        return self.first_s + np.arange(len(self.values)) / GRID_HZ

    def between(self, from_s: float, to_s: float) -> np.ndarray:
        """Give the values from one time to another."""
        first, last = (round((at - self.first_s) * GRID_HZ) for at in (from_s, to_s))
        return self.values[max(0, first) : max(0, last)]


def face_pulse(rgb: np.ndarray, t_s: np.ndarray, *, fps: float) -> Pulse | None:
    """Give the face's pulse by POS; None where it is too short.

    Parameters
    ----------
    rgb : (N, 3) mean colours, > 0
    t_s : (N,) when each frame's light fell, rising
    """
    even_s = np.arange(t_s[0], t_s[-1], 1 / fps) if len(t_s) > 1 else np.empty(0)
    if len(even_s) < max(shortest(fps), np.ceil(WINDOW_S * fps)):
        return None
    even = np.stack([np.interp(even_s, t_s, column) for column in rgb.T], axis=1)
    # POS follows the skin's brightness, and blood darkens it.
    return _pulse(even_s, -pos(even, fps))


def finger_pulse(ppg: np.ndarray, t_s: np.ndarray) -> Pulse | None:
    """Give the finger's pulse; None where it is too short. `t_s` rises."""
    return _pulse(t_s, np.asarray(ppg, float)) if len(t_s) > 3 else None


def _pulse(t_s: np.ndarray, values: np.ndarray) -> Pulse | None:
    first_s = np.ceil(t_s[0] * GRID_HZ) / GRID_HZ
    grid_s = np.arange(first_s, t_s[-1], 1 / GRID_HZ)
    if len(grid_s) < shortest(GRID_HZ):
        return None
    return Pulse(float(first_s), bandpass(CubicSpline(t_s, values)(grid_s), GRID_HZ))


@dataclass(frozen=True)
class Lag:
    """A lag, and how alike the two pulses are there."""

    lag_s: float                   # face behind finger
    r: float                       # correlation at that lag


def find_lag(face: np.ndarray, finger: np.ndarray) -> Lag | None:
    """Give the lag of one stretch; None where the correlation has no summit within reach.

    Parameters
    ----------
    face, finger : (T,) at `GRID_HZ`, of the same time
    """
    reach = round(REACH_S * GRID_HZ)
    inner = face[reach:-reach]
    if len(inner) < shortest(GRID_HZ):
        return None
    r = np.array([_r(inner, finger[reach - d : len(finger) - reach - d]) for d in range(-reach, reach + 1)])
    at = int(np.argmax(r))
    if not 0 < at < len(r) - 1:
        return None
    left, middle, right = r[at - 1 : at + 2]
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return Lag((at - reach + shift) / GRID_HZ, float(middle))


def _r(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else 0.0
