"""COHFACE: HDF5 at 256 Hz beside a video that is compressed hard; a session a folder."""

import shutil

import h5py
import numpy as np
import pytest

from dataset.public.readers.cohface import COHFACE
from dataset.public.sets import find_set
from dataset.session.reader import Session
from tests.support.pulsing_sets import check_pulse, import_all, import_one, make_cohface, refusal

SESSION = "data/sessions/COHFACE-1/COHFACE-1-0.h5"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, ""),
        ({"with_time": False}, "nominal, at the set's 256/s"),
        ({"with_time": False, "attributes": [("sample-rate-hz", 256.0)]}, "256/s as the file says"),
    ],
)
def test_a_session_comes_over_and_its_compression_is_named(tmp_path, made, said):
    make_cohface(tmp_path / "set", **made)
    assert find_set(tmp_path / "set") == "cohface"
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.folder, found.session, found.subject) == ("1/0", "COHFACE-1-0", "COHFACE-1")
    assert (found.frames, found.samples) == (120, 1536)
    defects = " ".join(found.defects)
    assert said in defects
    assert "compressed with loss as it is published (mpeg4 at " in defects
    assert "frame times are not published; nominal, by the video's rate" in defects
    check_pulse(tmp_path / SESSION)
    with Session(tmp_path / SESSION) as session:
        assert session.sensor.rate_hz == 256
        assert session.camera.fps == 20


def test_sessions_of_a_subject_are_told_apart_and_other_folders_named(tmp_path):
    make_cohface(tmp_path / "set", session=0)
    make_cohface(tmp_path / "set", session=3)
    (tmp_path / "set/1/3/data.hdf5").unlink()
    (tmp_path / "set/2/0").mkdir(parents=True)
    (tmp_path / "set/protocols").mkdir()
    found = import_all(tmp_path / "set", tmp_path / "data")
    assert found.pop("1/0").value.session == "COHFACE-1-0"
    assert {name: one.cause.found for name, one in found.items()} == {
        "1/3": "data.avi", "2": "0", "protocols": "another name",
    }


@pytest.mark.parametrize("nested", ["", "1", "1/1"])
def test_a_session_with_its_subjects_number_is_no_nested_copy(tmp_path, nested):
    subject = tmp_path / "set/1" / nested
    for name in ("0", "1", "2/2", "3"):
        (subject / name).mkdir(parents=True)
        (subject / name / "data.avi").touch()
    found = COHFACE.find(tmp_path / "set/1", "1")
    assert [(one.path, one.subject) for one in found] == [
        (subject / name, "1") for name in "0123"
    ]
    for name in "023":
        shutil.rmtree(subject / name)
    assert [one.path for one in COHFACE.find(tmp_path / "set/1", "1")] == [subject / "1"]


def test_a_video_that_is_shorter_than_the_signal_is_said(tmp_path):
    make_cohface(tmp_path / "set", seconds=4.0)
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert "PPG and pictures share 3.95 s only" in found.defects[-1]


@pytest.mark.parametrize("place", [0, 700])
def test_a_lone_time_far_from_all_others_is_laid_between_its_neighbours(tmp_path, place):
    folder = make_cohface(tmp_path / "set")
    with h5py.File(folder / "data.hdf5", "r+") as file:
        file["time"][place] = 1e12
    found = import_one(tmp_path / "set", tmp_path / "data")
    defects = " ".join(found.defects)
    assert f"1 sample stamps lie far from all others, the first in place {place + 1}, over +" \
        in defects
    assert "counted from it" not in defects
    check_pulse(tmp_path / SESSION)


def damage(path, kind):
    if kind in ("cut", "text", "empty"):
        content = {"cut": path.read_bytes()[:3000], "text": b"pulse 1 2 3", "empty": b""}[kind]
        path.write_bytes(content)
        return
    with h5py.File(path, "r+") as file:
        if kind == "rate":
            file.attrs["sample-rate-hz"] = "fast"
            del file["time"]
        elif kind == "short time":
            del file["time"]
            file["time"] = np.arange(1000) / 256
        elif kind == "jump":
            file["time"][:] += 1e12 * (np.arange(1536) >= 50)
        elif kind == "counted":
            file["time"][:] = np.arange(1536)
        elif kind == "link":
            del file["pulse"]
            file["pulse"] = h5py.ExternalLink("other.h5", "/pulse")
        elif kind == "text inside":
            del file["pulse"]
            file["pulse"] = "no numbers"
        elif kind == "table":
            del file["pulse"]
            file["pulse"] = np.ones((40, 40))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("cut", "expected a whole HDF5 file, found one that is cut short"),
        ("text", "expected a whole HDF5 file, found none"),
        ("empty", "expected a whole HDF5 file, found none"),
        ("rate", "expected the attribute sample-rate-hz as a number, found 'fast'"),
        ("short time", "expected time of each of 1536 values of pulse, found 1000"),
        ("counted", "found numbers that count 0, 1, 2"),
        ("jump", "a step from 0.191406 to 1e+12 seconds after the first 50 of 1536"),
        ("link", "expected the array pulse, found a link, which is not followed"),
        ("text inside", "expected the array pulse, found something else"),
        ("table", "found 40 x 40"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, kind, words):
    folder = make_cohface(tmp_path / "set", seconds=1.0)
    damage(folder / "data.hdf5", kind)
    text = refusal(tmp_path / "set", tmp_path / "data")
    assert words in text
    assert "data.hdf5" in text
