"""The disk space that a recording needs before it starts."""

import os
import subprocess
import sys

import pytest

from acquire.errors import Fix, SessionError
from acquire.recorder.disk_space import RESERVE_BYTES, check_space


def test_space_is_looked_at_before_the_folder_is_made(tmp_path):
    check_space(tmp_path / "not" / "there", 1.0, 1.0)
    with pytest.raises(SessionError, match=f"at {tmp_path};") as error:
        check_space(tmp_path / "not" / "there", 1e15, 60.0)
    assert error.value.fix is Fix.FREE_SPACE
    assert not list(tmp_path.iterdir())


def test_a_disk_too_small_is_refused_before_anything_is_written(tmp_path):
    if os.geteuid() != 0:
        with pytest.raises(SessionError, match="MB free"):
            check_space(tmp_path, 1e15, 60.0)
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", tmp_path], check=True)
    try:
        done = subprocess.run(
            [
                sys.executable, "-m", "acq.main", "record", "--subject", "S01", "--simulate",
                "--duration", "5s", "--data", tmp_path,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1
        assert "MB free" in done.stderr
        assert "--data" in done.stderr
        assert not list(tmp_path.rglob("*.h5"))
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_half_of_the_raw_video_and_a_reserve_must_be_free(tmp_path):
    stats = os.statvfs(tmp_path)
    free_bytes = stats.f_bavail * stats.f_frsize
    fitting_bytes = (free_bytes - 2 * RESERVE_BYTES) * 2
    check_space(tmp_path, 0.5 * fitting_bytes / 60, 60.0)
    check_space(tmp_path, 0.5 * fitting_bytes / 60, None)            # a minute is assumed
    with pytest.raises(SessionError, match="MB free"):
        check_space(tmp_path, 2 * fitting_bytes / 60, 60.0)
