"""The charts of a session's quality: each curve that was kept, with what is excluded hatched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataset.common.wording import clock_time, number
from dataset.quality.curves import Curve

from .chart_svg import Axes, ChartLine, chart_svg

if TYPE_CHECKING:
    from markupsafe import Markup

BLUE, INK, ORANGE, TEAL = "blue", "ink", "orange", "teal"       # of `PALETTE`
CLOSE_UP_S = 10.0
_BEATS_SHOW_S = 0.13         # with fewer points than one each 0.13 s a close-up would show no beat
_LARGEST = 1e12              # beyond what an axis can hold, and no measurement

Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Which curves a chart shows, and in which words."""

    title: str
    curves: tuple[tuple[str, str, str], ...]     # name, label, colour
    unit: str
    caption: str
    over: str = "time"                           # or "bpm"
    is_close_up: bool = False  # only CLOSE_UP_S from the middle, each curve to unit variance


@dataclass(frozen=True)
class DrawnChart:
    """A chart as a page shows it."""

    chart: Chart
    readings: str                                # what its curves show, in words
    svg: "Markup"


CHARTS = (
    Chart("Finger PPG", (("ppg", "finger", INK),), "sensor value",
          "What the sensor read, unfiltered."),
    Chart("Pulse, close", (("ppg_filtered", "finger", INK), ("pos", "face", TEAL)),
          "standard deviations",
          f"The {CLOSE_UP_S:g} s in the middle of the session, band-passed: each beat of the "
          "finger, and the face's by POS.", is_close_up=True),
    Chart("Filtered PPG", (("ppg_filtered", "finger", INK),), "sensor value",
          "Band-passed, over the whole session."),
    Chart("Face pulse", (("pos", "face", TEAL),), "standard deviations",
          "By POS, band-passed, over the whole session."),
    Chart("Spectrum", (("ppg_spectrum", "finger", INK), ("pos_spectrum", "face", TEAL)),
          "relative power", "The highest peaks of finger and face should be at the same rate.",
          over="bpm"),
    Chart("Heart rate", (("ppg_hr", "finger", INK), ("pos_hr", "face", TEAL)), "bpm",
          "In sliding windows of 10 s. The finger's rate stands where it can be told; the face's "
          "is its highest peak from 42 to 240 bpm, of a slow heart perhaps twice the rate."),
    Chart("Face brightness", (("face_luma", "mean luma", ORANGE),), "0 to 255",
          "Mean luma of the face; a step is exposure."),
    Chart("Face position", (("face_x", "across", BLUE), ("face_y", "down", ORANGE)),
          "fraction of the picture", "The face's centre."),
    Chart("Time between frames", (("frame_interval_ms", "frames", BLUE),), "ms",
          "A spike is a gap."),
    Chart("Time between samples", (("sample_interval_ms", "samples", INK),), "ms",
          "A spike is a gap."),
    Chart("Bound of synchronisation", (("sync_bound_ms", "bound", BLUE),), "ms",
          "No sample's time is further off than this."),
    Chart("Lag", (("lag_ms", "face behind finger", TEAL),), "ms",
          "How late the face's pulse is. A body's lag is steady; a step or a slope comes from the "
          "clocks."),
)


def draw_charts(
    curves: Mapping[str, Curve], excluded: Spans, *, session: str, end_s: float
) -> list[DrawnChart]:
    """Draw every chart whose curves are there.

    Parameters
    ----------
    curves : by name
    excluded : parts that are excluded [s], inside 0 to `end_s`
    """
    drawn = []
    for number_of, chart in enumerate(CHARTS):
        if lines := _lines(chart, curves, end_s):
            readings = ", ".join(_describe(chart, line) for line in lines)
            scaled = [line._replace(y=_scaled(line.y, chart)) for line in lines]
            svg = chart_svg(
                scaled, _axes(chart, excluded, end_s), number=number_of,
                alt=f"{chart.title} of {session}: {readings}",
            )
            drawn.append(DrawnChart(chart, readings, svg))
    return drawn


def _axes(chart: Chart, excluded: Spans, end_s: float) -> Axes:
    if chart.over == "bpm":
        return Axes("beats per minute", chart.unit, is_time=False)
    return Axes(
        "time in the session", chart.unit, is_time=True,
        x_limits=None if chart.is_close_up else (0.0, end_s), hatched=excluded,
    )


def _lines(chart: Chart, curves: Mapping[str, Curve], end_s: float) -> list[ChartLine]:
    lines = [
        ChartLine(label, colour, curves[name].x, _drawable(curves[name].y))
        for name, label, colour in chart.curves if name in curves
    ]
    if chart.is_close_up:
        lines = [_close_up(line, end_s / 2) for line in lines]
        lines = [
            line for line in lines
            if len(line.x) > 1 and np.median(np.diff(line.x)) < _BEATS_SHOW_S
        ]
    return [line for line in lines if np.isfinite(line.y).any()]


def _drawable(y: np.ndarray) -> np.ndarray:
    return np.where(np.abs(y) > _LARGEST, np.nan, y)


def _close_up(line: ChartLine, middle_s: float) -> ChartLine:
    inside = np.abs(line.x - middle_s) <= CLOSE_UP_S / 2
    return line._replace(x=line.x[inside], y=line.y[inside])


def _scaled(y: np.ndarray, chart: Chart) -> np.ndarray:
    if chart.over == "bpm":
        return y / (np.nanmax(y) or 1)
    return (y - np.nanmean(y)) / (np.nanstd(y) or 1) if chart.is_close_up else y


def _describe(chart: Chart, line: ChartLine) -> str:
    label, _, x, y = line
    if chart.over == "bpm":
        return f"{label} peaks at {number(float(x[np.nanargmax(y)]), 1)} bpm"
    if chart.is_close_up:
        return f"{label} from {clock_time(x[0])} to {clock_time(x[-1])}"
    digits = 0 if np.nanmax(np.abs(y)) >= 1000 else 1 if np.nanmax(np.abs(y)) >= 10 else 2
    low, median, high = (
        number(float(value), digits) for value in (np.nanmin(y), np.nanmedian(y), np.nanmax(y))
    )
    return f"{label} {low} to {high}, median {median}"
