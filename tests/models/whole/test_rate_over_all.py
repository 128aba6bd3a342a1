"""The one rate and the spectrum of a whole file: told, or withheld and why."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from acq.commands.predict import prediction_dict
from acq.terminal.prediction_view import echo_prediction
from models.fusion.fuse import Cause, FusedRate, fuse_window
from models.whole import read as whole_read
from models.whole import windows
from models.whole.read import read_whole
from models.whole.reference import NamedRate
from tests.support.whole_clips import BPM, pulse


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
