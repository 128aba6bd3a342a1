"""Curves in a terminal's characters."""

from collections.abc import Sequence

import numpy as np

TRACE_S = 8.0
TRACE_ROWS = 5
_GAP_S = 0.25                    # a longer one is drawn as a gap
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLOCKS = "▁▂▃▄▅▆▇█"


def clock(seconds: float) -> str:
    """Write a length of time as people read it: 0:07, 12:03, 1:00:00."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def trace(
    sequence: np.ndarray, value: np.ndarray, rate_hz: float, *, width: int, rows: int = TRACE_ROWS,
    least: float = 50.0,
) -> list[str]:
    """Draw the last seconds of a signal in braille, the newest on the right; a gap is a gap.

    Parameters
    ----------
    sequence : (S,) int64, rising
    value : (S,) float
    width, rows : in characters; each is 2 by 4 dots
    least : half of the height at least, so that noise alone is not blown up
    """
    dots = np.zeros((rows * 4, width * 2), dtype=bool)
    age_s = (sequence[-1:] - sequence) / rate_hz
    age_s, value = age_s[age_s < TRACE_S], value[age_s < TRACE_S]
    if len(value) > 1:
        low, high = float(value.min()), float(value.max())
        half = max((high - low) / 2, least)
        column = (width * 2 - 1) * (1 - age_s / TRACE_S)
        row = (rows * 4 - 1) * (0.5 - (value - (low + high) / 2) / (2 * half))
        fine = np.arange(column[0], column[-1], 0.25)
        whole = np.diff(age_s)[np.searchsorted(column, fine, side="right") - 1] > -_GAP_S
        at = np.rint(fine[whole]).astype(int)
        drawn = np.rint(np.interp(fine[whole], column, row)).astype(int)
        top, bottom = np.full(width * 2, rows * 4), np.full(width * 2, -1)
        np.minimum.at(top, at, drawn)
        np.maximum.at(bottom, at, drawn)
        lines = np.arange(rows * 4)[:, None]
        dots = (lines >= top) & (lines <= bottom)
    cells = dots.reshape(rows, 4, width, 2).transpose(0, 2, 1, 3)
    return [
        "".join(chr(0x2800 + int(code)) for code in line)
        for line in (cells * _BRAILLE).sum(axis=(2, 3))
    ]


def sparkline(values: Sequence[float | None]) -> str:
    """Draw values as blocks, one character each, from the lowest to the highest; None is a gap."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    steps = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        " " if value is None else _BLOCKS[round((value - low) * steps)] for value in values
    )
