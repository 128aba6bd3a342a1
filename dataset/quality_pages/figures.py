"""The drawings of a session's quality: each series that `acq qc` kept, with what is taken out
hatched.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from acquire.errors import CurationError
from dataset.common.html import AXIS, BLUE, INK, ORANGE, TEAL, number, picture, text
from dataset.quality.result import Series, SessionQuality

# inches: two beside each other on a screen, and still legible as wide as a phone
SIZE = (5.2, 2.15)
CLOSE_UP_S = 10.0
_BEATS_SHOW_S = 0.13         # with fewer points than one each 0.13 s a close-up would show no beat

Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One drawing."""

    title: str
    curves: tuple[tuple[str, str, str], ...]     # name of the series, in words, colour
    unit: str
    caption: str
    over: str = "time"                           # or "bpm"
    close_up: bool = False  # only CLOSE_UP_S from the middle, each curve to unit variance


PANELS = (
    Panel(
        "Finger PPG", (("ppg", "finger", INK),), "sensor value", "What the sensor read, unfiltered."
    ),
    Panel(
        "Pulse, close",
        (("ppg_filtered", "finger", INK), ("pos", "face", TEAL)),
        "standard deviations",
        f"The {CLOSE_UP_S:g} s in the middle of the session, band-passed: each beat of the finger, "
        "and the face's by POS.",
        close_up=True,
    ),
    Panel(
        "Filtered PPG", (("ppg_filtered", "finger", INK),), "sensor value",
        "Band-passed, over the whole session.",
    ),
    Panel(
        "Face pulse", (("pos", "face", TEAL),), "standard deviations",
        "By POS, band-passed, over the whole session.",
    ),
    Panel(
        "Spectrum", (("ppg_spectrum", "finger", INK), ("pos_spectrum", "face", TEAL)),
        "relative power", "The highest peaks of finger and face should be at the same rate.",
        over="bpm",
    ),
    Panel(
        "Heart rate", (("ppg_hr", "finger", INK), ("pos_hr", "face", TEAL)), "bpm",
        "In sliding windows of 10 s.",
    ),
    Panel(
        "Face brightness", (("face_luma", "mean luma", ORANGE),), "0 to 255",
        "Mean luma of the face; a step is exposure.",
    ),
    Panel(
        "Face position", (("face_x", "across", BLUE), ("face_y", "down", ORANGE)),
        "fraction of the picture", "The face's centre.",
    ),
    Panel(
        "Time between frames", (("frame_interval_ms", "frames", BLUE),), "ms", "A spike is a gap."
    ),
    Panel(
        "Time between samples", (("sample_interval_ms", "samples", INK),), "ms", "A spike is a gap."
    ),
    Panel(
        "Bound of synchronisation", (("sync_bound_ms", "bound", BLUE),), "ms",
        "No sample's time is further off than this.",
    ),
    Panel(
        "Lag", (("lag_ms", "face behind finger", TEAL),), "ms",
        "How late the face's pulse is. A body's lag is steady; a step or a slope is the clocks'.",
    ),
)


def figures(quality: SessionQuality, excluded: Spans, *, end_s: float) -> str:
    """Draw every series there is, as HTML figures.

    Parameters
    ----------
    excluded : parts that are out [s], inside 0 to `end_s`

    Raises
    ------
    CurationError : a series is not as many numbers x as y
    """
    drawn = [_draw(panel, quality, excluded, end_s) for panel in PANELS]
    return "".join(drawn)


