"""Verbs of acq as real processes: ended by a signal at a moment, or begun twice at once."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_HALF_MADE = (".part", ".ubfc-partial", ".ubfc-replacing", ".pure-partial", ".import-partial")
WAIT_S = 120.0


def hear_ctrl_c():
    """Let a child hear Ctrl-C, which a shell lets the children of a background job ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*words, cwd):
    """Start a verb as the leader of a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "acq.main", *map(str, words)], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=hear_ctrl_c,                  # noqa: PLW1509
    )


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    seconds: float          # from the signal to the end
    out: str
    err: str
    before: bool = False    # it had ended before the signal


def end_when(process, is_time, number, *, all_of_it=True):
    """Send a signal to a process, or to all of its group, as soon as `is_time()`."""
    until_s = time.monotonic() + WAIT_S
    while not (reached := is_time()) and process.poll() is None and time.monotonic() < until_s:
        time.sleep(0.01)
    begun_s, before = time.monotonic(), process.poll() is not None
    if not before:
        (os.killpg if all_of_it else os.kill)(process.pid, number)
    assert reached or before, "the moment never came"
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Ended(process.returncode, time.monotonic() - begun_s, out, err, before)


def half_made(folder):
    """List what is left of work that was not finished, locks too; interrupted runs may stay."""
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*")
        if path.name.endswith(_HALF_MADE) or path.parent.name == ".locks"
        if not (path.parent.name == "runs" and (path / "run.json").exists())
    )
