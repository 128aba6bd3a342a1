"""The disk: fast enough, with room, and left as it was."""

import shutil
import tempfile
from types import SimpleNamespace

import pytest

from acquire.errors import Fix
from dataset.preflight.disk import check_disk
from dataset.preflight.result import FAIL, OK

pytestmark = pytest.mark.real_time


def by_name(checks):
    return {check.name: check for check in checks}


def test_a_disk_too_small_or_too_slow_fails_and_is_left_as_it_was(tmp_path):
    good = by_name(check_disk(tmp_path / "not/yet", 1e3, 60.0))
    assert (good["disk"].status, good["space"].status) == (OK, OK)
    bad = by_name(check_disk(tmp_path, 1e15, 60.0))
    assert (bad["disk"].status, bad["space"].status) == (FAIL, FAIL)
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_a_file_fails(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "sessions"):
        (check,) = check_disk(folder, 1e3, 60.0)
        assert (check.status, check.fix) == (FAIL, Fix.CHOOSE_DATA_FOLDER)
        assert str(tmp_path / "file") in check.text


def test_a_disk_that_is_nearly_full_is_told_by_its_room_and_nothing_is_written(
    tmp_path, monkeypatch
):
    def refuse(*_args, **_kinds):
        raise AssertionError("it wrote")

    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=24 * 2**20))
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    (check,) = check_disk(tmp_path / "data" / "sessions", 1e3, 60.0)
    assert (check.name, check.status, check.fix) == ("disk", FAIL, Fix.FREE_SPACE)
    assert check.text.startswith(f"24 MB free for {tmp_path / 'data' / 'sessions'}: too little")
