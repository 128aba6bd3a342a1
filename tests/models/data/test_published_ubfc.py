"""A published set with a person twice, or a virtual one, is refused before faces are found."""

import shutil

import av
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.camera.video_mark import SIMULATED_MARK
from acquire.errors import CurationError, SplitError, TrainingError
from models.data.published_ubfc import _subject_folders, load_dataset_2
from tests.support.public_sets import FPS, make_dataset_2


@pytest.fixture
def published(tmp_path):
    root = tmp_path / "set"
    for number in (1, 2):
        times = np.round(np.arange(300) / FPS, 6)
        make_dataset_2(root / f"subject{number}", person=number, time_s=times)
    return root


def mark(video):
    """Write a video anew with the mark of simulated pictures."""
    with av.open(str(video)) as old, av.open(str(video) + ".avi", "w") as new:
        new.metadata["comment"] = SIMULATED_MARK
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    video.with_name("vid.avi.avi").replace(video)


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        pytest.param(
            lambda root: shutil.copytree(root / "subject1", root / "subject01"), SplitError,
            "each number once, found subject01 and subject1", id="a leading zero",
        ),
        pytest.param(
            lambda root: shutil.copytree(root / "subject1", root / "subject7"), SplitError,
            "found subject1 and subject7 with the same PPG", id="a copy under another number",
        ),
        pytest.param(
            lambda root: mark(root / "subject2" / "vid.avi"), TrainingError,
            r"found both \(virtual ones: subject2\)", id="a virtual subject among real ones",
        ),
    ],
)
def test_one_person_twice_and_a_virtual_one_are_refused(published, tmp_path, spoil, error, words):
    spoil(published)
    with pytest.raises(error, match=words):
        load_dataset_2(published, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_no_folder_is_left_out_without_a_word(published):
    for name in ("Subject3", "subject4 (copy)", "subject５"):
        (published / name).mkdir()
    folders, defects = _subject_folders(published)
    assert [folder.name for folder in folders] == ["subject1", "subject2"]
    assert sorted(defect.partition(":")[0] for defect in defects) == [
        "Subject3", "subject4 (copy)", "subject５"
    ]


def test_times_that_are_not_certain_are_refused_before_faces_are_found(published, tmp_path):
    labels = published / "subject2" / "ground_truth.txt"
    rows = np.loadtxt(labels)
    np.savetxt(labels, np.vstack([rows[:2], np.arange(rows.shape[1])]))
    with pytest.raises(CurationError, match=r"found numbers that count 0, 1, 2 in .*subject2"):
        load_dataset_2(published, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
