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
from models.live.pulse import LivePulse
from models.live.states import DARK, FACE_LOST, NO_PULSE, READING, SETTLING, LiveReading
from models.whole import read as whole_read
from models.whole import windows
from models.whole.read import read_whole
from models.whole.reference import NamedRate, PpgReference
from models.whole.watched import Part, Watched
from models.whole.windows import Window
from tests.support.live_scenes import FACE, RedOverGreen, Scene
from tests.support.made_videos import write_video

FPS = 29.97            # of `write_video`
BPM = 72.0


def film(path, seconds, *, bpm=BPM, level=None):
    """Write a video of a scene; `level` returns the light at a time [s]."""
    scene, frames = Scene(bpm=bpm), []
    for at in range(round(seconds * FPS)):
        if level is not None:
            scene.level = level(at / FPS)
        frames.append(np.ascontiguousarray(scene.picture(at / FPS)[:, :, ::-1]))
    write_video(path, frames)
    return path


def find_where_light(image):
    """Find the face unless the light is low, as it is while the person is away."""
    return [FACE] if image.mean() > 100 else []


def pulse():
    return LivePulse(RedOverGreen(), find_where_light)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return film(tmp_path_factory.mktemp("clip") / "face.avi", 14.0)


@pytest.fixture(scope="module")
def read(clip):
    return read_whole(pulse(), clip, reference=NamedRate(BPM), methods=("network", "ica", "pos"))


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


def test_of_a_longer_clip_the_spectrum_is_told_and_no_one_rate(clip, monkeypatch, capsys):
    """As if one rate were told of 8 s at most."""
    monkeypatch.setattr(whole_read, "CLIP_S", 8.0)
    read = read_whole(pulse(), clip, reference=NamedRate(BPM), methods=("pos",))
    told = prediction_dict(read)
    assert told["clip"]["hr_bpm"] is None
    assert told["clip"]["words"] == "one rate is not told of more than 8 s"
    assert (told["clip"]["from_s"], told["clip"]["until_s"]) == (0.0, pytest.approx(14, abs=0.1))
    spectrum = told["clip"]["spectrum"]
    assert spectrum["peak_bpm"] == pytest.approx(BPM, abs=1.0)
    assert len(spectrum["bpm"]) == len(spectrum["share"])
    assert sum(spectrum["share"]) == pytest.approx(1.0, abs=0.01)
    assert told["over_time"]["median_bpm"] == pytest.approx(BPM, abs=1.0)
    assert told["over_time"]["with_rate_s"] == pytest.approx(read.seconds)
    assert told["over_time"]["has_moved"] is told["has_moved"] is False
    echo_prediction(read, "a network", reference="finger")
    lines = capsys.readouterr().out.splitlines()
    assert not any("over all [bpm]" in line for line in lines)          # a column of nothing
    assert "; over all of it none can be told: one rate is not told of more than 8 s" in lines[-1]


def test_of_a_stretch_whose_windows_lie_apart_no_one_rate_is_told(clip, monkeypatch):
    """As if the heart were 30 bpm faster in the last window."""
    done = []

    def faster_in_the_last(*arrays, **coding):
        done.append(rate := fuse_window(*arrays, **coding))
        more = 30.0 if len(done) == 5 else 0.0
        return replace(
            rate, bpm=rate.bpm + more, low_bpm=rate.low_bpm + more, high_bpm=rate.high_bpm + more
        )

    monkeypatch.setattr("models.whole.windows.fuse_window", faster_in_the_last)
    read = read_whole(pulse(), clip, methods=("pos",))
    told = prediction_dict(read)
    assert (told["clip"]["hr_bpm"], told["clip"]["low_bpm"]) == (None, None)
    assert told["clip"]["words"] == "the rates of its windows lie apart, 72 to 102"
    assert told["has_moved"] is told["over_time"]["has_moved"] is True
    assert told["methods"][0]["clip_bpm"] is None
    assert told["hr_bpm"] == pytest.approx(BPM + 6, abs=1)             # the mean, for scripts


def test_of_a_longer_clip_without_a_rate_is_said_that_no_window_has_one(clip, monkeypatch):
    monkeypatch.setattr(whole_read, "CLIP_S", 8.0)
    monkeypatch.setattr(
        "models.whole.windows.fuse_window", lambda *_, **__: FusedRate(None, cause=Cause.STILL)
    )
    read = read_whole(pulse(), clip)
    assert read.clip.why_not == "none of its 5 windows has a heart rate"


def test_a_state_of_a_file_says_how_long_before_it_the_face_was_seen():
    problem = LiveReading(33.0, FACE_LOST, "the face was last seen 1 s ago; looking for it")
    watched = Watched(seconds=66.0, parts=[Part(33.0, None, problem)])
    (_, _, told), = whole_read._states(watched, [])
    assert told.words == "the face was last seen 1 s before; looking for it"


