"""What `acq predict` prints: the states, the curve, tables of windows and methods, the rates."""

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from acq.terminal.curves import clock, sparkline
from acq.terminal.printing import echo, wrapped
from acq.terminal.pulse_rows import interval_text
from acq.terminal.tables import show
from dataset.common.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from models.fusion.fuse import FusedRate
    from models.live.predict import Prediction, PredictionRow
    from models.live.states import LiveReading

_ROWS = 20                   # of the table: neighbours share one where there are more
_WIDE = 40                   # characters of the curve
_NAMED = 2                   # reasons of a row; of more, the first and how many others
_BREAK_S = 1.5               # between two windows: they are one second apart
_EXTRAPOLATED = "*"          # behind an interval
_MOMENT_S = 0.5


def echo_prediction(result: "Prediction", net: str, *, reference: str) -> None:
    """Print what was read.

    Parameters
    ----------
    net : which network read, in words
    reference : what the rates are held against, in words
    """
    simulated = " (simulated)" if result.simulated else ""
    _echo(
        f"{result.source}{simulated}: {counted(result.frames, 'frame')} in {result.seconds:.1f} s, "
        f"{result.fps:.2f}/s; {result.ms_per_frame:.2f} ms each"
    )
    if result.pictures:
        _echo(f"pictures: {result.pictures}")
    _echo(f"read by {net}")
    if result.late_frames:
        _echo(
            f"left out {counted(result.late_frames, 'frame')} not later than the one before",
            fg="yellow",
        )
    for first, last, reading in _told_once(result):
        _echo(f"{_from_to(first, last)}  {reading.state}: {reading.words}")
    if without := _tenths(result.without_rate_s):
        each = ", ".join(f"{state} {tenths / 10:.1f} s" for state, tenths in without.items())
        _echo(f"{sum(without.values()) / 10:.1f} s without a heart rate: {each}")
    if result.rows_with_rate:
        rates = [row.hr_bpm for row in result.rows_with_rate if row.hr_bpm is not None]
        _echo(
            f"{sparkline(_columns(result))}  {min(rates):.0f} to {max(rates):.0f} bpm, from 0:00 "
            f"to {clock(round(result.seconds))}"
        )
    if result.windows:
        show(_windows(result, reference))
        for why in dict.fromkeys(rate.extrapolated for rate in _rates(result.windows)):
            if why:
                _echo(f"{_EXTRAPOLATED} {why}")
    if result.methods:
        show(_methods(result))
    _echo_over_time(result)
    _echo_rate(result, reference)


def _echo_over_time(result: "Prediction") -> None:
    """Print how the heart rate went in a file that is too long for one, or in which it moved."""
    from models.fusion.fuse import Cause
    from models.whole.windows import CLIP_S

    together = result.over_time
    has_moved = together is not None and together.has_moved
    if not result.windows or (result.seconds <= CLIP_S and not has_moved):
        return
    if together is None:
        _echo(f"0 of {result.seconds:.0f} s have a heart rate: {_kinds_of_reasons(result)}")
        return
    first, last = together.in_order
    lowest, highest = f"{together.lowest.hr_bpm:.1f}", f"{together.highest.hr_bpm:.1f}"
    way = f", {lowest} to {highest}" if lowest != highest else ""
    if has_moved:
        way = (
            f"; it moved from {first.hr_bpm:.1f} (window until "
            f"{clock(round(first.reading.time_s))}) to {last.hr_bpm:.1f} "
            f"({clock(round(last.reading.time_s))})"
        )
    _echo(
        f"{together.with_rate_s:.0f} of {result.seconds:.0f} s have a heart rate: median "
        f"{together.median_bpm:.1f} bpm{way}"
    )
    is_one = result.clip is None or result.clip.cause is not Cause.NOT_ONE
    if result.spectrum is not None and not is_one and _is_clip_read(result):
        _echo(f"the spectrum {_over(result)} is highest at {result.spectrum.peak_bpm:.1f} bpm")


