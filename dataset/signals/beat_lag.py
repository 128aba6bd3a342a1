"""Which of the beats of a finger a beat of the face belongs to.

A correlation over ten seconds cannot tell labels that are late by a whole beat: one beat is like
the next. But beats are not of equal length. Shifted by its true lag, the finger's pulse follows
every one of them; shifted by one beat more, it is early or late by the difference of two
successive intervals. So the two pulses are laid over each other at the lag that is known but for
whole beats, and at whole beats more and less, and what is left of the face is compared in blocks
of a beat or two: a shift is the right one where it leaves less than every other by
`MIN_ERRORS` standard errors. With a steady heart, a noisy face or half a minute there may be none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .lag import GRID_HZ, PulseWave

MOST_BEATS = 3          # that labels are looked for before and behind
MIN_ERRORS = 3.0        # in simulation never wrong (docs/quality.md)
_BLOCK_S = 1.5
_FEWEST_BLOCKS = 10
_LONGEST_S = 300.0      # of a stretch that is compared at once
_NEAR = 0.3             # of a beat, on either side, in which each shift is fitted


@dataclass(frozen=True)
class BeatLag:
    """A lag of face behind finger, among those that are whole beats apart."""

    beats: int | None       # that the lag has more than the one given; None: it cannot be told
    lag_s: float            # the lag with them; the one given where it cannot be told
    errors: float           # standard errors between the best shift and the next


def find_beat(
    face: PulseWave, finger: PulseWave, spans_s: Sequence[tuple[float, float]], *, lag_s: float,
    beat_s: float, min_errors: float = MIN_ERRORS,
) -> BeatLag:
    """Find by how many whole beats the face is behind the finger beside a known lag.

    Parameters
    ----------
    spans_s : stretches in which both pulses are clean, apart from each other
    lag_s : the lag but for whole beats
    beat_s : usual length of a beat
    min_errors : by which the best shift has to leave less than each other
    """
    parts = [
        part for first_s, last_s in spans_s
        for from_s in np.arange(first_s, last_s, _LONGEST_S)
        if (part := _fit_shifts(
            face, finger, (from_s, min(from_s + _LONGEST_S, last_s)), lag_s, beat_s
        )) is not None
    ]
    blocks = np.concatenate([left for _, left in parts]) if parts else np.empty((0, 1))
    if len(blocks) < _FEWEST_BLOCKS:
        return BeatLag(None, lag_s, 0.0)
    lags_s = np.average(
        [lags for lags, _ in parts], axis=0, weights=[len(left) for _, left in parts]
    )
    best = int(np.argmin(blocks.sum(axis=0)))
    more = np.delete(blocks - blocks[:, best : best + 1], best, axis=1)
    error = more.std(axis=0, ddof=1) * np.sqrt(len(blocks))
    errors = float((more.sum(axis=0) / np.maximum(error, 1e-12)).min())
    if errors < min_errors:
        return BeatLag(None, lag_s, errors)
    return BeatLag(best - MOST_BEATS, float(lags_s[best]), errors)


def _fit_shifts(
    face: PulseWave, finger: PulseWave, span_s: tuple[float, float], lag_s: float, beat_s: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the lag of each shift (S,) [s], and what it leaves of the face in B blocks (B, S).

    None where the span is too short.
    """
    reach_s = abs(lag_s) + (MOST_BEATS + _NEAR) * beat_s + 4 / GRID_HZ
    block = round(_BLOCK_S * GRID_HZ)
    count = len(face.between(span_s[0] + reach_s, span_s[1] - reach_s)) // block * block
    if count < 2 * block:
        return None
    inner = face.between(span_s[0] + reach_s, span_s[1])[:count]
    outer, middle = finger.between(*span_s), round(reach_s * GRID_HZ)
    near = round(_NEAR * beat_s * GRID_HZ)
    lags, left = [], []
    for beats in range(-MOST_BEATS, MOST_BEATS + 1):
        at = round((lag_s + beats * beat_s) * GRID_HZ)
        first = middle - at - near
        shifted = np.lib.stride_tricks.sliding_window_view(
            outer[first : middle - at + near + count], count
        )
        r = shifted @ inner / np.maximum(
            np.linalg.norm(shifted, axis=1) * np.linalg.norm(inner), 1e-12
        )
        best = int(np.argmax(r))
        scale = max(float(r[best]), 0.0) * np.linalg.norm(inner)
        fitted = shifted[best] * scale / max(float(np.linalg.norm(shifted[best])), 1e-12)
        lags.append((middle - first - best) / GRID_HZ)
        left.append(((inner - fitted) ** 2).reshape(-1, block).sum(axis=1))
    return np.array(lags), np.stack(left, axis=1) / inner.var()
