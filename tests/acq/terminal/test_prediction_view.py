"""What is printed of a file: windows with their reasons, rates with intervals, what to do."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acq.terminal.console import console_into
from acq.terminal.prediction_view import _windows, echo_prediction
from acq.terminal.tables import _fitted
from models.fusion.fuse import Cause, FusedRate
from models.fusion.spectra import MeanSpectrum
from models.live.predict import MethodResult, Prediction, PredictionRow
from models.live.states import (
    ANOTHER_FACE,
    DARK,
    FACE_LOST,
    FROZEN,
    LOOKING,
    SETTLING,
    TWO_FACES,
    LiveReading,
    reading_of,
)

SHOWN = FusedRate(72.2, 70.4, 74.0, fs_hz=30.0)
SEEN = MeanSpectrum(np.zeros(421), 68.5)
LIT = "light on the face swings at that rate, 90, in another colour than blood"


def prediction(*rates, **more):
    """Return what was read of windows of ten seconds, one a second."""
    rows = [
        PredictionRow(reading_of(rate, 10.0 + at, is_over=True), None, first_s=float(at))
        for at, rate in enumerate(rates)
    ]
    spans = [(0.0, 9.0 + len(rows), rows[0].reading)]
    return Prediction(
        Path("v.mp4"), False, 300, 9.0 + len(rows), rows, 0, "", 1.0, states=spans, **more
    )


def printed(result, capsys):
    echo_prediction(result, "a network", reference="finger")
    return capsys.readouterr().out.splitlines()


def withheld(*reasons):
    return [FusedRate(None, 40.0, 130.0, why_not=reason) for reason in reasons]


@pytest.mark.parametrize(("seconds", "states", "is_live", "last"), [
    (12.0, [(0, LOOKING), (7.9, FACE_LOST)], False,
     "; 8 s without a face: where people lie on their side or upside down in it, turn the video "
     "first"),
    (10.0, [(0, LOOKING), (0.3, SETTLING)], True,
     "; as live it takes 11 s of a face: without --as-live 6 s are enough"),
    (20.0, [(0, SETTLING), (8, FACE_LOST)], True,
     "; keep all of the face in view, with room around it"),
    (10.0, [(0, SETTLING), (2, FACE_LOST), (5, SETTLING)], False,
     "; keep all of the face in view, with room around it"),
    (5.0, [(0, SETTLING)], False, "; it takes 6 s of a face at least"),
    (12.0, [(0, DARK)], False, "; more light, from the front"),
    (12.0, [(0, TWO_FACES)], False, "; cover the other face, or crop it away"),
    (12.0, [(0, SETTLING), (4, ANOTHER_FACE)], False,
     "; cut the video where the person changes, and read each part"),
    (12.0, [(0, FROZEN)], False, ""),
])
def test_the_last_line_says_what_to_do(capsys, seconds, states, is_live, last):
    readings = [LiveReading(begin_s, state, state) for begin_s, state in states]
    ends = [*(reading.time_s for reading in readings[1:]), seconds]
    spans = [(one.time_s, end, one) for one, end in zip(readings, ends, strict=True)]
    echo_prediction(
        Prediction(
            Path("v.mp4"), False, 100, seconds, [PredictionRow(one, None) for one in readings], 0,
            "", 1.0, states=None if is_live else spans,
        ), "a network", reference="finger",
    )
    assert capsys.readouterr().out.splitlines()[-1] == f"no heart rate was read{last}"


@pytest.mark.parametrize(("begins_s", "seconds", "told"), [
    ([(0, DARK), (17.26, SETTLING)], 17.82,
     "17.8 s without a heart rate: dark 17.3 s, settling 0.5 s"),
    ([(0, DARK), (20.02, SETTLING)], 20.05, "20.0 s without a heart rate: dark 20.0 s"),
    ([(0, DARK), (3.04, FROZEN), (5.08, SETTLING)], 6.13,
     "6.1 s without a heart rate: dark 3.0 s, frozen 2.0 s, settling 1.1 s"),
])
def test_the_parts_of_the_time_without_a_heart_rate_add_up(capsys, begins_s, seconds, told):
    rows = [PredictionRow(LiveReading(at, state, state), None) for at, state in begins_s]
    result = Prediction(Path("v.mp4"), False, 100, seconds, rows, 0, "", 1.0)
    assert told in printed(result, capsys)


def test_what_a_file_is_too_short_for_as_live_is_said_to_lie_after_its_end(capsys):
    rows = [PredictionRow(LiveReading(0.0, SETTLING, "face found; heart rate in 11 s"), None)]
    lines = printed(Prediction(Path("v.mp4"), False, 183, 6.1, rows, 0, "", 1.0), capsys)
    told = "0:00 to 0:06  settling: face found; heart rate in 11 s; it ended before that"
    assert told in lines


def test_each_window_has_its_reason_where_none_has_a_rate(capsys):
    reasons = ("the methods disagree: 62 and 81", "the methods disagree: 36 and 64", LIT)
    lines = printed(prediction(*withheld(*reasons)), capsys)
    for at, reason in enumerate(reasons):
        (row,) = (line for line in lines if line.lstrip().startswith(f"0:1{at} "))
        assert row.split() == [f"0:1{at}", *f"cannot be told: {reason}".split()]
    assert lines[-1] == "no heart rate was read"


def test_the_longest_reason_is_whole_at_80_columns():
    table, out = _windows(prediction(*withheld(LIT)), "finger"), io.StringIO()
    for part in _fitted(table, console := console_into(out, width=80, color=False)):
        console.print(part)
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert " ".join(out.getvalue().split()).endswith(f"0:10 cannot be told: {LIT}")


def test_windows_that_share_a_row_say_how_many_reasons_there_are(capsys):
    reasons = [f"the methods disagree: 50 and {100 + at // 2}" for at in range(200)]
    lines = printed(prediction(*withheld(*reasons)), capsys)
    rows = [line for line in lines if "10 of 10 cannot be told" in line]
    assert len(rows) == 20
    assert all(row.endswith("; and 4 other reasons") for row in rows)


def test_two_reasons_of_a_row_are_both_named(capsys):
    reasons = [f"the methods disagree: 50 and {100 + at}" for at in range(22)]
    lines = printed(prediction(*withheld(*reasons)), capsys)
    row, = (line for line in lines if line.startswith("0:10 to 0:11"))
    assert row.endswith(f"2 of 2 cannot be told: {reasons[0]}; {reasons[1]}")


def test_a_row_of_windows_on_both_sides_of_a_cut_says_so(capsys):
    whole = prediction(*21 * [SHOWN])
    later = [replace(row, reading=replace(row.reading, time_s=row.reading.time_s + 10 * (at > 4)))
             for at, row in enumerate(whole.rows)]
    lines = printed(replace(whole, rows=later, seconds=40.0), capsys)
    broken = [line.split("  ")[0].strip() for line in lines if "across a break" in line]
    assert broken == ["0:14 to 0:25"]
    assert not any("across" in line for line in printed(whole, capsys))


def test_no_line_is_wider_than_a_terminal_nor_a_word_broken(monkeypatch, capsys):
    result = prediction(SHOWN, *withheld(LIT), clip=replace(SHOWN, bpm=None, why_not=LIT))
    plain = printed(result, capsys)
    assert max(map(len, plain)) > 80                    # in a pipe a line is a line
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in printed(result, capsys)]
    assert max(map(len, lines)) <= 80
    assert len(plain[-1]) > 80
    assert plain[-1] in " ".join(" ".join(lines).split())


@pytest.mark.parametrize(("clip", "told"), [
    (SHOWN, "over all of it 72.2 bpm (70 to 74)"),
    (replace(SHOWN, extrapolated="interval extrapolated: why"),
     "over all of it 72.2 bpm (70 to 74, interval extrapolated: why)"),
])
def test_the_rate_over_all_has_its_interval(capsys, clip, told):
    assert printed(prediction(SHOWN, clip=clip), capsys)[-1].endswith(f"; {told}")


@pytest.mark.parametrize(("clip", "told"), [
    (SHOWN, "over its 10 s of one face, 0:20 to 0:30, 72.2 bpm (70 to 74)"),
    (*withheld(LIT), f"over its 10 s of one face, 0:20 to 0:30, none can be told: {LIT}"),
])
def test_the_rate_of_a_stretch_says_of_which(capsys, clip, told):
    result = replace(prediction(SHOWN, clip=clip, clip_span_s=(20.1, 30.0)), seconds=45.0)
    assert printed(result, capsys)[-1].endswith(f"; {told}")


def rate(bpm):
    return FusedRate(bpm, bpm - 1.5, bpm + 1.5, fs_hz=30.0)


@pytest.mark.parametrize(("rates_bpm", "way"), [
    ([61.2 + 0.3 * at for at in range(77)],
     "; it moved from 61.2 (window until 0:10) to 84.0 (1:26)"),
    ([84.0 - 0.3 * at for at in range(77)],
     "; it moved from 84.0 (window until 0:10) to 61.2 (1:26)"),
    ([71.4, *75 * [72.6], 73.8], ", 71.4 to 73.8"),         # within their intervals
])
def test_a_longer_file_says_how_its_rate_went(capsys, rates_bpm, way):
    why = "one rate is not told of more than 60 s"
    clip = FusedRate(None, why_not=why, cause=Cause.NOT_ONE)
    result = prediction(*(rate(bpm) for bpm in rates_bpm), clip=clip, spectrum=SEEN)
    result = replace(result, seconds=86.0)
    lines = printed(result, capsys)
    assert f"86 of 86 s have a heart rate: median 72.6 bpm{way}" in lines
    assert "the spectrum over all of it is highest at 68.5 bpm" in lines
    assert lines[-1].endswith(f"over all of it none can be told: {why}")
    if "moved" in way:          # the mean, which no heart may have had, does not lead
        ends = f"{min(rates_bpm):.1f} to {max(rates_bpm):.1f}"
        assert lines[-1].startswith(f"heart rate median 72.6 bpm, {ends}: 77 windows of 10 s; ")
    else:
        assert lines[-1].startswith("heart rate 72.6 bpm: mean of 77 windows of 10 s; ")
    shorter = printed(replace(result, seconds=59.0), capsys)
    assert any("it moved from" in line for line in shorter) == ("moved" in way)


def test_one_window_with_a_rate_has_no_range(capsys):
    lines = printed(replace(prediction(SHOWN), seconds=66.0), capsys)
    assert "10 of 66 s have a heart rate: median 72.2 bpm" in lines


def test_no_spectrum_is_told_of_a_short_stretch_nor_of_one_in_which_nothing_was_read(capsys):
    weak = FusedRate(None, why_not=LIT, cause=Cause.WEAK)
    long = FusedRate(None, why_not="of a photograph", cause=Cause.NOT_ONE)
    for clip, span_s, is_told in (
        (weak, (0.0, 20.0), False), (long, (20.0, 99.0), False), (long, (0.0, 79.0), True),
    ):
        result = prediction(SHOWN, clip=clip, clip_span_s=span_s, spectrum=SEEN)
        told = [
            line for line in printed(replace(result, seconds=99.0), capsys) if "spectrum" in line
        ]
        assert told == [
            "the spectrum over its 79 s of one face, 0:00 to 1:19, is highest at 68.5 bpm"
        ] * is_told


def test_a_longer_file_without_a_rate_says_so_and_why(capsys):
    rates = [*3 * [Cause.WEAK], Cause.STILL]
    result = prediction(*(FusedRate(None, why_not="why", cause=cause) for cause in rates))
    assert (
        "0 of 70 s have a heart rate: in 3 of 4 windows no pulse stands out, or the methods "
        "disagree; in 1 of 4 windows the face hardly changes"
    ) in printed(replace(result, seconds=70.0), capsys)
    assert not any(line.startswith("0 of") for line in printed(result, capsys))


def test_a_moment_of_settling_has_no_line_of_its_own(capsys):
    settling = LiveReading(33.0, SETTLING, "a cut")
    other = LiveReading(33.04, ANOTHER_FACE, "a face that was not read")
    result = replace(prediction(SHOWN), seconds=66.0, states=[
        (0.0, 33.0, prediction(SHOWN).spans[0][2]), (33.0, 33.04, settling), (33.04, 66.0, other),
    ])
    lines = printed(result, capsys)
    assert "0:33 to 1:06  another face: a cut; a face that was not read" in lines
    assert not any(line.startswith("33.0 to") for line in lines)


def test_a_window_whose_interval_is_extrapolated_says_so(capsys):
    rate = FusedRate(210.0, 209.4, 210.6, fs_hz=30.0, extrapolated="interval extrapolated: why")
    lines = printed(prediction(SHOWN, rate), capsys)
    told = {line.split()[0]: line.split("  ")[-1] for line in lines if line.lstrip()[:2] == "0:"}
    assert reading_of(rate, 10.0).words == "good pulse; interval extrapolated: why"
    assert told["0:10"] == "good"
    assert told["0:11"] == "good"
    assert any("209 to 211*" in line for line in lines)
    assert "70 to 74 " in next(line for line in lines if line.lstrip().startswith("0:10"))
    assert lines.count("* interval extrapolated: why") == 1


def test_the_table_of_methods_says_from_which_rate_on_they_read(capsys):
    alone = MethodResult("pos", 1, 72.0, 72.0, None)
    lines = printed(prediction(SHOWN, methods=(alone,)), capsys)
    (title,) = (line for line in lines if line.startswith("a method alone reads rates from"))
    assert title == "a method alone reads rates from 42 bpm on, all together from 30"


def test_the_peaks_that_methods_disagree_by_are_in_their_table(capsys):
    why = "the methods disagree: 40 and 140"
    clip = FusedRate(None, methods={"pos": 40.0, "network": 140.0}, why_not=why)
    alone = [MethodResult(name, 1, 72.0, 72.0, None) for name in ("network", "pos", "green")]
    lines = printed(prediction(SHOWN, clip=clip, methods=tuple(alone)), capsys)
    assert any("all together from 30; peak: of the spectra" in line for line in lines)
    heads = lines.index(next(line for line in lines if line.startswith("method ")))
    rows = {line.split()[0]: line.split()[-1] for line in lines[heads:heads + 5]}
    assert (rows["network"], rows["POS"], rows["GREEN"]) == ("140.0", "40.0", "72.0")
    assert lines[-1].endswith(why)
