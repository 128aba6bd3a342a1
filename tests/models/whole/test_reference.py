"""A PPG beside a video in the texts that people have; its rate in windows."""

import re

import numpy as np
import pytest

from acquire.errors import DeviceError
from models.whole.reference import NamedRate, read_ppg
from tests.support.made_videos import pictures, write_video

BPM, HZ, SECONDS = 66.0, 50.0, 14.0
EPOCH_S = 1_685_590_249.95


def samples():
    time_s = np.arange(round(SECONDS * HZ)) / HZ
    return time_s, np.sin(2 * np.pi * BPM / 60 * time_s)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "v.avi"
    write_video(path, pictures(40))
    return path


def frame_times(tmp_path, begin_s):
    path = tmp_path / "frames.csv"
    path.write_text("frame,timestamp\n" + "".join(
        f"{at},{begin_s + at / 29.97:.6f}\n" for at in range(40)
    ))
    return path


def read(path, video, times=None):
    remarks = []
    return (*read_ppg(path, video, times, remarks=remarks), remarks)


@pytest.mark.parametrize("head", [
    pytest.param("timestamp,bvp\n", id="named"),
    pytest.param("", id="without a head"),
    pytest.param("time_s;pulse\n", id="semicolons"),
])
def test_a_column_of_times_and_one_of_values(tmp_path, video, head):
    path, between = tmp_path / "ppg.csv", ";" if ";" in head else ","
    time_s, ppg = samples()
    path.write_text(head + "".join(
        f"{t:.4f}{between}{v:.5f}\n" for t, v in zip(time_s, ppg, strict=True)
    ))
    reference, times, _ = read(path, video)
    assert times is None
    assert reference.hr_bpm(0.0, 10.0) == pytest.approx(BPM, abs=0.3)
    assert reference.hr_bpm(8.0, 18.0) is None            # it ends at 14 s
    reference.check(10.0)


def test_times_on_the_clock_of_the_frames_count_from_the_first_frame(tmp_path, video):
    path = tmp_path / "ppg.csv"
    time_s, ppg = samples()
    path.write_text("timestamp,bvp\n" + "".join(
        f"{EPOCH_S - 2 + t:.6f},{v:.5f}\n" for t, v in zip(time_s, ppg, strict=True)
    ))
    reference, times, _ = read(path, video, frame_times(tmp_path, EPOCH_S))
    assert times == tmp_path / "frames.csv"
    assert reference.hr_bpm(0.0, 10.0) == pytest.approx(BPM, abs=0.3)
    assert reference.hr_bpm(6.0, 16.0) is None            # the finger began two seconds earlier
    alone, _, _ = read(path, video)
    with pytest.raises(DeviceError, match="name the times of the frames on the clock of the PPG"):
        alone.check(10.0)


def test_three_rows_as_ground_truth_txt_has_them(tmp_path, video):
    path = tmp_path / "ground_truth.txt"
    time_s, ppg = samples()
    path.write_text("\n".join(
        "  ".join(f"{value:.5e}" for value in row) for row in (ppg, 66 + 0 * ppg, time_s)
    ))
    reference, _, _ = read(path, video)
    assert reference.hr_bpm(2.0, 12.0) == pytest.approx(BPM, abs=0.3)


def test_values_alone_take_a_file_of_their_times_and_that_is_said(tmp_path, video):
    path, times = tmp_path / "ppg.txt", tmp_path / "times.txt"
    time_s, ppg = samples()
    lines = [f"{v:.5f}\n" for v in ppg]
    lines[100] = "\n"                                   # a value that lacks keeps its place
    path.write_text("".join(lines))
    times.write_text("".join(f"{t:.5f}\n" for t in time_s))
    reference, of_frames, remarks = read(path, video, times)
    assert of_frames is None
    assert "taken as the PPG's" in remarks[0]
    assert reference.hr_bpm(0.0, 10.0) == pytest.approx(BPM, abs=0.3)
    with pytest.raises(DeviceError, match=r"found 700 values in one column, and no times"):
        read(path, video)


@pytest.mark.parametrize(("text", "said"), [
    pytest.param("t,a,b\n0,1,2\n0.02,2.5,4\n0.04,3.5,1\n0.06,1.5,2\n", "2 columns that could",
                 id="two columns of values"),
    pytest.param("time,ppg\n0,1\n0.04,2\n0.02,3\n0.06,1\n0.08,1\n", "times of the PPG that rise",
                 id="times that fall"),
    pytest.param("time,ppg\n0,1\n1000,2\n2000,3\n", "times in seconds", id="no unit"),
])
def test_what_cannot_be_a_ppg_is_refused(tmp_path, video, text, said):
    path = tmp_path / "ppg.csv"
    path.write_text(text)
    with pytest.raises(DeviceError, match=said):
        read(path, video)


