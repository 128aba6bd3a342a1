"""Verbs of acq run by its own `main`, in this process: without the second that a process takes."""

import contextlib
import io
import subprocess
import sys
import warnings

import pytest

from acq.main import main
from acq.terminal import printing


def run_here(*words, cwd):
    """Run a verb in a folder; return what a process of it would: exit code, output, errors."""
    out, err = io.StringIO(), io.StringIO()
    command = ["acq", *map(str, words)]
    with (
        pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("default")
        patch.chdir(cwd)
        patch.setattr(sys, "argv", command)
        patch.setattr("acq.main.raise_on_signals", lambda *names: None)      # of pytest itself
        patch.setattr("acq.main._state", {"debug": False, "verb": ""})
        patch.setattr(printing, "_state", {"json": False, "is_read": True})
        with pytest.raises(SystemExit) as ended:
            main()
    code = ended.value.code or 0
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())
