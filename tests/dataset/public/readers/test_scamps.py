"""SCAMPS: MATLAB 7.3, a file a recording, of nobody: always marked as simulated."""

import h5py
import numpy as np
import pytest

from dataset.public.sets import find_set
from dataset.session.reader import Session
from tests.support.pulsing_sets import (
    check_pulse,
    faces,
    import_all,
    import_one,
    make_scamps,
    pulse,
    refusal,
    times,
)

T_S = times(30)


@pytest.mark.parametrize(("dtype", "chunks"), [(np.float64, True), (np.float32, False)])
def test_a_file_comes_over_as_simulated_with_its_pixels_and_its_pulse(tmp_path, dtype, chunks):
    make_scamps(tmp_path / "set", dtype=dtype, chunks=chunks)
    (tmp_path / "set/ScampsTrainTest.csv").write_text("P000001,train\n")
    assert find_set(tmp_path / "set") == "scamps"
    found = import_one(tmp_path / "set", tmp_path / "data")
    assert (found.session, found.subject, found.defects) == (
        "SCAMPS-P000001", "SCAMPS-P000001", ()
    )
    path = tmp_path / "data/sessions/SCAMPS-P000001/SCAMPS-P000001.h5"
    check_pulse(path)
    with Session(path) as session:
        assert session.simulated
        assert session.imported_from == "SCAMPS"
        shown = faces(T_S)
        assert all((session.frames[at] == shown[at]).all() for at in range(180))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"ppg": pulse(T_S)[:90]}, "a value for each of 180 frames, found 90"),
        ({"frames": faces(T_S).astype(np.float32)}, "values of 0 to 1, found "),
        ({"frames": faces(T_S)[:1] / 255.0}, "height, width and 3 colours, found 1 x 16 x 24 x 3"),
        ({"ppg": np.full(180, np.nan)}, "expected PPG, found 0 values"),
    ],
)
def test_what_is_not_certain_is_refused_in_one_line(tmp_path, made, words):
    make_scamps(tmp_path / "set", chunks=False, **made)
    assert words in refusal(tmp_path / "set", tmp_path / "data")


def test_labels_alone_a_damaged_file_and_another_name_are_named(tmp_path):
    root = tmp_path / "set"
    path = make_scamps(root, name="P000002")
    with h5py.File(path, "r+") as file:
        del file["RawFrames"]
    make_scamps(root, name="P000003").write_bytes(b"cut")
    make_scamps(root, name="example")
    found = import_all(root, tmp_path / "data", which="scamps")
    assert {name: one.cause.expected for name, one in found.items()} == {
        "P000002.mat": "the array RawFrames", "P000003.mat": "a whole HDF5 file",
        "example.mat": "P<six digits>.mat of SCAMPS",
    }
    assert found["P000002.mat"].cause.found == "d_ppg"


def test_a_chunk_that_does_not_inflate_leaves_nothing_behind(tmp_path):
    path = make_scamps(tmp_path / "set")
    with h5py.File(path, "r") as file:
        info = file["RawFrames"].id.get_chunk_info(3)
    with path.open("r+b") as file:
        file.seek(512 + info.byte_offset)
        file.write(b"\xff" * 64)
    assert "found a damaged one" in refusal(tmp_path / "set", tmp_path / "data")


def test_a_chunk_that_inflates_to_more_than_may_be_is_refused(tmp_path):
    path = make_scamps(tmp_path / "set")
    with h5py.File(path, "r+") as file:
        del file["RawFrames"]
        shape = (3, 320, 240, 1200)
        file.create_dataset("RawFrames", shape, "f4", chunks=shape, compression="gzip")
    assert "found chunks of 1054 MB" in refusal(tmp_path / "set", tmp_path / "data")
