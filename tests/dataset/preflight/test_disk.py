"""The disk: fast enough, with room, and left as it was."""


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
