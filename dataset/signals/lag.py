"""How far the face's pulse is behind the finger's, to a few milliseconds.

Both pulses are laid on one grid of 125 Hz by their own time stamps, and the lag is where their
cross-correlation has its maximum, between grid points by a parabola. The two waves have different
shapes, so that the maximum is not the delay of any one point of the beat; but it is the same on
every day of a subject, and a shift of one stream moves it by just that shift.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from acquire.pool import open_threads, own_cores
from dataset.common.splines import interpolate

from .filters import HIGH_HZ, bandpass, min_samples
from .peaks import peak_offset
from .pearson import pearson_r
from .pos import POS_WINDOW_S, pos
from .windows import unbroken_runs

GRID_HZ = 125.0
MAX_LAG_S = 0.45        # in either direction: under half a beat at 65 bpm
LONGEST_HOLE_S = 10.0   # without a value; a pulse goes on anew behind a longer one
_SPARSEST_HZ = 5.0      # a stretch with fewer values a second holds no pulse
MIN_R = 0.35            # a window in which the pulses correlate less is not used


@dataclass(frozen=True)
class PulseWave:
    """A band-passed pulse on the grid: value i is `first_s + i / GRID_HZ` after the start.

    Behind a hole longer than `LONGEST_HOLE_S` it goes on in another piece.
    """

    first_s: float
    values: np.ndarray             # (T,) float64, blood up
    later: tuple["PulseWave", ...] = ()      # the pieces behind it, each without any of its own

    @property
    def pieces(self) -> tuple["PulseWave", ...]:
        """The pieces in order, this one first."""
        return (self, *self.later)

    @property
    def t_s(self) -> np.ndarray:
        """(T,) times after the session's start, of this piece."""
        return self.first_s + np.arange(len(self.values)) / GRID_HZ

    @property
    def last_s(self) -> float:
        """Time of the last value of this piece."""
        return self.first_s + (len(self.values) - 1) / GRID_HZ

    def piece_at(self, from_s: float, to_s: float) -> "PulseWave":
        """Return the piece that a span lies in."""
        middle_s = (from_s + to_s) / 2
        at = bisect_right(self.pieces, middle_s, key=lambda piece: piece.first_s)
        return self.pieces[max(0, at - 1)]

    def between(self, from_s: float, to_s: float) -> np.ndarray:
        """Return the values from one time to another, within one piece."""
        piece = self.piece_at(from_s, to_s)
        first, last = (round((at - piece.first_s) * GRID_HZ) for at in (from_s, to_s))
        return piece.values[max(0, first) : max(0, last)]


def face_pulse(patches: np.ndarray, t_s: np.ndarray, *, fps: float) -> PulseWave | None:
    """Return the face's pulse by POS, the mean over its patches; None where it is too short.

    A patch whose pulse varies more counts less. Where the face moves, its edges and its mouth do
    most; averaging pulses instead of colours leaves them little weight.

    Parameters
    ----------
    patches : (N, P, 3) mean colours, > 0
    t_s : (N,) when each frame's light fell, rising
    """
    if fps <= 2 * HIGH_HZ:
        return None
    return _join([
        _face_piece(patches[run], t_s[run], fps) for run in unbroken_runs(t_s, LONGEST_HOLE_S)
    ])


def _face_piece(patches: np.ndarray, t_s: np.ndarray, fps: float) -> PulseWave | None:
    even_s = np.arange(t_s[0], t_s[-1], 1 / fps) if len(t_s) > 1 else np.empty(0)
    if len(even_s) < max(min_samples(fps), np.ceil(POS_WINDOW_S * fps)):
        return None
    return _on_grid(even_s, _mean_pulse(patches, t_s, even_s, fps))


def _mean_pulse(
    patches: np.ndarray, t_s: np.ndarray, even_s: np.ndarray, fps: float
) -> np.ndarray:
    """Return the weighted mean of the patches' pulses, but for a factor, at even times."""
    pulses = np.empty((patches.shape[1], len(even_s)))

    def read(patch: int) -> float:
        even = [np.interp(even_s, t_s, colour) for colour in patches[:, patch].T]
        # it follows the skin's brightness, and blood darkens it
        pulses[patch] = -pos(np.stack(even, axis=1), fps)
        return bandpass(pulses[patch], fps).var()

    with open_threads(own_cores()) as threads:
        variance = np.array(list(threads.map(read, range(len(pulses)))))
    quietest = max(float(np.median(variance)), 1e-12)         # what is quieter may be no skin
    pulses /= np.maximum(variance, quietest)[:, None]
    return pulses.sum(axis=0)


def finger_pulse(ppg: np.ndarray, t_s: np.ndarray) -> PulseWave | None:
    """Return the finger's pulse; None where it is too short. `t_s` rises."""
    ppg = np.asarray(ppg, float)
    return _join([_on_grid(t_s[run], ppg[run]) for run in unbroken_runs(t_s, LONGEST_HOLE_S)])