def _kinds_of_reasons(result: "Prediction") -> str:
    """Return of what kind the reasons are that windows have no heart rate, the most common first.
    """
    causes = [row.rate.cause for row in result.windows if row.rate is not None]
    kinds = Counter(cause.value for cause in causes if cause is not None).most_common()
    windows = counted(len(causes), "window")
    return "; ".join(f"in {count} of {windows} {kind}" for kind, count in kinds)


def _is_clip_read(result: "Prediction") -> bool:
    """Return whether a window of the longest stretch has a heart rate."""
    begin_s, end_s = result.clip_span_s or (0.0, result.seconds)
    return any(
        row.first_s is not None and begin_s <= row.first_s and row.reading.time_s <= end_s
        for row in result.rows_with_rate
    )


def _echo(text: str, *, fg: str | None = None) -> None:
    """Print one line, broken between words on a terminal."""
    for line in wrapped(text):
        echo(line, fg=fg)


def _told_once(result: "Prediction") -> "list[tuple[float, float, LiveReading]]":
    """Join a moment to what follows it: one that says the same and more, or of settling."""
    from models.live.states import SETTLING

    told: list[tuple[float, float, LiveReading]] = []
    for first, last, reading in result.spans:
        begin, end, before = told[-1] if told else (first, math.inf, reading)
        is_moment = end - begin < _MOMENT_S
        if is_moment and reading.words.startswith(before.words):
            told[-1] = begin, last, reading
        elif is_moment and before.state == SETTLING:
            words = f"{before.words}; {reading.words}"
            told[-1] = begin, last, replace(reading, words=words)
        else:
            told.append((first, last, reading))
    return told


def _tenths(seconds: dict[str, float]) -> dict[str, int]:
    """Round to tenths of a second so that the parts add up to their sum; leave out zeros."""
    tenths = {state: int(10 * value) for state, value in seconds.items()}
    lacking = round(10 * sum(seconds.values())) - sum(tenths.values())
    nearest_next = sorted(seconds, key=lambda state: tenths[state] - 10 * seconds[state])
    for state in nearest_next[:lacking]:
        tenths[state] += 1
    return {state: value for state, value in tenths.items() if value}


def _from_to(first: float, last: float) -> str:
    if round(first) == round(last):
        return f"{first:.1f} to {last:.1f} s"
    return f"{clock(round(first))} to {clock(round(last))}"


def _echo_rate(result: "Prediction", reference: str) -> None:
    beside = ""
    if result.finger_bpm is not None:
        beside = (
            f"; {reference} {result.finger_bpm:.1f} bpm, off by {result.mae_bpm:.1f} bpm on average"
        )
    elif result.no_finger:
        beside = f"; no finger beside it: {result.no_finger}"
    clip = ""
    if result.clip is not None and result.clip.bpm is not None:
        clip = f"; {_over(result)} {result.clip.bpm:.1f} bpm{_in_brackets(result.clip)}"
    elif result.clip is not None:
        clip = f"; {_over(result)} none can be told: {result.clip.why_not}"
    if not result.rows_with_rate:
        _echo(f"no heart rate was read{clip}{_what_to_do(result)}", fg="yellow")
        return
    read, windows = len(result.rows_with_rate), counted(len(result.windows), "window")
    if read < len(result.windows):
        windows = f"{read} of {windows}"
    lengths = {round(_length_s(row)) for row in result.rows_with_rate}
    seconds = f" of {lengths.pop()} s" if len(lengths) == 1 else ""
    together = result.over_time
    if together is not None and together.has_moved:     # no heart may have had the mean
        rate = (
            f"median {together.median_bpm:.1f} bpm, {together.lowest.hr_bpm:.1f} to "
            f"{together.highest.hr_bpm:.1f}: "
        )
    else:
        rate = f"{result.hr_bpm:.1f} bpm: mean of "
    _echo(f"heart rate {rate}{windows}{seconds}{clip}{beside}")


def _over(result: "Prediction") -> str:
    """Return over what the rate of a clip is: all of the file, or its longest stretch."""
    first_s, last_s = result.clip_span_s or (0.0, result.seconds)
    if result.seconds - (last_s - first_s) < _MOMENT_S:
        return "over all of it"
    return (
        f"over its {last_s - first_s:.0f} s of one face, {clock(round(first_s))} to "
        f"{clock(round(last_s))},"
    )


