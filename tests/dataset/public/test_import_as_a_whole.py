"""`acq import` of a set as a whole: what ends it, and what is said once for many recordings."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acq.commands.import_ import _described, _print_each
from acq.main import app
from acquire.errors import SessionError
from dataset.common.workers import Outcome
from dataset.public.import_set import ImportedFolder, import_set
from tests.support.public_sets import make_dataset_2
from tests.support.pulsing_sets import faces, make_mmpd, pulse, times


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
    assert "subject1 -> UBFC2-1: " in done.stdout
    lines = [line for line in done.stderr.splitlines() if "2 label stamps repeat" in line]
    assert len(lines) == 2
    assert lines[0].startswith("subject1: ")
    assert lines[1].startswith("the same in 2 more recordings: subject2, subject3 (as in subject1")


def test_a_defect_of_folders_that_are_numbers_is_told_once(capsys):
    """COHFACE names its recordings 1/0, 1/1: the number is no file's name in the words."""
    def outcome(folder):
        one = ImportedFolder(folder, "X", "X", 9, 9, 0, 0, False, ("10 of 101 repeat",), False)
        return Path(folder), Outcome(one)

    _print_each(map(outcome, ("1/0", "1/1", "2/0", "2/1")), Path(), as_json=True)
    assert capsys.readouterr().err.splitlines() == [
        "1/0: 10 of 101 repeat",
        "the same in 3 more recordings: 1/1, 2/0, 2/1 (as in 1/0: 10 of 101 repeat)",
    ]


def test_a_subject_that_the_session_s_id_does_not_begin_with_is_told():
    made = ImportedFolder("subject4", "UBFC2-4", "UBFC2-S04", 30, 25, 0, 0, False, (), False)
    assert _described(made).startswith("subject4 -> UBFC2-4 of UBFC2-S04: 30 frames")
    same = replace(made, session="UBFC2-S04-2", kept=True)
    assert _described(same).startswith("subject4 -> UBFC2-S04-2 (was there): ")


@pytest.mark.parametrize("copies", [2, 3])
def test_what_an_import_warns_of_is_worded_as_no_error(tmp_path, acq_here, copies):
    """It ends with 0: an error says what was expected, and ends with 1."""
    (tmp_path / "data/sessions/S09").mkdir(parents=True)
    (tmp_path / "data/sessions/S09/S09-1.H5").touch()
    for number in range(1, copies + 1):
        make_mmpd(tmp_path / "set", number=number)
    first, *others = sorted((tmp_path / "set").rglob("*.mat"))
    for other in others:
        shutil.copy(first, other)           # a file's head holds the second in which it was made
    done = acq_here("import", tmp_path / "set")
    assert done.returncode == 0
    unread, copied = [line for line in done.stderr.splitlines() if line.startswith("acq: ")]
    assert unread.startswith("acq: not read by anything in data/sessions: S09/S09-1.H5; ")
    assert copied.startswith(
        "acq: recorded of one person and under several subjects, which no split takes: "
    )
    assert copied.count("-0 of MMPD-") == copies
    assert "expected" not in done.stderr


def test_what_came_over_with_nothing_to_learn_from_is_counted_and_named(tmp_path, acq_here):
    make_mmpd(tmp_path / "set", number=1)
    make_mmpd(tmp_path / "set", number=2, GT_ppg=np.zeros((1, 180)))
    make_mmpd(tmp_path / "set", number=3, video=np.zeros((180, 16, 24, 3), np.float32))
    for number, seconds in ((4, 3.5), (5, 2.0)):
        t_s = times(30, seconds)
        make_mmpd(
            tmp_path / "set", number=number, GT_ppg=pulse(t_s)[None, :],
            video=faces(t_s).astype(np.float32) / np.float32(255),
        )
    words = ("import", tmp_path / "set", "--data", tmp_path / "data")
    done = acq_here(*words)
    assert done.returncode == 0, done.stderr
    assert "imported 5 recordings; nothing to learn from in 4 of the imported" in done.stdout
    told = json.loads(acq_here(*words, "--json").stdout)["nothing_to_learn_from"]     # kept ones
    assert told == {
        "MMPD-2-0": "expected a pulse, found PPG that is flat",
        "MMPD-3-0": "expected pictures that change, found 9 that are the same to the last pixel",
        "MMPD-4-0": "expected 5 s of pictures with PPG, found 3.47 s",
        "MMPD-5-0": "expected 2.9 s of PPG without a hole, found no run that long in 2.0 s",
    }
    for session, reason in told.items():
        assert f"acq: {session} holds nothing to learn from: {reason}" in done.stderr