def _draw(panel: Panel, quality: SessionQuality, excluded: Spans, end_s: float) -> str:
    curves = [
        (label, colour, *_points(quality, name))
        for name, label, colour in panel.curves
        if name in quality.series
    ]
    if panel.close_up:
        middle = end_s / 2
        curves = [_cut(curve, middle - CLOSE_UP_S / 2, middle + CLOSE_UP_S / 2) for curve in curves]
        curves = [
            curve
            for curve in curves
            if len(curve[2]) > 1 and np.median(np.diff(curve[2])) < _BEATS_SHOW_S
        ]
    curves = [curve for curve in curves if np.isfinite(curve[3]).any()]
    if not curves:
        return ""
    figure = Figure(figsize=SIZE)
    axis = figure.add_axes((0.135, 0.215, 0.85, 0.66))
    for label, colour, x, y in curves:
        axis.plot(x, _scaled(y, panel), color=colour, lw=1.0, label=label)
    axis.set_ylabel(panel.unit)
    if panel.over == "time":
        _time_axis(axis, excluded, None if panel.close_up else end_s)
    else:
        axis.set_xlabel("beats per minute")
    if len(curves) > 1:
        axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    said = ", ".join(_told(panel, *curve) for curve in curves)
    caption = f"<b>{text(panel.title)}</b>: {text(said)}. {text(panel.caption)}"
    return picture(figure, caption, alt=f"{panel.title} of {quality.session}: {said}", tight=False)


def _points(quality: SessionQuality, name: str) -> tuple[np.ndarray, np.ndarray]:
    series: Series = quality.series[name]
    try:
        x, y = (
            np.array([np.nan if v is None else v for v in values], dtype=float)
            for values in (series.x, series.y)
        )
    except (TypeError, ValueError) as error:
        raise CurationError(
            f"expected {name} as two lists of numbers, got: {error}, in the quality of "
            f"{quality.session}; run acq qc again"
        ) from error
    if x.shape != y.shape or x.ndim != 1 or not np.isfinite(x).all():
        raise CurationError(
            f"expected as many finite x as y of {name}, found {x.shape} and {y.shape} in the "
            f"quality of {quality.session}; "
            "run acq qc again"
        )
    y[np.abs(y) > 1e12] = np.nan  # beyond what a drawing's axis can hold, and no measurement
    return x, y


Curve = tuple[str, str, np.ndarray, np.ndarray]


def _cut(curve: Curve, first_s: float, last_s: float) -> Curve:
    label, colour, x, y = curve
    inside = (x >= first_s) & (x <= last_s)
    return label, colour, x[inside], y[inside]


def _scaled(y: np.ndarray, panel: Panel) -> np.ndarray:
    if panel.over == "bpm":
        return y / (np.nanmax(y) or 1)
    return (y - np.nanmean(y)) / (np.nanstd(y) or 1) if panel.close_up else y


def _told(panel: Panel, label: str, colour: str, x: np.ndarray, y: np.ndarray) -> str:
    """Say in words what a curve shows."""
    if panel.over == "bpm":
        return f"{label} peaks at {number(float(x[np.nanargmax(y)]), 1)} bpm"
    if panel.close_up:
        return f"{label} from {clock(x[0])} to {clock(x[-1])}"
    digits = 0 if np.nanmax(np.abs(y)) >= 1000 else 1 if np.nanmax(np.abs(y)) >= 10 else 2
    low, middle, high = (
        number(float(v), digits) for v in (np.nanmin(y), np.nanmedian(y), np.nanmax(y))
    )
    return f"{label} {low} to {high}, median {middle}"


def _time_axis(axis: Axes, excluded: Spans, end_s: float | None) -> None:
    axis.set_xlabel("time in the session")
    axis.xaxis.set_major_formatter(FuncFormatter(lambda s, _: clock(s)))
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 3, 6, 10]))
    if end_s is not None:
        axis.set_xlim(0, end_s)
    limits = axis.get_xlim()
    for first_s, last_s in excluded:
        axis.axvspan(
            first_s, last_s, facecolor="none", edgecolor=AXIS, hatch="////", lw=0.0, zorder=0.5
        )
    axis.set_xlim(limits)


def clock(at_s: float) -> str:
    """Write a time as `acq exclude` reads it: 1:20, 1:20.5 or 1:02:03."""
    tenths = round(abs(at_s) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02d}" + (f".{rest % 10}" if rest % 10 else "")
    return ("−" if at_s < 0 and tenths else "") + (
        f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"
    )
