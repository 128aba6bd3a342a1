"""The times of a video's frames, from a text beside it: read, held against the video, or refused.

What is certain is mended and remarked on: another unit where the video's own rate bears it out, and
a lone stamp far from all others.
"""

import re
from pathlib import Path

import numpy as np

from acquire.errors import DeviceError, suggest
from acquire.stamps.number_text import NumberText, is_missing, read_number_text
from acquire.stamps.plausible import (
    FRAME_HZ,
    certain_unit,
    check_one_stretch,
    find_unit,
    is_lone,
    is_rising,
    rates_differ,
    whole_ns,
    word_hours,
)

_TIME_NAME = re.compile(
    r"(?:frame[ _]?)?(?:time|timestamp|pts_time|t)s?[ _]*[\[(]?"
    r"(?P<unit>s|secs?|seconds?|ms|msecs?|milliseconds?|[uµμ]s|usecs?|microseconds?|ns|nsecs?"
    r"|nanoseconds?)?[\])]?"
)
_DAY_S = 86_400.0


def read_frame_times(
    path: Path, *, fps: float | None = None, remarks: list[str] | None = None
) -> np.ndarray:
    """Read frame times from a text of numbers, one frame a line, with or without a header.

    The column is the one that a header names `timestamp` or `time`, also with a unit (`time_ms`,
    `Time [ms]`), else the only one whose numbers can be times.

    Parameters
    ----------
    fps : the video's own rate, where it says one: what bears out another unit than seconds
    remarks : gets a line for each thing that was mended or is doubtful

    Returns
    -------
    (N,) float64, rising [s]

    Raises
    ------
    DeviceError : no such file, not numbers, not rising, or of no unit that is certain; with the
        line of the file
    """
    with suggest("correct it, or name another file of times"):
        return _read_times(path, fps, [] if remarks is None else remarks)


def _read_times(path: Path, fps: float | None, remarks: list[str]) -> np.ndarray:
    text = read_number_text(path, error=DeviceError).with_blank_rows()
    column, unit = choose_time_column(text)
    values = np.array([row.values[column] for row in text.rows])
    if len(bad := np.flatnonzero(np.isnan(values))):
        row = text.rows[bad[0]]
        raise DeviceError(
            expected="a time for each frame",
            found=f"{row.others[column]!r} in line {row.line}; {len(bad)} such lines of "
                  f"{len(values)}", where=path,
        )
    if text.is_clock:
        unit = "s"
        if values.max() < 2 * _DAY_S:               # without a date
            past_midnight = np.cumsum(np.diff(values, prepend=values[0]) < -80_000)
            values = values + _DAY_S * past_midnight
    # a unit that is named is no guess, and nothing bears out another one
    unit, remark = certain_unit(
        values, said=unit or "s", rates_hz=FRAME_HZ, expected_hz=None if unit else fps,
        error=DeviceError, where=path,
    )
    remarks += [f"{path.name}: {remark}"] if remark else []
    since_ns = whole_ns(values, unit, "frame", error=DeviceError, where=path)
    time_ns = _mend_lone(since_ns - since_ns[0], text, path, remarks)
    if len(back := np.flatnonzero(np.diff(time_ns) <= 0)):
        at = int(back[0]) + 1
        raise DeviceError(
            expected="times that rise",
            found=f"{values[at]:.12g} in line {text.rows[at].line}, not later than the one before "
                  f"it; {len(back)} such lines of {len(values)}"
                  + word_hours(int(time_ns[at]) - int(time_ns[at - 1])), where=path,
        )
    check_one_stretch(time_ns, "frame", error=DeviceError, where=path)
    rate_hz = 1e9 / float(np.median(np.diff(time_ns)))
    if fps and rates_differ(rate_hz, fps):
        remarks.append(
            f"the times in {path.name} have {rate_hz:.2f} frames/s, the video's header says "
            f"{fps:.2f}; the times are used"
        )
    return since_ns[0] / 1e9 + time_ns / 1e9


def choose_time_column(
    text: NumberText, *, rates_hz: tuple[float, float] = FRAME_HZ, of_each: str = "frame"
) -> tuple[int, str | None]:
    """Return which column holds the times, and the unit that its name says.

    Parameters
    ----------
    rates_hz : least and largest rate that the times can have
    of_each : what has a time, in errors

    Raises
    ------
    DeviceError : there is none, or more than one could be it
    """
    if len(text.rows) < 2:
        has_numbers = any(not np.isnan(value) for row in text.rows for value in row.values)
        raise DeviceError(
            expected=f"a time for each {of_each}",
            found="one line of numbers" if has_numbers else "no numbers", where=text.path,
        )
    first = next(row for row in text.rows if row.values)
    width = len(first.values)
    for row in text.rows:
        if len(row.values) != width:
            raise DeviceError(
                expected=f"{width} column{'s' * (width > 1)} as in line {first.line}",
                found=f"{len(row.values) or 'none'} in line {row.line}", where=text.path,
            )
    if len(text.names) == width:
        for at, name in enumerate(text.names):
            if match := _TIME_NAME.fullmatch(name.lower().strip()):
                _check_form(text, at)
                return at, _unit_of_word(match["unit"])
    if width == 1:
        _check_form(text, 0)
        return 0, None
    columns = np.array([row.values for row in text.rows])
    fitting = [
        at for at in range(width)
        if is_rising(columns[:, at]) and find_unit(columns[:, at], rates_hz) is not None
    ]
    if len(fitting) != 1:
        found = " and ".join(str(at + 1) for at in fitting[:3])
        raise DeviceError(
            expected="one column of times, or a header that names it `timestamp`",
            found=f"columns {found} that rise like times" if fitting else "no column like times",
            where=text.path,
        )
    return fitting[0], None


def _check_form(text: NumberText, column: int) -> None:
    """Refuse times most of which are written in a form that is not read."""
    words = [row for row in text.rows if not is_missing(row.others.get(column, ""))]
    if 2 * len(words) > len(text.rows):
        cell = words[0].others[column].replace("\xa0", " ")
        raise DeviceError(
            expected="times as numbers, or as in 2026-11-28T10:00:00.033",
            found=f"{cell!r} in line {words[0].line}; {len(words)} such lines of {len(text.rows)}",
            where=text.path, fix="write them in a form that is read",
        )


def _unit_of_word(word: str | None) -> str | None:
    if not word:
        return None
    return {"m": "ms", "u": "us", "µ": "us", "μ": "us", "n": "ns"}.get(
        "u" if word.startswith("mic") else word[0], "s"
    )


def _mend_lone(
    time_ns: np.ndarray, text: NumberText, path: Path, remarks: list[str]
) -> np.ndarray:
    """Lay lone stamps that are far from all others between their neighbours."""
    lone = is_lone(time_ns)
    if not lone.any():
        return time_ns
    good, index = np.flatnonzero(~lone), np.arange(len(time_ns))
    step_ns = float(np.median(np.diff(time_ns[good])))
    mended = np.interp(index, good, time_ns[good])
    mended += np.minimum(index - good[0], 0) * step_ns + np.maximum(index - good[-1], 0) * step_ns
    at = int(np.flatnonzero(lone)[0])
    remarks.append(
        f"line {text.rows[at].line} of {path.name} is {(time_ns[at] - mended[at]) / 1e9:+.0f} s "
        "off all others; laid between its neighbours"
    )
    return np.where(lone, np.rint(mended), time_ns).astype(np.int64)
