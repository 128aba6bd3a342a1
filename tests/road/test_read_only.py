"""A data folder on a disk that is mounted read-only: it can be looked at, and no verb hides that
it could not write.
"""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder
from dataset.face.frames import read_face_frames
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from tests.support.curated_folders import make_entry, write_curated_folders
from tests.support.made_sessions import make_session

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="needs root to mount a folder read-only"
)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Two recordings and a curated folder that nobody can write."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    data = tmp_path / "data"
    for subject in ("S01", "S02"):
        make_session(data, subject, seconds=3.0)
    split = split_by_subject(identify_sessions(data), holdout=["S02"])
    write_split(split, data_folder.split_file(data))
    subprocess.run(["mount", "--bind", data, data], check=True)
    yield data
    subprocess.run(["umount", data], check=True)


def seal(data):
    subprocess.run(["mount", "-o", "remount,bind,ro", data], check=True)


def run(*words, data):
    return CliRunner().invoke(app, [*map(str, words), "--data", str(data)])


def test_it_is_looked_at_as_any_other(data):
    seal(data)
    session = data_folder.session_files(data)[0]
    for words in (
        ["ls"], ["info", session], ["exclude"], ["runs"], ["verify", "--quiet"],
        ["withdraw", "S01", "--dry-run", "--quiet"],
    ):
        done = run(*words, data=data)
        assert done.exit_code == 0, (words, done.output, done.exception)


def test_what_would_write_is_told_in_the_system_s_words(data):
    seal(data)
    session = data_folder.session_files(data)[0].stem
    for words in (
        ["qc", "--quiet"], ["split", "--holdout", "S01", "--force"],
        ["exclude", session, "--reason", "x"], ["convert", "--quiet"], ["card"],
        ["withdraw", "S01", "--yes", "--quiet"],
    ):
        done = run(*words, data=data)
        assert isinstance(done.exception, OSError), (words, done.output)
        assert "Read-only file system" in str(done.exception)


def test_faces_are_kept_in_the_home_and_found_there(data, tmp_path):
    write_curated_folders(data, [make_entry(1, "train", "S01")])
    seal(data)
    video = data / "ubfc/train/subject1/vid.avi"
    made = read_face_frames(video, cache=data_folder.frames_cache(data))
    home = tmp_path / "home" / "acq" / "frames"
    assert sorted(path.suffix for path in home.iterdir()) == [".json", ".npy"]
    assert home.stat().st_mode & 0o077 == 0
    kept = read_face_frames(video, cache=data_folder.frames_cache(data))
    assert (kept.frames == made.frames).all()
    assert kept.frames.filename.parent == home            # not made again
