"""Readers that others wrote, on what is exported: numpy, OpenCV, PyAV, how readers walk the tree.

The rules describe what those readers do with UBFC-rPPG; none of their code is here.
"""

import os
import re
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dataset.session.reader import Session
from tests.support.made_sessions import make_session


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A data folder of three subjects, one with two sessions, by the commands of the README."""
    from typer.testing import CliRunner

    from acq.main import app

    data = tmp_path_factory.mktemp("readers")
    for number, subject in enumerate(("S01", "S01", "S02", "S03")):
        make_session(data, subject, number + 1, seconds=6.0, bpm=60 + 8 * number)
    for words in (("split", "--holdout", "S03"), ("convert",)):
        done = CliRunner().invoke(app, [*words, "--data", str(data)])
        assert done.exit_code == 0, done.output
    return data


@pytest.fixture(params=["train", "test"])
def root(request, exported):
    return exported / "ubfc" / request.param


def test_a_reader_that_globs_for_subject_and_takes_the_integer(root):
    """A folder is `subject*`, its integer is the subject; equal ones overwrite each other."""
    folders = sorted(root.glob("subject*"))
    assert folders
    numbers = [int(re.search(r"subject(\d+)", folder.name)[1]) for folder in folders]
    assert len(set(numbers)) == len(numbers)
    for folder in folders:
        lines = (folder / "ground_truth.txt").read_text().split("\n")
        bvp = [float(number) for number in lines[0].split()]
        frames = _with_opencv(folder / "vid.avi")
        assert len(frames) == len(bvp) > 100
        assert np.isfinite(bvp).all()
        assert np.std(bvp) > 0


def test_a_reader_that_splits_on_single_spaces(root):
    """A space at the end, or two in a row, would give an empty word, and float() fails."""
    for folder in root.iterdir():
        for line in (folder / "ground_truth.txt").read_text().rstrip("\n").split("\n"):
            assert [float(word) for word in line.split(" ")]


def test_a_reader_that_takes_every_txt_and_avi_in_the_tree(root):
    """It pairs sorted videos with sorted text files: no other of either kind may lie below."""
    found = {
        kind: sorted(
            os.path.join(at, name)
            for at, _, names in os.walk(root)
            for name in names
            if name.endswith(kind)
        )
        for kind in (".avi", ".txt")
    }
    assert [Path(p).parent for p in found[".avi"]] == [Path(p).parent for p in found[".txt"]]
    assert all(
        {p.name for p in folder.iterdir()} == {"vid.avi", "ground_truth.txt"}
        for folder in root.iterdir()
    )


def test_a_reader_that_loads_three_rows_with_numpy(root):
    """`np.loadtxt` gives (3, N): signal, heart rate, time, and warns of nothing."""
    for folder in root.iterdir():
        ppg, hr_bpm, time_s = np.loadtxt(folder / "ground_truth.txt")
        assert len(ppg) == len(hr_bpm) == len(time_s)
        assert time_s[0] == 0
        assert (np.diff(time_s) > 0).all()
        assert (len(time_s) - 1) / time_s[-1] == pytest.approx(30, rel=0.01)
        assert ((hr_bpm > 42) & (hr_bpm < 240)).all()


def test_opencv_and_pyav_see_the_same_pixels_as_the_session(exported, capfd):
    """Frame by frame the session's own pixels; neither library prints a complaint."""
    import json

    manifest = json.loads((exported / "ubfc/manifest.json").read_text())
    files = {path.stem: path for path in (exported / "sessions").rglob("*.h5")}
    for entry in manifest["entries"]:
        video = exported / "ubfc" / entry["folder"] / "vid.avi"
        by_opencv, by_pyav = _with_opencv(video), _with_pyav(video)
        with Session(files[entry["session"]]) as session:
            left_out = sum(part["frames"] for part in entry["trimmed"])
            assert (
                len(by_opencv) == len(by_pyav) == entry["frames"] == len(session.frames) - left_out
            )
            first = (
                entry["trimmed"][0]["frames"]
                if entry["trimmed"] and entry["trimmed"][0]["first"] == 0
                else 0
            )
            for at, (one, other) in enumerate(zip(by_opencv, by_pyav, strict=True)):
                assert (one == other).all()
                assert (one[..., ::-1] == session.frames[first + at]).all()
    out, err = capfd.readouterr()
    assert not out + err


def _with_opencv(path):
    capture = cv2.VideoCapture(str(path))
    assert capture.isOpened()
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(frame)
    capture.release()
    assert len(frames) == count              # the header's count: some readers trust it
    return frames


def _with_pyav(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        assert stream.codec_context.name == "rawvideo"
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(stream)]
