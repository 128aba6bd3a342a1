"""Whether a session file was closed, and whether somebody is writing to it."""

import os
import time

import pytest

from dataset.session.hdf5 import SILENT_S, is_being_written, was_never_closed
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


def test_what_is_no_file_was_never_begun(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    for name in ("none.h5", "pipe.h5", "."):
        assert not was_never_closed(tmp_path / name)
        assert not is_being_written(tmp_path / name)