def long_stretch(*parts):
    """Return a stretch of hearts of some [bpm] for some [s] each, with an overtone."""
    fs_hz = 30.0
    bpm = np.concatenate([np.full(round(seconds * fs_hz), rate) for rate, seconds in parts])
    phase = 2 * np.pi * np.cumsum(bpm) / 60 / fs_hz
    wave = np.sin(phase) + 0.4 * np.sin(2 * phase)
    noise = 0.2 * np.random.default_rng(0).normal(size=(len(wave), 3))
    colour = 100 + np.outer(wave, [0.3, 0.7, 0.5]) + 0.1 * noise
    return SimpleNamespace(
        time_s=np.arange(len(wave)) / fs_hz, colour=colour, changes=np.diff(wave, prepend=wave[0]),
        span_s=(len(wave) - 1) / fs_hz,
    )


@pytest.mark.parametrize(("parts", "peak_bpm"), [
    ([(53, 30), (67, 24), (80, 24)], 53), ([(80, 24), (67, 24), (53, 30)], 53),
    ([(67, 24), (80, 30), (53, 24)], 80), ([(53, 45), (85, 15)], 53), ([(72, 64)], 72),
])
def test_the_spectrum_of_a_longer_stretch_is_highest_where_the_heart_was_for_long(parts, peak_bpm):
    assert windows.read_spectrum(long_stretch(*parts)).peak_bpm == pytest.approx(peak_bpm, abs=1)


def test_a_clip_has_its_spectrum_beside_its_rate(read):
    told = prediction_dict(read)["clip"]
    assert told["spectrum"]["peak_bpm"] == pytest.approx(told["hr_bpm"], abs=1.0)


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


def test_a_rate_over_all_that_no_window_has_is_withheld(clip, monkeypatch):
    def as_if(rate):
        return lambda *_, **__: replace(read_all(*_, **__), bpm=rate)

    read_all = whole_read.read_clip
    for rate, shown in ((BPM + 4, BPM + 4), (BPM + 30, None)):
        monkeypatch.setattr(whole_read, "read_clip", as_if(rate))
        read = read_whole(pulse(), clip)
        assert read.hr_bpm == pytest.approx(BPM, abs=1)
        assert read.clip.bpm == shown
    assert read.clip.why_not == "its windows say 72, all of it 102"
    told = prediction_dict(read)["clip"]
    assert (told["low_bpm"], told["high_bpm"], told["extrapolated"]) == (None, None, "")


@pytest.mark.parametrize(("withheld", "cause", "is_shown"), [
    (3, Cause.ELSEWHERE, False), (2, Cause.ELSEWHERE, True), (3, Cause.WEAK, True),
])
def test_a_rate_over_all_that_most_windows_speak_against_is_withheld(
    clip, monkeypatch, withheld, cause, is_shown
):
    why, done = "light or motion beside the face has the same rate, 72", []

    def withhold_the_first(*arrays, **coding):
        done.append(rate := fuse_window(*arrays, **coding))
        if len(done) > withheld:
            return rate
        return replace(rate, bpm=None, why_not=why, cause=cause)

    monkeypatch.setattr("models.whole.windows.fuse_window", withhold_the_first)
    over_all = read_whole(pulse(), clip).clip
    assert len(done) == 6                               # five windows, and all of it
    assert (over_all.bpm is not None) == is_shown
    if not is_shown:
        assert over_all.why_not == f"3 of its 5 windows cannot be told: {why}"
        assert (over_all.low_bpm, over_all.high_bpm) == (None, None)


@pytest.mark.parametrize("cause", [None, *Cause])
def test_more_bits_are_advised_only_where_they_may_mend_it(cause):
    recorded = SimpleNamespace(is_predicted=True)
    rates = [FusedRate(72.0), *2 * [FusedRate(None, cause=cause)]]
    windows = [[Window(0.0, 10.0, rate) for rate in rates]]
    told = whole_read._remark_on_coding(recorded, windows)
    assert bool(told) == (cause in (Cause.WEAK, Cause.CODED))
    assert not whole_read._remark_on_coding(recorded, [windows[0][:2]])         # half of them
    assert not whole_read._remark_on_coding(SimpleNamespace(is_predicted=False), windows)


def test_windows_that_were_withheld_for_another_rate_do_not_speak_against_it(clip, monkeypatch):
    done = []

    def withhold(*arrays, **coding):
        done.append(rate := fuse_window(*arrays, **coding))
        if len(done) > 5:
            return rate
        return replace(
            rate, bpm=None, low_bpm=139.0, high_bpm=141.0, why_not="140", cause=Cause.ELSEWHERE
        )

    monkeypatch.setattr("models.whole.windows.fuse_window", withhold)
    assert read_whole(pulse(), clip).clip.bpm == pytest.approx(BPM, abs=0.5)


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
