"""A chart as SVG: curves, an axis below and one beside them, in the colours of the page.

Numbers are computed here, the markup stands in a template. matplotlib takes as long to load and to
draw a dozen curves as the pictures of twenty seconds take to be read.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dataset.common.pages import render_page
from dataset.common.wording import clock_time

if TYPE_CHECKING:
    from markupsafe import Markup

# points: two beside each other on a screen, and still legible as wide as a phone
WIDTH, HEIGHT = 374.0, 155.0
LEFT, TOP, RIGHT, BOTTOM = 50.0, 19.0, 369.0, 122.0       # of the frame that the curves are in
_MARGIN = 0.05                  # of the range, on either side of a curve
_LETTER, _KEY = 5.0, 22.0       # width of a letter of the legend, of its line and what is beside it
_MOST_TICKS = 6
# a time axis is divided by these [s], any other, and a longer one, by ones, twos and fives
_TIMES_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
_TEMPLATE = Path(__file__).with_name("templates") / "chart.html.j2"
Limits = tuple[float, float]


class ChartLine(NamedTuple):
    """One curve as a chart shows it; where either number is NaN it is interrupted."""

    label: str
    colour: str                 # its name in `PALETTE`
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Axes:
    """What stands beside and below the curves."""

    x_name: str
    y_name: str
    is_time: bool                               # [s], written as on a clock
    x_limits: Limits | None = None              # None: those of the curves
    hatched: Sequence[Limits] = ()              # parts of x that are excluded


class _Tick(NamedTuple):
    at: float                   # [pt] from the frame's left, or from its top
    text: str


def chart_svg(lines: Sequence[ChartLine], axes: Axes, *, alt: str, number: int) -> "Markup":
    """Return a chart.

    Parameters
    ----------
    lines : with at least one point
    alt : what it shows, for those who do not see it
    number : of the chart on its page, from which its ids are made
    """
    width, height = RIGHT - LEFT, BOTTOM - TOP
    x_limits = axes.x_limits or _limits([line.x for line in lines])
    y_limits = _limits([line.y for line in lines])
    to_x, to_y = _scale(x_limits, 0.0, width), _scale(y_limits, height, 0.0)
    edges = np.clip(to_x(np.array(axes.hatched, float).reshape(-1, 2)), 0.0, width)
    ends = RIGHT - np.cumsum([_KEY + _LETTER * len(line.label) for line in reversed(lines)])
    return render_page(
        _TEMPLATE, alt=alt, number=number, axes=axes, size=(WIDTH, HEIGHT),
        frame=(LEFT, TOP, width, height),
        x_ticks=_ticks(x_limits, to_x, _TIMES_S if axes.is_time else ()),
        y_ticks=_ticks(y_limits, to_y, ()), hatched=edges.tolist(),
        paths=[(line.colour, _path(to_x(line.x), to_y(line.y))) for line in lines],
        legend=list(zip(ends[::-1].tolist(), lines, strict=True)) if len(lines) > 1 else [],
    )


def _limits(columns: Sequence[np.ndarray]) -> Limits:
    """Return the range of all numbers with a margin; one that is no range is made one."""
    low = min(float(np.nanmin(column)) for column in columns)
    high = max(float(np.nanmax(column)) for column in columns)
    margin = _MARGIN * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def _scale(limits: Limits, first: float, last: float) -> Callable[[np.ndarray], np.ndarray]:
    low, high = limits
    return lambda values: first + (values - low) * ((last - first) / (high - low))


def _ticks(
    limits: Limits, place: Callable[[np.ndarray], np.ndarray], times_s: Sequence[float]
) -> list[_Tick]:
    """Return what to write at an axis; a time axis is divided by `times_s`."""
    low, high = limits
    step = next((step for step in times_s if 1 <= (high - low) / step <= _MOST_TICKS), None)
    if step is None:
        power = 10.0 ** math.floor(math.log10((high - low) / _MOST_TICKS))
        step = next(power * by for by in (1, 2, 5, 10) if high - low <= _MOST_TICKS * power * by)
    first, last = math.ceil(low / step), math.floor(high / step)
    values = np.arange(first, last + 1) * step
    digits = max(0, -math.floor(math.log10(step)))
    return [
        _Tick(at, clock_time(value, digits=max(1, digits)) if times_s else _write(value, digits))
        for value, at in zip(values.tolist(), place(values).tolist(), strict=True)
    ]


def _write(value: float, digits: int) -> str:
    is_long = abs(value) >= 1e6 or digits > 4
    return (f"{value:g}" if is_long else f"{value:.{digits}f}").replace("-", "\N{MINUS SIGN}")


def _path(x: np.ndarray, y: np.ndarray) -> str:
    """Return the commands that draw a line through points, with a gap where one is NaN."""
    commands, pen = [], "M"
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if math.isfinite(across) and math.isfinite(down):
            commands.append(f"{pen}{across:.1f} {down:.1f}")    # finer than a screen
            pen = "L"
        else:
            pen = "M"
    return "".join(commands)