@pytest.mark.parametrize(("name", "found"), [
    *((name, f"only a column named {name}") for name in ("hr", "Pulse_Rate", "SpO2 [%]", "acc_x")),
    ("ppg_red,ppg_ir", "2 columns that could be it"),
])
def test_a_column_that_is_named_otherwise_is_no_ppg(tmp_path, video, name, found):
    path = tmp_path / "ppg.csv"
    values = 1 + name.count(",")
    rows = (f"{t:.4f}" + values * f",{v:.5f}" for t, v in zip(*samples(), strict=True))
    path.write_text("\n".join([f"time,{name}", *rows]))
    with pytest.raises(DeviceError, match=re.escape(f"found {found} in")):
        read(path, video)


@pytest.mark.parametrize(("head", "said"), [
    ("time,spo2,Finger", ["the column named Finger of ppg.csv is taken for the PPG"]),
    ("time,resp,PPG [mV]", []),
])
def test_a_name_that_says_nothing_is_taken_and_said(tmp_path, video, head, said):
    path = tmp_path / "ppg.csv"
    path.write_text("\n".join([head, *(f"{t:.4f},{t:.2f},{v:.5f}" for t, v in zip(
        *samples(), strict=True
    ))]))
    reference, _, remarks = read(path, video)
    assert remarks == said
    assert reference.hr_bpm(0.0, 10.0) == pytest.approx(BPM, abs=0.3)


def test_fillers_and_samples_without_a_number_are_left_out_and_counted(tmp_path, video):
    path = tmp_path / "ppg.csv"
    time_s, ppg = samples()
    cells = [f"{v:.5f}" for v in ppg]
    cells[3::20] = ["-9999"] * len(cells[3::20])
    cells[7] = cells[90] = "NaN"
    path.write_text("time,ppg\n" + "".join(
        f"{t:.4f},{cell}\n" for t, cell in zip(time_s, cells, strict=True)
    ))
    reference, _, remarks = read(path, video)
    assert reference.hr_bpm(0.0, 10.0) == pytest.approx(BPM, abs=0.3)
    assert re.fullmatch(
        "2 samples of 700 in ppg.csv without a number, the first is sample 8: left out\n"
        "ppg.csv: 35 values of PPG are -9999, .* the first is at 3 .*; left out",
        "\n".join(remarks),
    )


def test_heart_rates_in_the_place_of_a_ppg_are_said(tmp_path, video):
    path, times = tmp_path / "hr.csv", tmp_path / "times.txt"
    time_s = np.arange(0, 60, 1 / 30)
    bpm = np.round(72 + 5 * np.sin(time_s.astype(int) / 6), 1)
    times.write_text("".join(f"{t:.5f}\n" for t in time_s))
    said = "hr.csv looks like heart rates in the place of a PPG: values from 67 to 77 that move "
    for text in (
        "".join(f"{value}\n" for value in bpm),
        "".join(f"{t:.5f},{value}\n" for t, value in zip(time_s, bpm, strict=True)),
    ):
        path.write_text(text)
        reference, _, remarks = read(path, video, times if "," not in text else None)
        assert f"{said}slowly and hold no pulse" in remarks
        # held for a second each, they would be read as a pulse of 60 bpm
        assert reference.hr_bpm(0.0, 10.0) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(("change", "why"), [
    (lambda t, v: (t[t > 2], v[t > 2]), "it has samples from 2.0 to 10.0 s only"),
    (lambda t, v: (t[(t < 4) | (t > 7)], v[(t < 4) | (t > 7)]), "no samples from 3.98 to 7.02 s"),
    (lambda t, v: (t, 0 * v + 55), "all its values are 55"),
    (lambda t, v: (t, np.clip(np.random.default_rng(0).normal(size=len(v)), -0.2, 0.2)),
     "% of its values are cut off"),
])
def test_why_no_heart_rate_can_be_told(tmp_path, video, change, why):
    path = tmp_path / "ppg.csv"
    rows = zip(*change(*samples()), strict=True)
    path.write_text("time,ppg\n" + "".join(f"{t:.4f},{v:.5f}\n" for t, v in rows))
    reference, _, _ = read(path, video)
    assert reference.hr_bpm(0.0, 10.0) is None
    assert "from 0.0 to 10.0 s: " in reference.why_missing
    assert why in reference.why_missing


def test_a_ppg_of_a_part_that_no_window_fits_into_is_refused(tmp_path, video):
    path = tmp_path / "ppg.csv"
    path.write_text("time,ppg\n" + "".join(f"{at / 50:.2f},{at % 7}\n" for at in range(150)))
    reference, _, _ = read(path, video)
    with pytest.raises(DeviceError, match=r"found 3\.0 s: samples from 0\.0 to 3\.0 s.*a longer"):
        reference.check(20.0)
    reference.check(3.0)


def test_a_heart_rate_that_no_heart_has_is_refused():
    with pytest.raises(DeviceError, match="from 30 to 240 bpm, found 300"):
        NamedRate(300.0)
