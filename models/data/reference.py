"""The windows of a video in which heart rates are compared, and the finger's rate in each.

One rule for every method: a window spans no gap, holds no frame whose finger is not trusted, and
the finger's rate can be told in it. What a method predicts has no say.
"""

from dataclasses import dataclass

import numpy as np

from dataset.signals.filters import sliding_windows
from dataset.signals.finger_rates import finger_rates
from dataset.signals.pulse_rate import finger_rate
from dataset.signals.windows import even_grid, to_even_grid, trusted_windows, window_length


@dataclass(frozen=True)
class ReferenceWindows:
    """W windows on a video's even grid, 10 s each, one every second."""

    is_used: np.ndarray        # (W,) bool
    bpm: np.ndarray            # (W,) the finger's rate, 30 to 240 bpm; NaN where not used
    across_gap: int            # windows that span a gap
    without_finger: int        # others, in which the finger's rate cannot be told


def reference_windows(
    ppg: np.ndarray, time_s: np.ndarray, *, is_trusted: np.ndarray, filtered: bool
) -> ReferenceWindows:
    """Choose the windows to compare heart rates in, by frame times and the finger alone.

    Parameters
    ----------
    ppg, time_s : (T,) as in `CuratedVideo`; more than 8 frames a second
    is_trusted : (T,) bool, the finger's pulse can be told at the frame
    filtered : the PPG went through `dataset.signals.filters.bandpass`
    """
    time_s = time_s - time_s[0]
    grid_s, fs_hz = even_grid(time_s)
    length, step = window_length(fs_hz)
    is_whole = trusted_windows(time_s)
    after = np.clip(np.searchsorted(time_s, grid_s - 1e-9), 0, len(time_s) - 1)
    has_finger = is_trusted[after] & is_trusted[np.maximum(after - 1, 0)]
    is_used = is_whole & sliding_windows(has_finger, length, step=step).all(axis=1)
    bpm = np.full(len(is_used), np.nan)
    windows = sliding_windows(to_even_grid(ppg, time_s), length, step=step)
    for at in np.flatnonzero(is_used):
        bpm[at] = finger_rate(windows[at], fs_hz, filtered=filtered).bpm
    is_used &= np.isfinite(bpm)
    return ReferenceWindows(
        is_used, bpm, int((~is_whole).sum()), int((is_whole & ~is_used).sum())
    )


def trust_by_labels(ppg: np.ndarray, time_s: np.ndarray, *, filtered: bool) -> np.ndarray:
    """Return where a video's own PPG shows a finger's pulse, (T,) bool; for folders without marks.

    Parameters
    ----------
    ppg, time_s, filtered : as in `reference_windows`
    """
    time_s = time_s - time_s[0]
    fs_hz = even_grid(time_s)[1]
    return finger_rates(to_even_grid(ppg, time_s), fs_hz, filtered=filtered).is_trusted(time_s)
