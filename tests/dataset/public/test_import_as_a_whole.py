"""`acq import` of a set as a whole: what ends it, and what is said once for many recordings."""

import errno
import os

import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire.errors import SessionError
from dataset.public.import_set import import_set
from tests.support.public_sets import make_dataset_2


def test_a_full_disk_ends_an_import_at_the_first_recording(tmp_path, monkeypatch):
    for number in (1, 2, 3):
        make_dataset_2(tmp_path / f"set/subject{number}")
    tried = []

    def fill_the_disk(recording, path, **_):
        tried.append(path)
        raise SessionError(
            expected="to write the session file", found=os.strerror(errno.ENOSPC), where=path
        )

    monkeypatch.setattr("dataset.public.import_set.write_recording", fill_the_disk)
    with pytest.raises(SessionError, match="room for 3 recordings more"):
        list(import_set(tmp_path / "set", tmp_path / "data"))
    assert len(tried) == 1


def test_what_is_true_of_a_whole_set_is_said_once_with_a_count(tmp_path):
    for number in (1, 2, 3):
        make_dataset_2(tmp_path / f"set/subject{number}")
    done = CliRunner().invoke(
        app, ["import", str(tmp_path / "set"), "--data", str(tmp_path / "data")]
    )
    lines = [line for line in done.stderr.splitlines() if "2 label stamps repeat" in line]
    assert len(lines) == 2
    assert lines[0].startswith("subject1: ")
    assert lines[1].startswith("the same in 2 more recordings: subject1: ")
