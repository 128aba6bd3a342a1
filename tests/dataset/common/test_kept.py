"""What was read of a file is kept while the file stays as it is, and then read again."""

import os

import pytest

from dataset.common.kept import KeptByState


@pytest.fixture
def files(tmp_path):
    """Return a file that was written long ago, the name of another beside it, and a reader."""
    path, beside = tmp_path / "a", tmp_path / "b"
    path.write_text("one")
    os.utime(path, (1, 1))
    reads = []

    def read(path):
        reads.append(path.read_text())
        return reads[-1]

    return path, beside, read, reads


def test_a_file_is_read_once_while_it_is_unchanged(files):
    path, beside, read, reads = files
    kept = KeptByState()
    assert [kept.get(path, read, beside) for _ in range(3)] == ["one"] * 3
    assert reads == ["one"]


@pytest.mark.parametrize("change", ["size", "time", "another file", "beside", "gone"])
def test_a_change_is_seen(files, change):
    path, beside, read, reads = files
    kept = KeptByState()
    kept.get(path, read, beside)
    if change == "size":
        path.write_text("longer")
        os.utime(path, (1, 1))
    elif change == "time":
        os.utime(path, (9, 9))
    elif change == "another file":
        other = path.with_name("other")
        other.write_text("two")
        os.utime(other, (1, 1))
        other.replace(path)
    elif change == "beside":
        beside.write_text("x")
    else:
        kept.forget_others([])
    kept.get(path, read, beside)
    assert len(reads) == 2


def test_a_file_that_was_written_a_moment_ago_is_read_again(files):
    path, beside, read, reads = files
    os.utime(path)
    kept = KeptByState()
    kept.get(path, read, beside)
    kept.get(path, read, beside)
    assert len(reads) == 2