def _join(pieces: list[PulseWave | None]) -> PulseWave | None:
    """Return the pieces that are there as one pulse; None without any."""
    there = [piece for piece in pieces if piece is not None]
    return replace(there[0], later=tuple(there[1:])) if there else None


def _on_grid(t_s: np.ndarray, values: np.ndarray) -> PulseWave | None:
    if len(t_s) < 4 or len(t_s) < _SPARSEST_HZ * (t_s[-1] - t_s[0]):
        return None
    first_s = np.ceil(t_s[0] * GRID_HZ) / GRID_HZ
    grid_s = np.arange(first_s, t_s[-1], 1 / GRID_HZ)
    if len(grid_s) < min_samples(GRID_HZ):
        return None
    return PulseWave(float(first_s), bandpass(interpolate(t_s, values, grid_s, degree=3), GRID_HZ))


@dataclass(frozen=True)
class Lag:
    """How far the face is behind the finger."""

    lag_s: float
    # standard error, by leaving out one window after another; infinite of one window alone
    error_s: float
    r: float                       # correlation of the pulses at that lag, median of the windows
    windows: int                   # that were used


@dataclass(frozen=True)
class Correlations:
    """Cross-correlation of face and finger in each window."""

    spans_s: np.ndarray            # (W, 2) from when to when
    r: np.ndarray                  # (W, L) at lags from -MAX_LAG_S to MAX_LAG_S

    @property
    def is_beyond(self) -> bool:
        """Whether the pulses correlate, but their maximum lies at an end of the lags."""
        clear = self.r[self.r.max(axis=1, initial=-1.0) >= MIN_R]
        return len(clear) > 1 and int(np.argmax(clear.sum(axis=0))) in (0, self.r.shape[1] - 1)

    def lag(self, chosen: np.ndarray | None = None) -> Lag | None:
        """Return the lag over some windows; None without a clear pulse, or without a maximum.

        Windows with a clear pulse have the most weight.

        Parameters
        ----------
        chosen : an index of windows; None: all of them
        """
        r = self.r if chosen is None else self.r[chosen]
        best = np.minimum(r.max(axis=1, initial=-1.0), 0.98)
        r, best = r[best >= MIN_R], best[best >= MIN_R]
        if len(r) == 0:
            return None
        weighted = r * (best / (1 - best**2))[:, None]
        lag_s = _lag_of_maximum(weighted.sum(axis=0))
        if lag_s is None:
            return None
        return Lag(lag_s, _leave_one_out_error(weighted, lag_s), float(np.median(best)), len(best))


def _leave_one_out_error(weighted: np.ndarray, lag_s: float) -> float:
    """Return the standard error of the lag of summed correlations (W, L) [s]."""
    if len(weighted) < 2:
        return np.inf
    total = weighted.sum(axis=0)
    without = [_lag_of_maximum(total - window) for window in weighted]
    lags_s = np.array([at_s for at_s in without if at_s is not None])
    if len(lags_s) == 0:
        return np.inf
    # Windows overlap by half, so that each second is left out only half at a time.
    return float(np.sqrt(2 * (len(lags_s) - 1) / len(lags_s) * np.sum((lags_s - lag_s) ** 2)))


def correlate(
    face: PulseWave, finger: PulseWave, spans_s: Sequence[tuple[float, float]]
) -> Correlations:
    """Correlate face and finger in each span at all lags.

    A span that begins before one of the pulses, or is too short, is left out.
    """
    reach = round(MAX_LAG_S * GRID_HZ)
    kept, rows = [], []
    for span in spans_s:
        face_part, finger_part = face.between(*span), finger.between(*span)
        count = min(len(face_part), len(finger_part))
        first_s = max(wave.piece_at(*span).first_s for wave in (face, finger))
        is_early = span[0] < first_s - 0.5 / GRID_HZ
        if is_early or count - 2 * reach < min_samples(GRID_HZ):
            continue
        inner = face_part[reach : count - reach]
        rows.append([
            # a flat pulse correlates with nothing
            np.nan_to_num(pearson_r(inner, finger_part[reach - lag : count - reach - lag]))
            for lag in range(-reach, reach + 1)
        ])
        kept.append(span)
    return Correlations(np.array(kept).reshape(-1, 2), np.array(rows).reshape(-1, 2 * reach + 1))


def _lag_of_maximum(r: np.ndarray) -> float | None:
    """Return the lag of the maximum [s]; None where it is at the end of the lags."""
    at = int(np.argmax(r))
    if not 0 < at < len(r) - 1:
        return None
    return float((at - len(r) // 2 + peak_offset(r, at)) / GRID_HZ)
