"""UBFC-rPPG in forms that copies and tools gave it: read as what it is, or refused, with why."""

import re

import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.public.readers.ubfc_rppg import read_dataset_1, read_dataset_2
from tests.support.public_sets import pulse, write_avi

COUNT, FPS = 150, 29.4
TIME_S = np.round(np.arange(COUNT) / FPS, 4)
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A video of 150 frames at 30 frames/s by its header."""
    path = tmp_path_factory.mktemp("video") / "vid.avi"
    write_avi(path, COUNT)
    return path


def as_rows(ppg, hr_bpm, time_s, form="{:.7e}", separator="   ", end=" \n"):
    return "".join(
        separator.join(form.format(x) for x in row) + end for row in (ppg, hr_bpm, time_s)
    )


def read_2(tmp_path, video, text, encoding="utf-8"):
    folder = tmp_path / "subject7"
    folder.mkdir()
    (folder / "vid.avi").symlink_to(video)
    (folder / "ground_truth.txt").write_bytes(text.encode(encoding))
    return read_dataset_2(folder)


PPG, HR_BPM = pulse(TIME_S), np.full(COUNT, 72.0)
PLAIN = as_rows(PPG, HR_BPM, TIME_S)
DECIMAL_COMMAS = as_rows(PPG, HR_BPM, TIME_S, "{:.5f}", " ").replace(".", ",")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(PLAIN, "utf-8-sig", id="a mark"),
        pytest.param(PLAIN, "utf-16", id="UTF-16"),
        pytest.param(PLAIN.replace("\n", "\r\n") + "\r\n\r\n", "utf-8", id="CR LF, lines behind"),
        pytest.param(as_rows(PPG, HR_BPM, TIME_S, "{:.5f}", ";", ";\n"), "utf-8", id="semicolons"),
        pytest.param(as_rows(PPG, HR_BPM, TIME_S, "{:.5f}", ",", "\n"), "utf-8", id="commas"),
        pytest.param(DECIMAL_COMMAS, "utf-8", id="decimal commas"),
        pytest.param(PLAIN.replace("-", "\u2212").replace("e\u2212", "e-"), "utf-8", id="minus"),
        pytest.param("# UBFC\n" + PLAIN, "utf-8", id="a comment"),
    ],
)
def test_forms_of_text_move_no_label(tmp_path, video, text, encoding):
    found = read_2(tmp_path, video, text, encoding)
    assert found.defects == []
    assert found.samples.ppg == pytest.approx(PPG, abs=1e-5)
    assert found.samples.times.time_ns == pytest.approx(TIME_S * 1e9, abs=2e4)


def without_times(places, *, later_s=0.0):
    time_s = TIME_S + later_s * (TIME_S[COUNT // 2] < TIME_S)
    time_s[places] = np.nan
    return as_rows(PPG, HR_BPM, time_s)


def edited(at, value):
    time_s = TIME_S.copy()
    time_s[at] = value
    return as_rows(PPG, HR_BPM, time_s)


COLUMNS = "".join(f"{a} {b} {c}\n" for a, b, c in zip(PPG, HR_BPM, TIME_S, strict=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(as_rows(PPG, HR_BPM, TIME_S * 1e3), "are milliseconds, not", id="ms"),
        pytest.param(as_rows(PPG, HR_BPM, TIME_S * 1e6, "{:.6f}"), "are microseconds", id="us"),
        pytest.param(as_rows(PPG, HR_BPM, TIME_S * 1e9, "{:.6f}"), "are nanoseconds", id="ns"),
        pytest.param(edited(60, 20408.0), "in place 61, +20406 s off", id="one without its dot"),
        pytest.param(edited(-1, 1e12), "in place 150", id="the last one huge"),
        pytest.param(edited(0, -1e30), "in place 1,", id="the first one huge"),
        pytest.param(without_times(slice(0, None, 2)), "75 values of time", id="every other lacks"),
        pytest.param(without_times(slice(50, 110)), "first at 50; laid between", id="2 s lack"),
        pytest.param(without_times(-1), "1 value of time is not", id="the last lacks"),
        pytest.param(COLUMNS, "three columns, not three rows", id="columns"),
        pytest.param(
            as_rows(PPG, [], TIME_S), "heart rate row is empty or all zeros", id="no heart rates"
        ),
    ],
)
def test_what_is_certain_is_mended_and_said(tmp_path, video, text, words):
    found = read_2(tmp_path, video, text)
    assert words in " ".join(found.defects)
    assert found.samples.ppg == pytest.approx(PPG, abs=1e-5)
    assert found.samples.times.time_ns == pytest.approx(TIME_S * 1e9, abs=1.1e6)


def at_rate(count, rate_hz):
    """Return rows of so many labels at a rate of their own."""
    time_s = np.arange(count) / rate_hz
    return as_rows(pulse(time_s), np.full(count, 72.0), time_s)


def in_thousands(values):
    return "  ".join(f"{value:,.1f}" for value in values)


ROWS_APART = "rows of PPG, heart rate and seconds, in this order, found"
WORD_FIRST = "".join(
    f"{name} {line}\n" for name, line in zip(("ppg", "hr", "t"), PLAIN.splitlines(), strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(as_rows(PPG, HR_BPM, np.arange(COUNT)), "count 0, 1, 2", id="frame numbers"),
        pytest.param(as_rows(PPG, HR_BPM, TIME_S * 40), "median step of 1.36", id="a unit of none"),
        pytest.param(as_rows(PPG, HR_BPM, TIME_S[::-1]), "fall from first to last", id="reversed"),
        pytest.param(as_rows(PPG, HR_BPM, np.floor(TIME_S)), "repeat the one", id="whole seconds"),
        pytest.param(as_rows(TIME_S, HR_BPM, PPG), f"{ROWS_APART} .* place 1", id="seconds first"),
        pytest.param(as_rows(PPG, TIME_S, HR_BPM), f"{ROWS_APART} .* place 2", id="seconds second"),
        pytest.param(
            as_rows(HR_BPM + TIME_S // 1 % 3, PPG, TIME_S), f"{ROWS_APART} heart rates in place 1",
            id="heart rates first",
        ),
        pytest.param(
            as_rows(PPG, HR_BPM, TIME_S + (TIME_S > 3) * HOUR_S), "gap of 3600.03 s .* summer time",
            id="an hour ahead",
        ),
        pytest.param(
            as_rows(PPG, HR_BPM, TIME_S + (TIME_S < 2) * HOUR_S), "more than a second out of order",
            id="an hour back",
        ),
        pytest.param(WORD_FIRST, "'ppg' at the beginning of line 1", id="words first"),
        pytest.param(
            at_rate(300, 58.8), "300 labels at 58.8/s, and a video of 150 frames at 30.0/s",
            id="two labels a frame",
        ),
        pytest.param(at_rate(75, 14.7), "75 labels at 14.7/s", id="a label every other frame"),
        pytest.param(at_rate(165, 1.1 * FPS), "165 labels at 32.3/s", id="a tenth too many"),
        pytest.param(at_rate(135, 0.9 * FPS), "135 labels at 26.5/s", id="a tenth too few"),
        pytest.param(
            without_times(slice(50, 110), later_s=20.0),
            "a time for each label, found 60 that lack after the first 50, over 22",
            id="a hole of another length",
        ),
        pytest.param(
            as_rows(PPG, HR_BPM, TIME_S).replace(
                as_rows([], [], PPG).strip(), in_thousands(4000 * PPG)
            ), "'1,014.2' in line 1, and 127 more", id="separators of thousands",
        ),
        pytest.param(
            as_rows(PPG, HR_BPM, TIME_S * 2),
            "heart rate of 72 bpm is that of the PPG at the video", id="twice too slow",
        ),
        pytest.param(
            as_rows(PPG, HR_BPM * 0, TIME_S * 2), "150 labels at 14.7/s", id="without a witness"
        ),
    ],
)
def test_what_is_not_certain_is_refused_with_its_file(tmp_path, video, text, words):
    with pytest.raises(CurationError, match=f"{words}.* in .*subject7.ground_truth.txt"):
        read_2(tmp_path, video, text)


@pytest.mark.parametrize(
    ("ppg", "hr_bpm", "time_s", "words"),
    [
        pytest.param(
            pulse(TIME_S * 1.2), HR_BPM, TIME_S * 1.2,
            "150 labels at 24.5/s, .* at 30.0/s: the times of the labels are used; the device's",
            id="25 for 30, the device agrees",
        ),
        pytest.param(
            pulse(TIME_S), HR_BPM * 0, TIME_S * 1.2, "150 labels at 24.5/s, .* labels are used",
            id="25 for 30, no device",
        ),
        pytest.param(
            PPG, np.full(COUNT, 120.0), TIME_S,
            "device's heart rate is 120.0 bpm, and that of its PPG by these times 7[12]",
            id="another heart rate",
        ),
        pytest.param(np.clip(PPG, -0.25, 0.25), HR_BPM, TIME_S, "saturated: 8[3-7] %", id="cut"),
        pytest.param(PPG * 0 + 5, HR_BPM, TIME_S, "stands still: all its values are 5", id="still"),
    ],
)
def test_what_is_doubtful_is_said(tmp_path, video, ppg, hr_bpm, time_s, words):
    found = read_2(tmp_path, video, as_rows(ppg, hr_bpm, time_s))
    assert re.search(words, "\n".join(found.defects)), found.defects


@pytest.mark.parametrize("every", [20, 40])
def test_fillers_are_left_out_and_the_times_are_not_blamed(tmp_path, video, every):
    ppg = np.round(100 * PPG)
    ppg[3::every] = -9999
    found = read_2(tmp_path, video, as_rows(ppg, HR_BPM, TIME_S))
    (defect,) = found.defects
    assert "of PPG are -9999, which stands for none: all others are -100 to 100; the" in defect
    assert np.flatnonzero(np.isnan(found.samples.ppg)).tolist() == list(range(3, COUNT, every))


@pytest.mark.parametrize(
    ("labels", "rate_hz"), [(165, FPS), (135, FPS), (152, 1.01 * FPS)]
)
def test_labels_that_were_cut_off_have_no_rate_of_their_own(tmp_path, video, labels, rate_hz):
    found = read_2(tmp_path, video, at_rate(labels, rate_hz))
    assert len(found.samples.ppg) == labels
    assert found.samples.times.step_ns == pytest.approx(1e9 / rate_hz, rel=1e-3)


def test_a_ppg_of_any_unit_has_its_rate_without_a_warning(tmp_path, video):
    found = read_2(tmp_path, video, as_rows(1e200 * PPG, HR_BPM * 2, TIME_S))
    assert "and that of its PPG by these times 7" in found.defects[0]


def test_stamps_since_1970_say_when(tmp_path, video):
    first_s = 1392643993.5
    found = read_2(tmp_path, video, as_rows(PPG, HR_BPM, first_s + TIME_S, "{:.4f}"))
    assert found.started_ns == found.started_unix_ns == pytest.approx(first_s * 1e9, abs=1e3)
    assert found.samples.times.time_ns - found.started_ns == pytest.approx(TIME_S * 1e9, abs=1e5)


@pytest.mark.parametrize("zone", ["", "Z"])
def test_clock_times_without_a_zone_are_said_to_be_so(tmp_path, video, zone):
    rows = as_rows(PPG, HR_BPM, TIME_S).splitlines()[:2]
    rows.append(" ".join(f"2014-02-17T13:33:{t:06.3f}{zone}" for t in TIME_S))
    found = read_2(tmp_path, video, "\n".join(rows))
    assert found.started_unix_ns == pytest.approx(1392643980e9 + TIME_S[0] * 1e9, abs=1e6)
    assert ("say no time zone" in " ".join(found.defects)) == (zone == "")


def as_lines(time_ms, values, line="{t:.10g},72,98,{v}\n"):
    return "".join(line.format(t=t, v=v) for t, v in zip(time_ms, values, strict=True))


MS = np.round(np.arange(310) * 16.1)
VALUES = np.round(50 + 40 * pulse(MS / 1000)).astype(int)


def read_1(tmp_path, video, text):
    folder = tmp_path / "5-gt"
    folder.mkdir()
    (folder / "vid.avi").symlink_to(video)
    (folder / "gtdump.xmp").write_text(text, encoding="utf-8")
    return read_dataset_1(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("\ufeff" + as_lines(MS, VALUES), "", id="a mark"),
        pytest.param("ms,hr,spo2,ppg\n" + as_lines(MS, VALUES), "", id="a header"),
        pytest.param(as_lines(MS, VALUES, "{t:.10g};72;98;{v}\r\n"), "", id="semicolons"),
        pytest.param(as_lines(MS, VALUES, "{t:.10g}\t72\t98\t{v}\n"), "", id="tabs"),
        pytest.param(as_lines(MS / 1e3, VALUES), "are seconds, not milliseconds", id="s"),
        pytest.param(as_lines(MS * 1e3, VALUES), "are microseconds, not", id="us"),
    ],
)
def test_dataset_1_is_read_alike(tmp_path, video, text, words):
    found = read_1(tmp_path, video, text)
    assert found.samples.ppg.tolist() == VALUES.tolist()
    assert found.samples.times.time_ns == pytest.approx(MS * 1e6, abs=1e3)
    assert len(found.defects) == 1 + bool(words)
    assert words in found.defects[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(as_lines(np.arange(310), VALUES), "count 0, 1, 2", id="row numbers"),
        pytest.param(as_lines(MS * 31, VALUES), "5 to 1000 a second, found", id="2 Hz"),
        pytest.param(as_lines(VALUES, MS), "rises like ms in place 4", id="columns swapped"),
        pytest.param(as_lines(MS[::-1], VALUES), "fall from first to last", id="reversed"),
        pytest.param(
            as_lines(MS + 1.39e12, VALUES, "{t:.0f},72,98,{v}\n"), "since 1970", id="since 1970"
        ),
    ],
)
def test_dataset_1_is_refused_alike(tmp_path, video, text, words):
    with pytest.raises(CurationError, match=f"{words}.* in .*5-gt.gtdump.xmp"):
        read_1(tmp_path, video, text)


def test_a_line_cut_off_is_named_once(tmp_path, video):
    found = read_1(tmp_path, video, as_lines(MS, VALUES)[:-6])
    assert [text for text in found.defects if "line" in text or "no finite" in text] == [
        "1 lines of gtdump.xmp are not of four numbers, the first is line 310; left out"
    ]
    assert np.isnan(found.samples.ppg).nonzero()[0].tolist() == [309]


def test_half_of_dataset_1_is_said(tmp_path, video):
    found = read_1(tmp_path, video, as_lines(MS[:150], VALUES[:150]))
    assert "PPG and pictures share 2.40 s only" in found.defects[-1]
