"""Whether a session file was closed, and whether somebody is writing to it."""

import os
import time
from functools import partial

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire.data_folder import root_of
from acquire.errors import Fix, SessionError
from acquire.writing import hold, recordings_of
from dataset.session.follow import find_newest_growing
from dataset.session.hdf5 import (
    SILENT_S,
    is_being_written,
    read_attribute,
    recorder_of,
    was_never_closed,
)
from dataset.session.reader import Session
from tests.support.made_sessions import make_session


@pytest.fixture
def closed(tmp_path):
    return make_session(tmp_path, seconds=0.5)


@pytest.fixture
def unclosed(closed):
    """A file with the flags that a writer sets in its superblock."""
    data = bytearray(closed.read_bytes())
    data[11] = 5
    closed.write_bytes(data)
    return closed


def test_a_closed_file_is_not_being_written_however_young(closed):
    assert not was_never_closed(closed)
    assert not is_being_written(closed)


@pytest.mark.parametrize(("age_s", "is_written"), [
    pytest.param(0.0, True, id="now"), pytest.param(SILENT_S - 2, True, id="a moment ago"),
    pytest.param(SILENT_S + 1, False, id="long ago"),
    pytest.param(-3600.0, False, id="in the future, by a clock that was wrong"),
])
def test_an_unclosed_file_is_being_written_while_it_is_young(unclosed, age_s, is_written):
    then_s = time.time() - age_s
    os.utime(unclosed, (then_s, then_s))
    assert was_never_closed(unclosed)
    assert is_being_written(unclosed) == is_written


def test_the_lock_of_the_subject_tells_who_records(tmp_path):
    path = make_session(tmp_path, seconds=0.5, complete=False)
    with h5py.File(path, "r+", libver="latest") as file:
        file.swmr_mode = True
        file.flush()
        assert recorder_of(path) == ""
        cut_short = path.with_name("S01-20250101T000000Z.h5")
        cut_short.write_bytes(path.read_bytes())
        os.utime(cut_short, (0, 0))
        shown = partial(CliRunner().invoke, app)
        assert "cut short; `acq recover` makes it" in shown(["info", str(cut_short)]).stdout
        assert "or cut short a moment ago" in shown(["info", str(path)]).stdout
        with hold(tmp_path, recordings_of("S01")):
            assert recorder_of(path) == f"process {os.getpid()}"
            assert recorder_of(cut_short) == ""
            said = shown(["info", str(path)]).stdout
            assert f"still recording (process {os.getpid()})" in said
            assert "so far; placed again when it is closed" in said
            assert f"still recording (process {os.getpid()})" in shown(
                ["ls", "--quiet", "--data", str(tmp_path)]
            ).stdout
            os.utime(path, (1, 1))                  # its recorder was stopped, or waits for a disk
            assert find_newest_growing(tmp_path) == path
    assert recorder_of(path) == ""


def test_what_is_no_file_was_never_begun(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    for name in ("none.h5", "pipe.h5", "."):
        assert not was_never_closed(tmp_path / name)
        assert not is_being_written(tmp_path / name)


def test_an_attribute_is_read_as_h5py_reads_it(tmp_path):
    values = [
        "x", "", "\u00e9", np.bytes_(b"\xff"), b"x", 5, -1.5, True, np.uint16(7), np.float32(0.1),
        np.array([1]), np.zeros((0,)), ["a", "b"], h5py.Empty("f"), np.array((1, 2.0), "i4,f8"),
    ]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for at, value in enumerate(values):
            file.attrs[str(at)] = value
        file.attrs.create("fixed", "x", dtype=h5py.string_dtype("utf-8", 3))
        for _ in range(2):              # the second time by what is known of the types
            for name, expected in file.attrs.items():
                found = read_attribute(file, name)
                assert type(found) is type(expected)
                assert repr(found) == repr(expected)


def test_an_hdf5_file_of_another_program_is_not_to_be_recovered(tmp_path, closed, acq_here):
    other = closed.with_name("S01-20260102T090000Z.h5")
    with h5py.File(other, "w") as file:
        file["x"] = [1.0, 2.0]
    with pytest.raises(SessionError, match="schema acq-session, found 'none'") as caught:
        Session(other)
    assert caught.value.fix is Fix.MOVE_AWAY
    done = acq_here("split", "--holdout", "S01", "--data", root_of(other), "--quiet")
    assert done.returncode == 1
    assert "move it away" in done.stderr
    assert "acq recover" not in done.stderr
