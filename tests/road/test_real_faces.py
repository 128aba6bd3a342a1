"""The table of real faces: what its truth.csv may hold, and which windows count."""

import sys

import numpy as np
import pytest

from benchmarks import real_faces
from benchmarks.clips import ClipsError, clips_of, dev_clips
from benchmarks.real_faces import ClipResult, Window, main, spans_in, total, total_line
from tests.support.made_videos import pictures, write_video


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "b.mkv"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def write_truth(folder, *lines):
    (folder / "truth.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_rate_for_the_clip_or_none(folder):
    known, unknown = clips_of(write_truth(
        folder, "file,hr_bpm,note", "a.mp4, 58.5,at rest", "b.mkv,,nobody knows"
    ))
    assert (known.name, known.note) == ("a.mp4", "at rest")
    assert known.reference.hr_bpm(0, 10) == 58.5
    assert unknown.reference is None


def test_the_finger_has_a_rate_for_each_window(folder):
    begin_s = 1_700_000_000.0
    rates_bpm = np.where(np.arange(0, 40, 0.04) < 20, 60.0, 90.0)
    phase = 2 * np.pi * np.cumsum(rates_bpm / 60 * 0.04)
    (folder / "ppg.csv").write_text("timestamp,bvp\n" + "\n".join(
        f"{begin_s - 2 + at * 0.04:.3f},{np.sin(angle):.4f}" for at, angle in enumerate(phase)
    ))
    write_video(folder / "short.avi", pictures(3))
    (folder / "times.csv").write_text(
        "timestamp\n" + "\n".join(f"{begin_s + at / 30:.4f}" for at in range(900))
    )
    (clip,) = clips_of(write_truth(
        folder, "file,hr_bpm,note,ppg,times", "short.avi,,,ppg.csv,times.csv"
    ))
    rate = clip.reference.hr_bpm
    assert rate(5, 15) == pytest.approx(60, abs=0.5)      # it changes 18 s after the first frame
    assert rate(20, 30) == pytest.approx(90, abs=0.5)
    assert rate(33, 43) is None                           # the finger ends before


@pytest.mark.parametrize(("lines", "found"), [
    pytest.param(["file,bpm", "a.mp4,60"], "the columns file, bpm", id="another column"),
    pytest.param(["file,hr_bpm,hr_bpm", "a.mp4,60,60"], "hr_bpm, hr_bpm", id="a column twice"),
    pytest.param([""], "the columns ", id="empty"),
    pytest.param(["file,hr_bpm"], "no row", id="no row"),
    pytest.param(["file,hr_bpm", "a.mp4"], "another number", id="a cell is missing"),
    pytest.param(["file,hr_bpm", "a.mp4,60,rest"], "another number", id="a cell too many"),
    pytest.param(["file,hr_bpm", "c.mp4,60"], "c.mp4", id="no such clip"),
    pytest.param(["file,hr_bpm", "../a.mp4,60"], "../a.mp4", id="outside the folder"),
    pytest.param(["file,hr_bpm", "a.mp4,sixty"], "sixty", id="no number"),
    pytest.param(["file,hr_bpm", "a.mp4,1.2"], "1.2", id="in Hz"),
    pytest.param(["file,hr_bpm", "a.mp4,60", "a.mp4,61"], "a.mp4 again", id="a clip twice"),
    pytest.param(["file,hr_bpm,ppg", "a.mp4,60,b.mkv"], "hr_bpm 60", id="two truths"),
])
def test_a_truth_file_that_is_none_names_its_line(folder, lines, found):
    with pytest.raises(ClipsError) as caught:
        clips_of(write_truth(folder, *lines))
    assert found in str(caught.value)
    assert "truth.csv" in str(caught.value)


def test_a_folder_without_truth_and_dev_clips_that_are_absent(folder):
    with pytest.raises(ClipsError, match=r"truth\.csv"):
        clips_of(folder)
    clips, absent = dev_clips(folder)
    assert not clips
    assert len(absent) == 2


@pytest.mark.parametrize(("seconds", "count", "last_s"), [
    (5.9, 0, None), (7.0, 1, 7.0), (299 / 30, 1, 299 / 30), (11.7, 2, 11.0),
    (599 / 30, 11, 599 / 30),
])
def test_the_windows_that_a_clip_has_room_for(seconds, count, last_s):
    spans = spans_in(seconds, 30.0)
    assert len(spans) == count
    assert not spans or spans[-1][1] == pytest.approx(last_s)


def test_the_total_counts_errors_only_where_the_rate_is_known():
    windows = [
        Window(0, 10, 60.0, {}, 61.0, 58.0, 64.0), Window(1, 11, 60.0, {}, 68.0, 63.0, 73.0),
        Window(2, 12, 60.0, {}, None), Window(0, 10, None, {}, 75.0, 70.0, 80.0),
    ]
    figures = total([ClipResult("a", "", 12, 30, 60.0, {}, windows, [])])
    assert figures == {
        "windows": 3, "shown": 2, "mae_bpm": 4.5, "worst_bpm": 8.0, "far_off": 1,
        "with_interval": 2, "in_interval": 1, "furthest_outside_bpm": 3.0, "shown_without_truth": 1,
    }
    assert total_line(figures) == (
        "shown 2 of 3 windows whose rate is known (67 %): MAE 4.50 bpm, worst 8.0, 1 off by more "
        "than 5; 1 of 2 in their interval, furthest outside 3.0 bpm; 1 shown where no rate is known"
    )
    assert "shown 0 of 0" in total_line(total([]))


def test_states_windows_intervals_reasons_and_errors_are_printed_unasked(
    folder, monkeypatch, capsys
):
    write_truth(folder, "file,hr_bpm", "a.mp4,60")
    windows = [
        Window(0, 10, 60.0, {"pos": 59.5}, 61.0, 58.0, 64.0),
        Window(1, 11, 60.0, {"pos": 90.0}, None, 40.0, 90.0, why_not="the methods disagree"),
    ]
    states = [(0.0, 12.0, "reading", "face found; good pulse")]
    monkeypatch.setattr(real_faces, "read_clip", lambda clip, net, as_live: ClipResult(
        clip.name, clip.note, 12, 30, 60.0, {"pos": 60.2}, windows, states
    ))
    monkeypatch.setattr(sys, "argv", ["real_faces", "--no-dev", str(folder)])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert "0.0 to 12.0 s  reading: face found; good pulse" in lines
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    first, second = (row for row in rows if row and row[0] in ("0.0 to 10.0", "1.0 to 11.0"))
    assert (first[1], first[3], *first[-3:]) == ("60.0", "59.5", "61.0", "58.0 to 64.0", "+1.0")
    assert second[-3:] == ["", "the methods disagree", ""]
    assert lines[-1].startswith("shown 1 of 2 windows whose rate is known (50 %): MAE 1.00 bpm")
