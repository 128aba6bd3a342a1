"""What is measured of one session, collected; and the windows that it is measured in."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dataset.common.spans import join_spans
from dataset.signals.lag import LONGEST_HOLE_S
from dataset.signals.windows import unbroken_runs

from .curves import Curve, thin_curve
from .limits import Limits
from .result import Flag

WINDOW_S = 10.0                    # of everything that is measured window by window
STEP_S = 5.0


@dataclass
class Measurements:
    """The flags, measures and curves of one session, so far."""

    limits: Limits
    flags: list[Flag] = field(default_factory=list)
    measures: dict[str, float | None] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)

    def add_flag(
        self, name: str, text: str, *, value: float | None, from_s: float | None = None,
        to_s: float | None = None,
    ) -> None:
        """Add the flag that a limit raises."""
        self.flags.append(self.limits.flag(name, text, value=value, from_s=from_s, to_s=to_s))

    def add_measure(self, name: str, value: float | None) -> None:
        """Add a measure, to six digits; None where it is not finite."""
        self.measures[name] = (
            float(f"{value:.6g}") if value is not None and np.isfinite(value) else None
        )

    def add_curve(self, name: str, x: np.ndarray, y: np.ndarray, unit: str) -> None:
        """Add a curve, thinned; an empty one is left out."""
        if len(x):
            self.curves[name] = thin_curve(x, y, unit)


def windows_over(t_s: np.ndarray) -> Iterator[tuple[float, float]]:
    """Yield the sliding windows over each run of times; (N,) rising. None lies in a long hole."""
    for run in unbroken_runs(t_s, LONGEST_HOLE_S):
        yield from sliding_windows(float(t_s[run.start]), float(t_s[run.stop - 1]))


def sliding_windows(from_s: float, to_s: float) -> Iterator[tuple[float, float]]:
    """Yield windows of `WINDOW_S` every `STEP_S`; the last one ends at `to_s`.

    There is one shorter window where there is less time.
    """
    if to_s - from_s <= WINDOW_S:
        yield from_s, to_s
        return
    for begin in np.arange(from_s, to_s - WINDOW_S, STEP_S):
        yield float(begin), float(begin) + WINDOW_S
    yield to_s - WINDOW_S, to_s


def windows_without(
    spans: list[tuple[float, float]], from_s: float, to_s: float
) -> list[tuple[float, float]]:
    """Return the windows that overlap none of the spans."""
    joined = np.array(join_spans(spans)).reshape(-1, 2)
    windows = list(sliding_windows(from_s, to_s))
    # of the spans that begin before a window's end, the last one ends last
    before = np.searchsorted(joined[:, 0], [last for _, last in windows])
    ends = np.concatenate([[-np.inf], joined[:, 1]])[before]
    return [window for window, end in zip(windows, ends.tolist(), strict=True) if end <= window[0]]


def join_extremes(
    spans: list[tuple[float, float, float]], *, within_s: float = 0.0
) -> list[tuple[float, float, float]]:
    """Join spans (from, to, value) at most `within_s` apart; keep the largest absolute value."""
    joined: list[tuple[float, float, float]] = []
    for first, last, value in sorted(spans, key=lambda span: span[:2]):
        if joined and first <= joined[-1][1] + within_s:
            begin, end, most = joined[-1]
            joined[-1] = begin, max(last, end), value if abs(value) > abs(most) else most
        else:
            joined.append((first, last, value))
    return joined
