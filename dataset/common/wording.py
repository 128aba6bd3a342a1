"""Words and numbers that sentences for people share."""

import math
from collections.abc import Mapping
from typing import Any

SMALL_BYTES = 10**8         # less is told in MB


def size_text(size_bytes: int) -> str:
    """Return `1.2 GB`, or `34.0 MB` of what is small."""
    unit, name = (1e6, "MB") if size_bytes < SMALL_BYTES else (1e9, "GB")
    return f"{size_bytes / unit:.1f} {name}"


def counted(count: int, noun: str) -> str:
    """Return `1 frame`, `2 frames`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a true minus sign, or a dash where there is none."""
    is_known = value is not None and math.isfinite(value)
    return f"{value:,.{digits}f}".replace("-", "−") if is_known else "–"


def milliseconds(value: float | None) -> str:
    """Return a time to 0.01 ms, without its unit; `<0.01` of one that would be told as none."""
    return "<0.01" if value is not None and 0 < value < 0.005 else number(value)


def with_interval(figures: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """Return a figure with its interval in brackets, where `figures["interval"]` has one of it."""
    ends = figures["interval"][name]
    in_brackets = f" [{', '.join(number(end, digits) for end in ends)}]" if ends else ""
    return number(figures[name], digits) + in_brackets


def pulse_lag(lag_ms: float) -> str:
    """Return whose pulse comes first, and by how much; `lag_ms` is the face's behind the finger's.
    """
    side = "before" if lag_ms < 0 else "after"
    return f"the face's pulse is {abs(lag_ms):.0f} ms {side} the finger's"


def clock_time(time_s: float, *, digits: int = 1) -> str:
    """Return a time in the form that exclusions are given in: 1:20, 1:20.5 or 1:02:03."""
    parts = round(abs(time_s) * 10**digits)
    seconds, parts = divmod(parts, 10**digits)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    sign = "−" if time_s < 0 and round(time_s, digits) else ""
    fraction = f".{parts:0{digits}d}".rstrip("0") if parts else ""
    minutes_text = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{sign}{minutes_text}:{seconds:02d}{fraction}"
