"""Real processes that work for a parent, which is interrupted or killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from acquire.pool import open_pool
from tests.support.ended import hearing_ctrl_c

PARENT = """
import sys
from pathlib import Path
from acquire.interrupts import SIGNALS, accept, raise_on_signals
from acquire.pool import open_pool
from tests.acquire.test_pool import write_forever
if __name__ == "__main__":
    raise_on_signals(*SIGNALS)
    try:
        with open_pool(2) as pool:
            for future in [pool.submit(write_forever, sys.argv[1], n) for n in range(6)]:
                future.result()
    except KeyboardInterrupt as error:
        sys.exit(accept(error).exit_code)
"""


def write_forever(folder, number):
    """Half make a file, for ever."""
    from pathlib import Path

    from acquire.atomic import atomic_file

    with atomic_file(Path(folder) / f"file{number}") as part:
        part.write_text(str(os.getpid()))
        while True:
            time.sleep(0.01)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "to_all"),
    [
        pytest.param(signal.SIGINT, True, id="Ctrl-C, which all of a terminal hear"),
        pytest.param(signal.SIGHUP, True, id="the terminal goes away"),
        pytest.param(signal.SIGTERM, False, id="the parent is ended"),
        pytest.param(signal.SIGKILL, False, id="the parent is killed"),
    ],
)
def test_workers_end_with_their_parent_and_leave_nothing_half_made(tmp_path, number, to_all, repo):
    script, folder = tmp_path / "parent.py", tmp_path / "made"
    script.write_text(PARENT)
    folder.mkdir()
    with hearing_ctrl_c():
        parent = subprocess.Popen(
            [sys.executable, str(script), str(folder)], stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, "PYTHONPATH": str(repo)},
        )
    pids = []
    while len(pids) < 2:                         # both are at work
        assert parent.poll() is None
        time.sleep(0.02)
        pids = [int(text) for path in folder.iterdir() if (text := path.read_text())]
    begun_s = time.monotonic()
    (os.killpg if to_all else os.kill)(parent.pid, number)
    _, said = parent.communicate(timeout=300)
    while any(map(is_alive, pids)) and time.monotonic() < begun_s + 120:
        time.sleep(0.02)
    assert list(folder.iterdir()) == []
    assert not any(map(is_alive, pids))
    if number != signal.SIGKILL:                 # else Python tells of its semaphores
        assert said == ""
    assert parent.returncode == (-9 if number == signal.SIGKILL else 128 + number)


def fail_while_a_worker_writes(folder):
    with open_pool(1) as pool:
        pool.submit(write_forever, str(folder), 1)
        while not list(folder.iterdir()):
            time.sleep(0.02)
        raise ValueError("mine")


def test_an_error_in_the_block_ends_the_workers(tmp_path):
    with pytest.raises(ValueError, match="mine"):
        fail_while_a_worker_writes(tmp_path)
    assert list(tmp_path.iterdir()) == []
