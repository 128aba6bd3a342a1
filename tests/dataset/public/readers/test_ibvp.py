"""iBVP: numbered bitmaps or ones named by their time, and a table that marks its own quality."""

import numpy as np
import pytest

from dataset.public.sets import find_set
from dataset.public.write_recording import LABEL
from dataset.session.reader import Session
from tests.support.pulsing_sets import (
    check_pulse,
    faces,
    import_all,
    import_one,
    make_ibvp,
    refusal,
    times,
)

T_S = times(30)
SESSION = "data/sessions/IBVP-01/IBVP-01-a.h5"


def test_a_folder_comes_over_and_its_stretches_of_low_quality_are_events(tmp_path):
    make_ibvp(tmp_path / "set", low=(slice(30, 90), slice(150, 165)))
    assert find_set(tmp_path / "set") == "ibvp"
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.session, found.subject, found.frames, found.samples) == (
        "IBVP-01-a", "IBVP-01", 180, 180
    )
    assert "SQ1 marks 75 of 180 BVP values as of low quality, in 2 stretches, the longest 2.0 s " \
        "at 1.0 s" in found.defects
    check_pulse(tmp_path / SESSION)
    with Session(tmp_path / SESSION) as session:
        shown = faces(T_S)
        assert all((session.frames[at] == shown[at]).all() for at in range(180))
        labels = [(event.time_ns, event.text) for event in session.events if event.kind == LABEL]
    assert labels == [
        (0, "condition rhythmic breathing and rest"),
        (1_000_000_000, "low quality by SQ1 until 2.97 s"),
        (5_000_000_000, "low quality by SQ1 until 5.47 s"),
    ]


def test_a_quality_that_is_none_is_named_and_marks_nothing_low(tmp_path):
    folder = make_ibvp(tmp_path / "set", low=(slice(30, 33),))
    table = folder / "p01_a_bvp.csv"
    header, *rows = (line.split(",") for line in table.read_text().splitlines())
    for at, row in enumerate(rows):
        row[3] = ""                                          # SQ2, throughout
        row[2] = {10: "7", 11: "-1", 12: ""}.get(at, row[2])     # SQ1
    table.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert found.defects[-4:] == (
        "1 value of SQ1 is not finite, the first at 12; the quality there is not known",
        "2 values of SQ1 are not from 0 to 1, the first is 7 at 10; the quality there is not known",
        "SQ1 marks 3 of 180 BVP values as of low quality, in 1 stretch, the longest 0.1 s at 1.0 s",
        "SQ2 holds no value; the quality by it is not known",
    )


def test_names_in_milliseconds_are_the_times_of_frames_and_of_their_values(tmp_path):
    stamps = np.rint(1000 * T_S + np.random.default_rng(2).uniform(0, 8, len(T_S))).astype(int)
    stamps += 1_690_000_000_000
    make_ibvp(tmp_path / "set", names=[str(stamp) for stamp in stamps])
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert found.defects == ("the names of the pictures are taken for times in milliseconds",)
    with Session(tmp_path / SESSION) as session:
        assert (session.frame_time_ns == stamps * 10**6).all()
        assert (session.ppg_time_ns == stamps * 10**6).all()
        assert session.started_unix_ns == stamps[0] * 10**6


def test_numbers_that_lack_are_lost_frames_and_values_stay_with_theirs(tmp_path):
    make_ibvp(tmp_path / "set", missing=(20, 21, 100))
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.frames, found.lost_frames, found.samples) == (177, 3, 180)
    assert "3 numbers between the pictures have none" in found.defects
    check_pulse(tmp_path / SESSION)


def test_a_table_of_another_length_is_not_paired_and_that_is_said(tmp_path):
    make_ibvp(tmp_path / "set", rows=140)
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert "140 BVP values for 180 frames: not paired" in " ".join(found.defects)
    assert "PPG and pictures share 4.63 s only" in found.defects[-1]
    check_pulse(tmp_path / SESSION)


def test_a_condition_that_the_set_does_not_have_is_kept_and_said(tmp_path):
    make_ibvp(tmp_path / "set", name="p01_e")
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert "condition e is none of the set's, a, b, c, d; kept" in found.defects


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"header": False}, "expected a header with BVP, found none"),
        ({"names": [f"{7 * at**2}" for at in range(180)]}, "or times in milliseconds, found"),
        ({"names": ["frame"] * 180}, "expected pictures <number>.bmp, found frame.bmp"),
        ({"rows": 12}, "expected at least 20 values of BVP, found 12"),
        ({"missing": range(2, 180)}, "expected pictures <number>.bmp, found 00000.bmp, 00001.bmp"),
    ],
)
def test_what_is_not_certain_is_refused_in_one_line(tmp_path, made, words):
    make_ibvp(tmp_path / "set", **made)
    assert words in refusal(tmp_path / "set", tmp_path / "data")


def test_a_missing_table_and_damaged_pictures_are_named(tmp_path):
    folder = make_ibvp(tmp_path / "set")
    pictures = sorted((folder / "p01_a_rgb").iterdir())
    for path in pictures[5:8]:
        path.write_bytes(path.read_bytes()[:200])
    pictures[9].write_bytes(b"")
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert "4 pictures do not decode as 24x16 of 8-bit RGB, the first is 00005.bmp" in " ".join(
        found.defects
    )
    assert found.lost_frames == 4
    (folder / "p01_a_bvp.csv").rename(folder / "bvp.csv")
    assert "expected p01_a_bvp.csv, found bvp.csv" in refusal(tmp_path / "set", tmp_path / "other")


def test_a_folder_of_more_recordings_is_named_and_not_walked_into(tmp_path):
    make_ibvp(tmp_path / "set/Confidential_No-media-use", name="p08_a")
    (tmp_path / "set/p01_b").mkdir()
    found = import_all(tmp_path / "set", tmp_path / "data")
    confidential = found["Confidential_No-media-use"].cause
    assert (confidential.found, confidential.fix) == ("a folder of them", "import it by itself")
    assert found["p01_b"].cause.found == "nothing"
