"""How far the face's pulse is behind the finger's, to a few milliseconds.

Both pulses are laid on one grid of 125 Hz by their own time stamps, and the lag is where their
cross-correlation peaks, between grid points by a parabola. The two waves have different shapes, so
that the peak is not the delay of any one point of the beat; but it is the same on every day of a
subject, and a shift of one stream moves it by just that shift.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .filters import HIGH_HZ, bandpass, shortest
from .peaks import peak_offset
from .pearson import pearson_r
from .pos import WINDOW_S, pos

GRID_HZ = 125.0
REACH_S = 0.45  # lags that are looked at, either way: under half a beat at 65 bpm
LEAST_R = 0.35                     # a window below it has no say


@dataclass(frozen=True)
class PulseWave:
    """A band-passed pulse at `GRID_HZ`; value i is `first_s + i / GRID_HZ` after the session's
    start.
    """

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


def face_pulse(patches: np.ndarray, t_s: np.ndarray, *, fps: float) -> PulseWave | None:
    """Give the face's pulse: by POS in each patch, the unquiet ones counting less; None where it is
    too short.

    Where the face moves, its edges and its mouth do most; averaging pulses instead of colours
    leaves them a small say.

    Parameters
    ----------
    patches : (N, P, 3) mean colours, > 0
    t_s : (N,) when each frame's light fell, rising
    """
    even_s = np.arange(t_s[0], t_s[-1], 1 / fps) if len(t_s) > 1 else np.empty(0)
    if fps <= 2 * HIGH_HZ or len(even_s) < max(shortest(fps), np.ceil(WINDOW_S * fps)):
        return None
    # POS follows the skin's brightness, and blood darkens it.
    pulses = np.array([
        -pos(np.stack([np.interp(even_s, t_s, colour) for colour in patch.T], axis=1), fps)
        for patch in np.moveaxis(patches, 1, 0)
    ])
    variance = np.array([bandpass(pulse, fps).var() for pulse in pulses])
    quietest = max(float(np.median(variance)), 1e-12)         # what is quieter may be no skin
    return _pulse(even_s, (pulses / np.maximum(variance, quietest)[:, None]).sum(axis=0))


def finger_pulse(ppg: np.ndarray, t_s: np.ndarray) -> PulseWave | None:
    """Give the finger's pulse; None where it is too short. `t_s` rises."""
    return _pulse(t_s, np.asarray(ppg, float)) if len(t_s) > 3 else None


def _pulse(t_s: np.ndarray, values: np.ndarray) -> PulseWave | None:
    from scipy.interpolate import CubicSpline

    first_s = np.ceil(t_s[0] * GRID_HZ) / GRID_HZ
    grid_s = np.arange(first_s, t_s[-1], 1 / GRID_HZ)
    if len(grid_s) < shortest(GRID_HZ):
        return None
    return PulseWave(float(first_s), bandpass(CubicSpline(t_s, values)(grid_s), GRID_HZ))


@dataclass(frozen=True)
class Lag:
    """How far the face is behind the finger."""

    lag_s: float
    # standard error, by leaving out one window after another; infinite of one window alone
    error_s: float
    r: float  # correlation of the two pulses at that lag, the median of the windows
    windows: int                   # that had a say


@dataclass(frozen=True)
class Correlations:
    """Cross-correlation of face and finger in each window."""

    spans_s: np.ndarray            # (W, 2) from when to when
    r: np.ndarray                  # (W, lags)

    @property
    def is_beyond(self) -> bool:
        """Say whether the pulses are alike, but the summit of their correlation lies at an end of
        the reach.
        """
        clear = self.r[self.r.max(axis=1, initial=-1.0) >= LEAST_R]
        return len(clear) > 1 and int(np.argmax(clear.sum(axis=0))) in (0, self.r.shape[1] - 1)

    def lag(self, chosen: np.ndarray | None = None) -> Lag | None:
        """Give the lag over some windows, those with a clear pulse counting most; None where none
        has one, or no summit.
        """
        r = self.r if chosen is None else self.r[chosen]
        best = np.minimum(r.max(axis=1, initial=-1.0), 0.98)
        r, best = r[best >= LEAST_R], best[best >= LEAST_R]
        if len(r) == 0:
            return None
        weighted = r * (best / (1 - best**2))[:, None]
        total = weighted.sum(axis=0)
        lag_s = _summit_s(total)
        without = (
            [at for one in weighted if (at := _summit_s(total - one)) is not None]
            if len(r) > 1
            else []
        )
        if lag_s is None:
            return None
        # Windows overlap by half, so that each second is left out only half at a time.
        spread = (
            np.sqrt(
                2 * (len(without) - 1) / len(without) * np.sum((np.array(without) - lag_s) ** 2)
            )
            if without
            else np.inf
        )
        return Lag(lag_s, float(spread), float(np.median(best)), len(best))


def correlate(
    face: PulseWave, finger: PulseWave, spans_s: Sequence[tuple[float, float]]
) -> Correlations:
    """Correlate face and finger in each span at lags within `REACH_S`; a span too short for it is
    left out.
    """
    reach = round(REACH_S * GRID_HZ)
    kept, rows = [], []
    for span in spans_s:
        seen, felt = face.between(*span), finger.between(*span)
        count = min(len(seen), len(felt))
        if count - 2 * reach < shortest(GRID_HZ):
            continue
        inner = seen[reach : count - reach]
        rows.append(
            [
                # a pulse that is flat is like no other
                np.nan_to_num(pearson_r(inner, felt[reach - d : count - reach - d]))
                for d in range(-reach, reach + 1)
            ]
        )
        kept.append(span)
    return Correlations(np.array(kept).reshape(-1, 2), np.array(rows).reshape(-1, 2 * reach + 1))


def _summit_s(r: np.ndarray) -> float | None:
    """Give the lag of the highest summit, between grid points by a parabola; None where it is at
    the end of the reach.
    """
    at = int(np.argmax(r))
    if not 0 < at < len(r) - 1:
        return None
    return float((at - len(r) // 2 + peak_offset(r, at)) / GRID_HZ)
