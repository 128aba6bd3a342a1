"""A session file that is deleted or moved while it is written."""

import shutil
import sys
from pathlib import Path

import pytest

from acquire.errors import SessionError
from acquire.session.place import DeletedError
from dataset.session.reader import Session
from tests.support.session_writing import numbered_sample, open_writer

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells where an open file is"
)


NAME = "sessions/S01/S01-20260101T090000Z.h5"


@pytest.mark.parametrize("what", [NAME, "sessions/S01", ""])
def test_one_that_is_deleted_is_an_error_at_the_next_flush_and_on_closing(tmp_path, what):
    writer = open_writer(tmp_path / "data" / NAME)
    writer.add_sample(**numbered_sample(0))
    writer.flush()
    deleted = tmp_path / "data" / what
    deleted.unlink() if deleted.is_file() else shutil.rmtree(deleted)
    with pytest.raises(SessionError, match="nothing of it is left"):
        writer.flush()
    with pytest.raises(DeletedError, match="deleted meanwhile"):
        writer.close(complete=True)
    writer.close(complete=False)               # as often as one likes
    assert not list(tmp_path.rglob("*.h5"))


def test_one_that_is_moved_is_written_on_and_closed_at_its_new_place(tmp_path):
    with open_writer(tmp_path / "data" / NAME) as writer:
        writer.add_sample(**numbered_sample(0))
        writer.flush()
        (tmp_path / "data").rename(tmp_path / "other")
        writer.add_sample(**numbered_sample(1))
        writer.flush()
        writer.close(complete=True)
    assert writer.path == tmp_path / "other" / NAME
    with Session(writer.path) as session:
        assert session.complete
        assert len(session.ppg) == 2


def test_the_place_of_a_relative_path_stays_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
    with open_writer(Path("linked/data") / NAME) as writer:
        writer.flush()
        writer.close(complete=True)
    assert writer.path == Path("linked/data") / NAME