def _in_brackets(rate: "FusedRate") -> str:
    """Return the interval of a rate, and why it is extrapolated where it is."""
    if rate.low_bpm is None or rate.high_bpm is None:
        return ""
    why = f", {rate.extrapolated}" if rate.extrapolated else ""
    return f" ({interval_text(rate.low_bpm, rate.high_bpm)}{why})"


def _what_to_do(result: "Prediction") -> str:
    """Return how a file is read in which no window was, where that is known; else ""."""
    from dataset.signals.filters import WINDOW_S
    from models.fusion.fuse import LEAST_S
    from models.live.pulse import WEIGH_S
    from models.live.states import (
        ANOTHER_FACE,
        DARK,
        FACE_LOST,
        LOOKING,
        SETTLING,
        TWO_FACES,
    )

    if result.windows or not result.without_rate_s:
        return ""
    longest, *others = result.without_rate_s
    if longest == SETTLING and result.states is None and result.seconds < WINDOW_S + WEIGH_S:
        return (
            f"; as live it takes {WINDOW_S + WEIGH_S:g} s of a face: without --as-live "
            f"{LEAST_S:g} s are enough"
        )
    if longest == SETTLING and result.seconds < LEAST_S:
        return f"; it takes {LEAST_S:g} s of a face at least"
    # what is too short was cut short by something
    cause = others[0] if longest == SETTLING and others else longest
    looked_s = result.without_rate_s.get(LOOKING, 0.0)
    todo = {
        LOOKING: f"{looked_s:.0f} s without a face: where people lie on their side or upside "
                 "down in it, turn the video first",
        TWO_FACES: "cover the other face, or crop it away",
        FACE_LOST: "keep all of the face in view, with room around it",
        ANOTHER_FACE: "cut the video where the person changes, and read each part",
        DARK: "more light, from the front",
    }.get(cause)
    return f"; {todo}" if todo else ""


def _length_s(row: "PredictionRow") -> float:
    from dataset.signals.filters import WINDOW_S

    return WINDOW_S if row.first_s is None else row.reading.time_s - row.first_s


