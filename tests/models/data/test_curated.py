"""Curated folders, loaded or refused."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import CurationError, TrainingError
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest, write_manifest
from dataset.layouts.ubfc import read_labels, write_labels
from models.data.curated import load_curated
from models.experiment.run import train_kd
from tests.support.curated_folders import three_entries, write_curated_folders


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_curated_folders(tmp_path_factory.mktemp("curated"), three_entries())



def test_the_second_run_finds_the_frames(data):
    load_curated(data)
    before = {p: p.stat().st_mtime_ns for p in (data / "cache" / "frames").iterdir()}
    assert len(before) == 6
    load_curated(data)
    assert {p: p.stat().st_mtime_ns for p in (data / "cache" / "frames").iterdir()} == before


def test_missing_label_is_refused(tmp_path):
    data = write_curated_folders(tmp_path, three_entries())
    (data / "ubfc/train/subject2/ground_truth.txt").unlink()
    with pytest.raises(CurationError, match=r"train/subject2/ground_truth.txt"):
        load_curated(data)
    assert not (data / "cache").exists()      # refused before any work


def test_half_the_files_gone(tmp_path):
    data = write_curated_folders(tmp_path, three_entries())
    (data / "ubfc/test/subject3/vid.avi").unlink()
    with pytest.raises(CurationError, match=r"test/subject3/vid.avi"):
        load_curated(data)


def test_the_held_out_video_among_those_to_train_on_is_refused(tmp_path):
    data = write_curated_folders(tmp_path, three_entries())
    (data / "ubfc/train/subject1/vid.avi").write_bytes(
        (data / "ubfc/test/subject3/vid.avi").read_bytes()
    )
    with pytest.raises(CurationError, match=r"found another in .*train/subject1/vid.avi"):
        load_curated(data)


def test_ppg_that_is_no_number_is_refused(tmp_path):
    data = write_curated_folders(tmp_path, three_entries(), ppg=lambda t: np.full(len(t), np.nan))
    with pytest.raises(CurationError, match=r"train/subject1/ground_truth.txt"):
        load_curated(data)


def test_flat_ppg_is_refused(tmp_path):
    data = write_curated_folders(tmp_path, three_entries(), ppg=np.zeros_like)
    with pytest.raises(TrainingError, match=r"finger, .*train/subject1/ground_truth.txt"):
        load_curated(data)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(lambda t: t * 4 / 3, r"found 7\.50 in .*test/subject3", id="too slow"),
        pytest.param(
            lambda t: t * 0.8, "without a gap, .*test/subject3", id="shorter than a window"
        ),
        pytest.param(
            lambda t: t + 6 * (t > 6), "without a gap, .*test/subject3",
            id="a gap in every window",
        ),
    ],
)
def test_a_test_recording_without_a_window_is_refused(tmp_path, seconds, words):
    data = write_curated_folders(tmp_path, three_entries())
    folder = data / "ubfc/test/subject3"
    ppg, hr_bpm, time_s = read_labels(folder)
    labels = write_labels(folder, ppg, hr_bpm=hr_bpm, time_s=seconds(time_s))
    manifest = read_manifest(data / "ubfc" / MANIFEST)
    last = manifest.entries[2]
    last = replace(last, labels=replace(last.labels, sha256=labels))
    entries = (*manifest.entries[:2], last)
    write_manifest(replace(manifest, entries=entries), data / "ubfc" / MANIFEST)
    with pytest.raises(TrainingError, match=words):
        load_curated(data)
    assert not (data / "cache").exists()


def test_no_face_is_refused(tmp_path):
    data = write_curated_folders(tmp_path, three_entries(), face=False)
    with pytest.raises(CurationError, match=r"train/subject1/vid.avi"):
        train_kd(data)
    assert not (data / "runs").exists()


def test_nothing_curated(tmp_path):
    with pytest.raises(CurationError, match="manifest"):
        load_curated(tmp_path)
