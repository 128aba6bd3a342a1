"""A reader of what a verb prints that goes away: the work and its exit code stay."""

import os
import subprocess
import sys

import pytest

from tests.support.made_sessions import make_session


@pytest.mark.parametrize("gone", ["stdout", "stderr"])
def test_a_reader_that_has_gone_changes_no_exit_code(tmp_path, gone):
    """As in `acq ls | head`, and in `acq train-kd 2>&1 | head` while it trains."""
    make_session(tmp_path, seconds=1.0)
    read, write = os.pipe()
    os.close(read)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, gone: write}
    command = [sys.executable, "-m", "acq.main", "ls", "--data", str(tmp_path)]
    done = subprocess.run(command, text=True, check=False, **streams)
    os.close(write)
    assert done.returncode == 0
    assert ("1 session" in done.stdout) if gone == "stderr" else "ipe" not in done.stderr
