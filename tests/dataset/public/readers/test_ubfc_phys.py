"""UBFC-Phys: three tasks a folder, a wristband at 64 Hz beside Motion JPEG, and no times."""

import pytest

from dataset.public.sets import find_set
from dataset.public.write_recording import LABEL
from dataset.session.reader import Session
from tests.support.pulsing_sets import check_pulse, import_all, import_one, make_ubfc_phys, refusal


def test_a_task_comes_over_with_its_pulse_its_lag_and_its_labels(tmp_path):
    make_ubfc_phys(tmp_path / "set")
    assert find_set(tmp_path / "set") == "ubfc-phys"
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.folder, found.session, found.subject) == (
        "s1/vid_s1_T1.avi", "UBFCPHYS-1-T1", "UBFCPHYS-1"
    )
    assert (found.frames, found.samples) == (210, 384)
    path = tmp_path / "data/sessions/UBFCPHYS-1/UBFCPHYS-1-T1.h5"
    check_pulse(path)
    with Session(path) as session:
        assert session.sensor.rate_hz == 64
        assert session.camera.fps == 35
        labels = [event.text for event in session.events if event.kind == LABEL]
    assert labels == ["task T1: rest", "group ctrl"]
    assert len(found.defects) == 2
    assert "compressed with loss as it is published (mjpeg at " in found.defects[0]
    assert "64 BVP values/s and 35 frames/s, by the video's header" in found.defects[1]


def test_tasks_are_recordings_of_one_subject_and_each_lack_is_named(tmp_path):
    folder = make_ubfc_phys(tmp_path / "set", seconds=1.0)
    make_ubfc_phys(tmp_path / "set", task="T2", bpm=96, bvp_s=4.5)
    make_ubfc_phys(tmp_path / "set", task="T3", seconds=1.0)
    (folder / "bvp_s1_T1.csv").unlink()
    (folder / "vid_s1_T3.avi").unlink()
    (folder / "vid_s2_T1.avi").write_bytes(b"of another folder")
    (tmp_path / "set/s3").mkdir()
    (tmp_path / "set/s3/eda_s3_T1.csv").write_text("0.1\n")
    (tmp_path / "set/s4").mkdir()
    (tmp_path / "set/s4/bvp_s4_T1.csv").write_text("0.1\n" * 64)
    found = import_all(tmp_path / "set", tmp_path / "data")
    made = found.pop("s1/vid_s1_T2.avi").value
    assert (made.session, made.subject) == ("UBFCPHYS-1-T2", "UBFCPHYS-1")
    assert "PPG and pictures share 4.48 s only" in made.defects[-1]
    check_pulse(tmp_path / "data/sessions/UBFCPHYS-1/UBFCPHYS-1-T2.h5", bpm=96)
    assert {name: outcome.cause.found for name, outcome in found.items()} == {
        "s1/vid_s1_T1.avi": "bvp_s1_T3.csv, which has no video",       # one of them is misnamed
        "s1/vid_s2_T1.avi": "vid_s2_T1.avi", "s3": "eda_s3_T1.csv",
        "s4/bvp_s4_T1.csv": "nothing",
    }


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (None, "group (info_s1.txt is not there)"),
        (b"\xff\xfe\x00s", "group (info_s1.txt holds neither test nor ctrl)"),
        (b"s10\nf\nctrl\n", "group (info_s1.txt is of s10)"),
    ],
)
def test_labels_that_lack_are_damaged_or_of_another_person_are_named(tmp_path, info, said):
    folder = make_ubfc_phys(tmp_path / "set", task="T4", seconds=1.0, bvp_s=1.0)
    path = folder / "info_s1.txt"
    path.unlink() if info is None else path.write_bytes(info)
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert f"labels that are missing: {said}" in found.defects
    assert "task T4 is none of the set's, T1, T2, T3" in found.defects
    with Session(tmp_path / "data/sessions/UBFCPHYS-1/UBFCPHYS-1-T4.h5") as session:
        labels = [event.text for event in session.events if event.kind == LABEL]
    assert labels == ["task T4: not known"]


def test_names_of_another_case_are_one_recording(tmp_path):
    folder = make_ubfc_phys(tmp_path / "set", seconds=1.0, bvp_s=1.0)
    (folder / "bvp_s1_T1.csv").rename(folder / "BVP_S1_t1.CSV")
    (folder / "vid_s1_T1.avi").rename(folder / "VID_s1_T1.AVI")
    assert import_one(tmp_path / "set", tmp_path / "data").session == "UBFCPHYS-1-T1"


@pytest.mark.parametrize(
    ("head", "defect"),
    [
        ("1577880000.000000\n64.000000\n", "begins with a time since 1970 and a rate of 64/s"),
        ("bvp\n", "begins with the words 'bvp'"),
        ("nan\n", "1 value of BVP is not finite, the first at 0"),
    ],
)
def test_what_stands_above_the_numbers_is_named_and_left_out(tmp_path, head, defect):
    make_ubfc_phys(tmp_path / "set", head=head)
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert defect in " ".join(found.defects)
    late_s = 1 / 64 if head == "nan\n" else 0.0
    check_pulse(tmp_path / "data/sessions/UBFCPHYS-1/UBFCPHYS-1-T1.h5", lag_s=0.15 - late_s)


def test_a_blank_line_and_a_value_out_of_range_are_values_that_lack(tmp_path):
    bvp = make_ubfc_phys(tmp_path / "set") / "bvp_s1_T1.csv"
    lines = bvp.read_text().splitlines()
    for at, word in ((100, "nan"), (101, ""), (102, "NaN"), (103, "-"), (200, ""), (250, "1e9")):
        lines[at] = word
    bvp.write_text("\n".join(lines) + "\n\n\n")
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.samples, found.lost_samples) == (378, 6)
    assert "5 values of BVP are not finite, the first at 100" in " ".join(found.defects)
    assert "1 value of PPG out of range: the first is 1e+09 at 250 (3.91 s)" in found.defects[-1]
    with Session(tmp_path / "data/sessions/UBFCPHYS-1/UBFCPHYS-1-T1.h5") as session:
        assert session.ppg_time_ns[-1] == round(383e9 / 64)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.1,0.2\n" * 90, "expected one number a line, found 2 in line 1"),
        ("0.5\n" * 9, "expected at least 20 values of BVP, found 9"),
        ("0.5\nlost\nlost\nlost\n" * 30, "'lost' at the beginning of line 2, and 89 more"),
        ("", "expected at least 20 values of BVP, found 0"),
        ("\x00\x01\x02", "found bytes that are none"),
        ("0.5\n" * 128, "beside a video of 1.00 s, found 128, as many as 128/s would have"),
    ],
)
def test_numbers_that_are_none_are_refused_in_one_line(tmp_path, text, words):
    folder = make_ubfc_phys(tmp_path / "set", seconds=1.0)
    (folder / "bvp_s1_T1.csv").write_text(text)
    assert words in refusal(tmp_path / "set", tmp_path / "data")
