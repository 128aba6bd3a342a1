"""What the measurements of one session have found so far."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dataset.common.spans import join_spans

from .limits import Limits
from .result import Flag, Series

POINTS = 2000                      # that a curve is thinned to
WINDOW_S = 10.0                    # of everything that is judged window by window
STEP_S = 5.0


@dataclass
class Findings:
    """Flags, measures and curves, as they are found."""

    limits: Limits
    flags: list[Flag] = field(default_factory=list)
    measures: dict[str, float | None] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)

    def flag(
        self, name: str, text: str, *, value: float | None, from_s: float | None = None,
        to_s: float | None = None,
    ) -> None:
        """Raise the flag of a limit."""
        self.flags.append(self.limits.flag(name, text, value=value, from_s=from_s, to_s=to_s))

    def note(self, name: str, value: float | None) -> None:
        """Keep a measure, to six digits; what is not finite cannot be told."""
        self.measures[name] = (
            float(f"{value:.6g}") if value is not None and np.isfinite(value) else None
        )

    def curve(self, name: str, x: np.ndarray, y: np.ndarray, unit: str) -> None:
        """Keep a curve, thinned; a spike stays a spike."""
        if len(x) == 0:
            return
        block = -(-len(x) // POINTS) * 2 if len(x) > POINTS else 1
        keep = np.arange(len(x))
        if block > 1:                              # of each block its lowest and its highest value
            whole = len(x) // block * block
            filled = np.nan_to_num(y[:whole], nan=0.0).reshape(-1, block)
            first = np.arange(0, whole, block)
            keep = np.unique(
                np.concatenate([first + filled.argmin(axis=1), first + filled.argmax(axis=1)])
            )
        values = [float(f"{v:.6g}") if np.isfinite(v) else None for v in np.asarray(y, float)[keep]]
        self.series[name] = Series(
            [round(float(v), 4) for v in np.asarray(x, float)[keep]], values, unit
        )


def windows(from_s: float, to_s: float) -> Iterator[tuple[float, float]]:
    """Give windows of `WINDOW_S` every `STEP_S`; the last one ends with the session; one that is
    shorter where all is.
    """
    if to_s - from_s <= WINDOW_S:
        yield from_s, to_s
        return
    begins = np.arange(from_s, to_s - WINDOW_S, STEP_S)
    for begin in begins:
        yield float(begin), float(begin) + WINDOW_S
    yield to_s - WINDOW_S, to_s


def joined(
    spans: list[tuple[float, float, float]], *, within_s: float = 0.0
) -> list[tuple[float, float, float]]:
    """Join spans (from, to, value) that touch or are no more than `within_s` apart; each keeps its
    largest absolute value.
    """
    together = join_spans([(first, last) for first, last, _ in spans], within=within_s)
    return [
        (
            begin, end,
            max((v for first, last, v in spans if begin <= first and last <= end), key=abs),
        )
        for begin, end in together
    ]
