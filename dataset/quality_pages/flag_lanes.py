"""The flags of a session over its time: a lane for each kind, or all of them in one small bar.

Severity is told by colour and by height, and beside it in words. Bars are rounded outward to
columns, so that a gap of some milliseconds is still seen, and a thousand gaps take no more room in
the page than one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dataset.common.wording import clock_time
from dataset.quality.result import SEVERITIES, Flag

from .charts import Spans

_LANE_COLUMNS = 400
_SMALL_COLUMNS = 120
_LABELLED = 3                # flags, and parts that are excluded, that a bar's label names
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Piece:
    """A coloured part of a bar."""

    style: str                # CSS classes: a severity, "failure whole", or "out"
    left: float               # [% of the bar]
    width: float


@dataclass(frozen=True)
class Bar:
    """Flags over the time of a session."""

    pieces: tuple[Piece, ...]
    label: str                # the same in words, for those who do not see it


@dataclass(frozen=True)
class Lane:
    """All flags of one kind."""

    kind: str
    severity: str             # the worst of them; "" in the lane of what is excluded
    bar: Bar


@dataclass(frozen=True)
class Tick:
    """A time on the axis below the lanes."""

    time_s: float
    left: float               # [% of the axis]


def flag_lanes(flags: Sequence[Flag], excluded: Spans, *, end_s: float) -> list[Lane]:
    """Return a lane for each kind of flag, the worst first, then one for what is excluded."""
    lanes = []
    for kind in kinds(flags):
        of_kind = [flag for flag in flags if flag.kind == kind]
        severity = max((flag.severity for flag in of_kind), key=SEVERITIES.index)
        lanes.append(Lane(kind, severity, _bar(of_kind, excluded, end_s, _LANE_COLUMNS)))
    if excluded:
        lanes.append(Lane("excluded", "", _bar([], excluded, end_s, _LANE_COLUMNS)))
    return lanes


def small_bar(flags: Sequence[Flag], excluded: Spans, *, end_s: float) -> Bar:
    """Return all flags in one bar."""
    return _bar(flags, excluded, end_s, _SMALL_COLUMNS)


def kinds(flags: Sequence[Flag]) -> list[str]:
    """List the kinds of flags, the worst first, each once."""
    worst = {flag.kind: 0 for flag in flags}
    for flag in flags:
        worst[flag.kind] = max(worst[flag.kind], SEVERITIES.index(flag.severity))
    return sorted(worst, key=lambda kind: (-worst[kind], kind))


def ticks(end_s: float) -> list[Tick]:
    """Return the times to write below the lanes, at most seven."""
    step_s = next((step for step in _TICKS_S if end_s / step <= 6.5), end_s / 4)
    return [
        Tick(float(time_s), 100 * float(time_s) / end_s)
        for time_s in np.arange(0, end_s * 0.94, step_s)
    ]


def _bar(flags: Sequence[Flag], excluded: Spans, end_s: float, columns: int) -> Bar:
    whole = [flag.severity for flag in flags if flag.from_s is None and flag.to_s is None]
    worst = np.zeros(columns, int)                # 0: nothing, else 1 + the worst severity there
    for flag in flags:
        if flag.from_s is not None or flag.to_s is not None:
            to_s = end_s if flag.to_s is None else flag.to_s
            first, last = _columns(flag.from_s or 0.0, to_s, end_s, columns)
            worst[first:last] = np.maximum(worst[first:last], 1 + SEVERITIES.index(flag.severity))
    parts = [(f"{max(whole, key=SEVERITIES.index)} whole", 0, columns)] if whole else []
    edges = [0, *(np.flatnonzero(np.diff(worst)) + 1).tolist(), columns]
    parts += [
        (SEVERITIES[worst[first] - 1], first, last)
        for first, last in pairwise(edges) if worst[first]
    ]
    parts += [("out", *_columns(from_s, to_s, end_s, columns)) for from_s, to_s in excluded]
    pieces = tuple(
        Piece(style, 100 * first / columns, 100 * (last - first) / columns)
        for style, first, last in parts
    )
    return Bar(pieces, _label(flags, excluded))


def _columns(first_s: float, last_s: float, end_s: float, columns: int) -> tuple[int, int]:
    first = min(columns - 1, max(0, math.floor(first_s / end_s * columns)))
    return first, min(columns, max(first + 1, math.ceil(last_s / end_s * columns)))


def _label(flags: Sequence[Flag], excluded: Spans) -> str:
    words = [f"{flag.kind.replace('_', ' ')} {_when(flag)}" for flag in flags[:_LABELLED]]
    if len(flags) > _LABELLED:
        words.append("and more")
    words += [
        f"excluded {clock_time(from_s)} to {clock_time(to_s)}"
        for from_s, to_s in excluded[:_LABELLED]
    ]
    return "; ".join(words) or "no flags"


def _when(flag: Flag) -> str:
    if flag.from_s is None and flag.to_s is None:
        return "throughout"
    end = "the end" if flag.to_s is None else clock_time(flag.to_s)
    return f"{clock_time(flag.from_s or 0.0)} to {end}"
