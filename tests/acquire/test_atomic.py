"""Files and folders whole or not at all; what the system refuses has the name that was meant."""

import errno

import pyarrow.parquet
import pytest

from acquire.atomic import atomic_file, atomic_folder, write_text


def test_a_full_disk_is_named_by_the_file_that_was_to_be_written(tmp_path):
    path = tmp_path / "split.json"
    write_text(path, "old")
    with pytest.raises(OSError, match="No space left") as caught, atomic_file(path):
        raise OSError(errno.ENOSPC, "No space left on device")      # as a write does, nameless
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_nameless_error_of_the_system_gets_no_name(tmp_path):
    with pytest.raises(OSError, match="not whole") as caught, atomic_file(tmp_path / "a"):
        raise OSError(errno.EIO, "not whole")       # of what is read meanwhile
    assert caught.value.filename is None


def test_what_the_system_refuses_has_no_temporary_name(tmp_path):
    with pytest.raises(FileExistsError) as caught, atomic_file(
        tmp_path / "a", private=True
    ) as part:
        part.open("x")
    assert caught.value.filename == str(tmp_path / "a")
    with pytest.raises(FileNotFoundError) as caught, atomic_file(tmp_path / "a") as part:
        (part / "none").write_text("")              # Python keeps the path as it was given
    assert caught.value.filename == str(tmp_path / "a" / "none")
    with pytest.raises(FileNotFoundError) as caught, atomic_file(tmp_path / "a") as part:
        pyarrow.parquet.write_table(pyarrow.table({}), part / "none" / "t")
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{tmp_path}/a'"
    with pytest.raises(FileNotFoundError) as caught, atomic_folder(tmp_path / "b") as part:
        (part / "none" / "file").write_text("")
    assert caught.value.filename == str(tmp_path / "b" / "none" / "file")
    with pytest.raises(OSError, match="No space left") as caught, atomic_folder(tmp_path / "b"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "b")
