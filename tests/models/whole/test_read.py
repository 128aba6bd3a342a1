"""Files of a tiny face with a known pulse, read whole: both ways in time, from the first frame."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.advice import advise
from acq.commands.predict import prediction_dict
from acq.main import app
from acq.terminal.prediction_view import echo_prediction
from acq.terminal.pulse_rows import row_dict
from acquire.errors import AcqError
from dataset.published_colour.methods import ALL_METHODS
from models.fusion.fuse import Cause, FusedRate, fuse_window
from models.live.predict import predict
from models.live.states import DARK, FACE_LOST, NO_PULSE, READING, SETTLING, LiveReading
from models.whole import read as whole_read
from models.whole.read import read_whole
from models.whole.reference import NamedRate, PpgReference
from models.whole.watched import Part, Watched
from models.whole.windows import Window
from tests.support.whole_clips import BPM, FPS, film, pulse


def test_every_window_is_read_from_the_first_frame_on(read):
    assert [row.first_s for row in read.rows] == pytest.approx([0, 1, 2, 3, 4], abs=1 / FPS)
    assert [row.hr_bpm for row in read.rows] == pytest.approx([BPM] * 5, abs=1.0)
    assert [(first, reading.state) for first, _, reading in read.spans] == [(0.0, READING)]
    assert read.spans[0][1] == read.seconds
    assert read.spans[0][2].words.startswith("face found; ")


def test_the_whole_clip_has_a_rate_and_every_method_one(read):
    assert read.clip.bpm == pytest.approx(BPM, abs=0.5)
    assert [method.name for method in read.methods] == ["network", "ica", "pos"]
    for method in read.methods:
        assert (method.windows, method.clip_bpm) == (5, pytest.approx(BPM, abs=1.0))
        assert method.mae_bpm == pytest.approx(0.0, abs=1.0)
    assert read.clip_reference_bpm == BPM
    assert set(read.rows[0].methods) == {"network", "ica", "pos"}


def test_a_state_of_a_file_says_how_long_before_it_the_face_was_seen():
    problem = LiveReading(33.0, FACE_LOST, "the face was last seen 1 s ago; looking for it")
    watched = Watched(seconds=66.0, parts=[Part(33.0, None, problem)])
    (_, _, told), = whole_read._states(watched, [])
    assert told.words == "the face was last seen 1 s before; looking for it"


def test_a_rate_of_a_method_is_one_number_asked_for_or_not(clip, read):
    """What the methods are read together by has names of its own."""
    unasked = read_whole(pulse(), clip, reference=NamedRate(BPM))
    asked, plain = ([row_dict(row) for row in one.rows] for one in (read, unasked))
    for with_methods, without in zip(asked, plain, strict=True):
        differ = {name for name in without if with_methods[name] != without[name]}
        assert differ == {"network_bpm", "ica_bpm", "pos_bpm"}
        assert {without[name] for name in differ} == {None}
        assert without["network_peak_bpm"] == pytest.approx(BPM, abs=2.0)
    clips = [prediction_dict(one)["clip"] for one in (read, unasked)]
    assert clips[0].pop("methods") == {method.name: method.clip_bpm for method in read.methods}
    assert clips[1].pop("methods") == {}
    assert clips[0] == clips[1]
    assert clips[1]["finger_bpm"] == BPM
    assert clips[1]["low_bpm"] < BPM < clips[1]["high_bpm"]
    assert clips[1]["extrapolated"] == (
        "interval extrapolated: calibrated on windows of up to 13 s"        # of 14 s
    )


def test_a_window_that_is_withheld_between_others_is_told_with_its_reason(
    clip, monkeypatch, capsys
):
    why, done = "the methods disagree: 33 and 70", []

    def withhold_the_third(*arrays, **coding):
        done.append(rate := fuse_window(*arrays, **coding))
        return replace(rate, bpm=None, why_not=why) if len(done) == 3 else rate

    monkeypatch.setattr("models.whole.windows.fuse_window", withhold_the_third)
    read = read_whole(pulse(), clip)
    assert [row.reading.state for row in read.rows] == [READING] * 2 + [NO_PULSE] + [READING] * 2
    told = prediction_dict(read)
    assert (told["windows"], told["withheld_windows"]) == (4, 1)
    words, = (one["words"] for one in told["states"])
    assert words.endswith(f"; 1 of 5 windows cannot be told: {why}")
    echo_prediction(read, "a network", reference="finger")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.lstrip().startswith("0:12")] == [
        ["0:12", *f"cannot be told: {why}".split()]
    ]
    assert "mean of 4 of 5 windows of 10 s" in lines[-1]


@pytest.mark.parametrize("cause", [None, *Cause])
def test_more_bits_are_advised_only_where_they_may_mend_it(cause):
    recorded = SimpleNamespace(is_predicted=True)
    rates = [FusedRate(72.0), *2 * [FusedRate(None, cause=cause)]]
    windows = [[Window(0.0, 10.0, rate) for rate in rates]]
    told = whole_read._remark_on_coding(recorded, windows)
    assert bool(told) == (cause in (Cause.WEAK, Cause.CODED))
    assert not whole_read._remark_on_coding(recorded, [windows[0][:2]])         # half of them
    assert not whole_read._remark_on_coding(SimpleNamespace(is_predicted=False), windows)


def test_a_ppg_that_tells_no_rate_is_said_to_tell_none(clip):
    time_s = np.arange(0.0, 14.0, 0.02)
    read = read_whole(pulse(), clip, reference=PpgReference(time_s, np.ones_like(time_s), clip))
    assert read.rows_with_rate
    assert read.mae_bpm is None
    assert read.no_finger == (
        "of the PPG no heart rate can be told from 0.0 to 10.0 s: all its values are 1"
    )


def test_a_state_of_no_length_is_left_out_beside_others():
    lost = LiveReading(3.0, FACE_LOST, "gone")
    parts = [Part(0.0, 0, None), Part(3.0, 1, None), Part(3.0, None, lost)]
    spans = Watched(parts=parts, seconds=5.0).spans
    assert [(first, last, part.stretch) for first, last, part in spans] == [
        (0.0, 3.0, 0), (3.0, 5.0, None)
    ]
    assert len(Watched(parts=parts[:1]).spans) == 1              # a single frame


def test_as_live_and_whole_agree_where_both_read(clip, read):
    live = predict(pulse(), clip)
    assert [reading.state for _, _, reading in live.spans] == [SETTLING, READING]
    assert live.rows_with_rate[0].reading.time_s >= 11.0
    whole = {round(row.reading.time_s): row.hr_bpm for row in read.rows}
    for row in live.rows_with_rate:
        assert row.hr_bpm == pytest.approx(whole[round(row.reading.time_s)], abs=2.0)


@pytest.mark.parametrize(("seconds", "windows"), [(6.0, 1), (9.0, 1), (10.0, 1), (11.0, 2)])
def test_a_clip_from_six_seconds_on_has_a_number(tmp_path, seconds, windows):
    read = read_whole(pulse(), film(tmp_path / "face.avi", seconds))
    assert len(read.rows) == windows
    assert [row.hr_bpm for row in read.rows] == pytest.approx([BPM] * windows, abs=2.0)
    assert read.rows[0].first_s == 0.0
    assert read.rows[-1].reading.time_s == pytest.approx(seconds - 1 / FPS, abs=0.1)


def test_a_shorter_clip_has_none_and_says_why(tmp_path):
    read = read_whole(pulse(), film(tmp_path / "face.avi", 5.0))
    assert read.hr_bpm is None
    assert read.clip is None
    assert [(row.reading.state, row.reading.words) for row in read.rows] == [
        (SETTLING, "face found; 5.0 s of it: a heart rate takes 6 s")
    ]


def test_a_stretch_of_withheld_windows_names_more_than_the_first_reason(clip, monkeypatch):
    reasons = iter(["A", "B", "C", "B", "A", "D"])            # of five windows, and all of it

    def withhold(*arrays, **coding):
        return replace(fuse_window(*arrays, **coding), bpm=None, why_not=f"why {next(reasons)}")

    monkeypatch.setattr("models.whole.windows.fuse_window", withhold)
    (_, _, reading), = read_whole(pulse(), clip).spans
    assert reading.words == "face found; cannot be told; why A; of other windows: why B; and 1 more"


def test_a_photograph_has_no_heart_rate_and_each_window_says_why(tmp_path):
    read = read_whole(pulse(), film(tmp_path / "face.avi", 12.0, bpm=0.0))
    assert [row.first_s for row in read.rows] == pytest.approx([0, 1, 2], abs=0.1)
    assert [row.hr_bpm for row in read.rows] == [None] * 3
    assert read.hr_bpm is None
    assert all(row.rate and row.rate.why_not in row.reading.words for row in read.rows)


def test_no_window_reaches_over_a_face_that_was_away_and_every_change_says_why(tmp_path):
    away = (12.0, 14.0)
    path = film(
        tmp_path / "face.avi", 24.0, level=lambda t: 60.0 if away[0] <= t < away[1] else 120.0
    )
    read = read_whole(pulse(), path)
    assert [reading.state for _, _, reading in read.spans] == [READING, FACE_LOST, READING]
    for row in read.rows_with_rate:
        assert row.first_s is not None
        assert row.reading.time_s <= away[0] + 0.05 or row.first_s >= away[1] - 0.05
        assert row.hr_bpm == pytest.approx(BPM, abs=1.5)
    lost_s, found_s = read.spans[1][0], read.spans[1][1]
    clip = prediction_dict(read)["clip"]                # of the longest stretch
    assert (clip["from_s"], clip["until_s"]) == (0.0, pytest.approx(lost_s, abs=0.1))
    assert lost_s <= away[0] + 0.05            # not when it was noticed
    assert found_s <= away[1] + 0.5
    assert all(reading.words for _, _, reading in read.spans)


def test_darkness_is_no_face(tmp_path):
    path = film(tmp_path / "face.avi", 9.0, level=lambda t: 5.0 if t > 7.0 else 120.0)
    read = read_whole(pulse(), path)
    assert [reading.state for _, _, reading in read.spans] == [READING, DARK]
    assert read.rows_with_rate[0].reading.time_s == pytest.approx(7.0, abs=0.1)


# -- the command


def acq(*words):
    done = CliRunner().invoke(app, ["predict", *(str(word) for word in words)])
    if isinstance(done.exception, AcqError):
        raise done.exception
    return done


@pytest.mark.parametrize(("named", "said"), [
    ("https://example.org/a.mp4", "an address, https://example.org/a.mp4; save it as a file"),
    ("", "found an empty name"),
    (".", "found a folder in ."),
    ("rows.csv", "found no video that FFmpeg knows in rows.csv"),
    ("one.png", "found a single picture in one.png"),
    (3000 * "x", f"expected to use {200 * 'x'}... (3,000 characters), found: File name too long"),
])
def test_what_is_no_video_is_refused_in_plain_words(tmp_path, monkeypatch, named, said):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("time,value\n0,1\n1,2\n")
    with av.open("one.png", "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
        container.mux([*stream.encode(picture), *stream.encode(None)])
    done = CliRunner().invoke(app, ["predict", named])
    assert isinstance(done.exception, AcqError | OSError)
    assert said in advise(done.exception, "predict")


def test_the_command_tells_methods_and_errors_as_table_csv_and_json(clip, tmp_path):
    out = tmp_path / "rows.csv"
    done = acq(clip, "--methods", "all", "--hr", "72", "--json", "--table", out)
    told = json.loads(done.output)
    assert told["read"] == "whole"
    names = ["network", *ALL_METHODS]
    assert [method["method"] for method in told["methods"]] == names
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["time_s"] for row in rows] == [str(row["time_s"]) for row in told["rows"]]
    assert {"from_s", "low_bpm", "high_bpm", "words", "pos_bpm", "pos_skin_bpm"} <= set(rows[0])
    table = acq(clip, "--methods", "pos,chrom", "--hr", "72", "--quiet").output
    assert "looking: looking for a face" in table         # to the shipped finder it is none
    assert "no heart rate was read" in table


def test_the_help_says_what_the_true_rate_is_meant_to_be():
    told = " ".join(acq("--help").output.replace("│", " ").split())
    assert "The true heart rate of a video, as the peak of its pulse's spectrum" in told


@pytest.mark.parametrize(("words", "said"), [
    (("--methods", "best"), "expected all, or some of network, green, ica, pca, chrom, pos"),
    (("--methods", "all", "--as-live"), "leave out --as-live"),
    (("--hr", "60", "--ppg", "x.csv"), "leave out --hr"),
    (("--hr", "600"), "--hr"),
])
def test_options_that_do_not_go_together_are_refused(clip, words, said):
    done = acq(clip, *words)
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", " ").split())