def _windows(result: "Prediction", reference: str) -> "Table":
    """Make the table of windows; neighbours share a row where there are more than `_ROWS`.

    A row averages what was read; a window that was withheld has its reason, and no rate.
    """
    from rich.table import Table

    has_reference = result.finger_bpm is not None
    has_bounds = any(row.rate is not None for row in result.rows_with_rate)
    table = Table()
    for heading in (
        "window until", "heart rate [bpm]", *(("90 % within",) if has_bounds else ()), "quality",
        *((f"{reference} [bpm]", "error [bpm]") if has_reference else ()),
    ):
        is_quality = heading == "quality"
        table.add_column(
            heading, justify="left" if is_quality else "right",
            overflow="fold" if is_quality else "ellipsis",
        )
    windows = result.windows
    each = -(-len(windows) // _ROWS)
    for together in (windows[at:at + each] for at in range(0, len(windows), each)):
        until = clock(round(together[0].reading.time_s))
        if len(together) > 1:
            until += f" to {clock(round(together[-1].reading.time_s))}"
        rows = [row for row in together if row.hr_bpm is not None] or together
        beside = (
            _number([row.finger_bpm for row in rows]),
            _number([row.error_bpm for row in rows], "+.1f"),
        )
        table.add_row(
            until, _number([row.hr_bpm for row in rows]),
            *((_bounds(rows),) if has_bounds else ()),
            _quality(together),
            *(beside if has_reference else ()),
        )
    return table


def _quality(rows: "list[PredictionRow]") -> str:
    """Return the lowest quality of some windows; of those without a rate, why."""
    from dataset.signals.pulse_quality import FAIR, GOOD, POOR

    why_not = [row.rate.why_not for row in rows if row.rate is not None and row.hr_bpm is None]
    of = f"{len(why_not)} of {len(rows)} " if len(rows) > 1 else ""
    reasons = list(dict.fromkeys(why_not))
    named = reasons if len(reasons) <= _NAMED else reasons[:1]
    withheld = f"{of}cannot be told: {'; '.join(named)}" if named else ""
    if len(reasons) > len(named):
        withheld += f"; and {counted(len(reasons) - len(named), 'other reason')}"
    found = {row.reading.quality for row in rows}
    quality = next((word for word in (POOR, FAIR, GOOD) if word in found), "")
    ends_s = [row.reading.time_s for row in rows]
    has_break = any(after - before > _BREAK_S for before, after in pairwise(ends_s))
    across = "across a break" if has_break else ""
    return "; ".join(filter(None, (quality, across, withheld)))


def _bounds(rows: "list[PredictionRow]") -> str:
    """Return the widest interval of some windows with a heart rate, marked if extrapolated."""
    rates = _rates(rows)
    low = [rate.low_bpm for rate in rates if rate.low_bpm is not None]
    high = [rate.high_bpm for rate in rates if rate.high_bpm is not None]
    mark = _EXTRAPOLATED if any(rate.extrapolated for rate in rates) else ""
    return interval_text(min(low), max(high)) + mark if low and high else ""


def _rates(rows: "list[PredictionRow]") -> "list[FusedRate]":
    """Return what windows with a heart rate were read as."""
    return [row.rate for row in rows if row.rate is not None and row.hr_bpm is not None]


def _methods(result: "Prediction") -> "Table":
    """Make the table of methods; what is shown of the windows is its first row."""
    from rich.table import Table

    from dataset.signals.filters import LOW_HZ
    from models.evaluation.methods import COLOUR_TITLES
    from models.fusion.spectra import LOW_BPM
    from models.live.predict import mean_of_known

    all_windows = len(result.windows)
    has_errors = any(method.mae_bpm is not None for method in result.methods)
    peaks = result.clip.methods if result.clip is not None else {}
    peak = "; peak: of the spectra that are read together, each one's own highest" if peaks else ""
    table = Table(
        title=f"a method alone reads rates from {60 * LOW_HZ:.0f} bpm on, all together from "
        f"{LOW_BPM:.0f}{peak}"
    )
    has_clip = any(method.clip_bpm is not None for method in result.methods)
    for heading in (
        "method", "windows read", "mean [bpm]", *(("over all [bpm]",) if has_clip else ()),
        *(("peak over all [bpm]",) if peaks else ()),
        *(("mean error [bpm]",) if has_errors else ()),
        *(("error over all",) if has_errors and has_clip else ()),
    ):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    true_bpm = result.clip_reference_bpm

    def add(name: str, windows: int, *bpm: float | None, peak_bpm: float | None = None) -> None:
        mean_bpm, clip_bpm, mae_bpm = bpm
        off_bpm = None if clip_bpm is None or true_bpm is None else clip_bpm - true_bpm
        table.add_row(
            name, f"{windows} of {all_windows}", _number([mean_bpm]),
            *((_number([clip_bpm]),) if has_clip else ()),
            *((_number([peak_bpm]),) if peaks else ()),
            *((_number([mae_bpm]),) if has_errors else ()),
            *((_number([off_bpm], "+.1f"),) if has_errors and has_clip else ()),
        )

    add(
        "together", len(result.rows_with_rate), mean_of_known([result.hr_bpm]),
        result.clip.bpm if result.clip else None, result.mae_bpm,
    )
    for method in result.methods:
        add(
            COLOUR_TITLES.get(method.name, method.name), method.windows, method.bpm,
            method.clip_bpm, method.mae_bpm, peak_bpm=peaks.get(method.name),
        )
    return table


def _number(values: "list[float | None]", form: str = ".1f") -> str:
    from models.live.predict import mean_of_known

    mean = mean_of_known(values)
    return "" if mean is None else f"{mean:{form}}"


def _columns(result: "Prediction") -> list[float | None]:
    """Average the heart rates of each column of the curve; None where there was none."""
    from models.live.predict import mean_of_known

    wide = max(1, min(_WIDE, round(result.seconds)))
    columns: list[list[float | None]] = [[] for _ in range(wide)]
    for row in result.rows_with_rate:
        columns[min(wide - 1, int(row.reading.time_s / result.seconds * wide))].append(row.hr_bpm)
    return [mean_of_known(column) for column in columns]
