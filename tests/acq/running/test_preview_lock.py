"""Who looks at the devices lets go of them when another program needs them."""

import subprocess
import sys

import pytest

from acq.running.preview_lock import ask_to_let_go, hold_preview
from acquire.errors import AcqError, DeviceError

HOLDER = """
import signal, sys, threading
from acq.running.preview_lock import hold_preview
asked = threading.Event()
if sys.argv[1] == "polite":
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with hold_preview():
    print("held", flush=True)
    asked.wait()
"""


@pytest.fixture
def holder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    started = []

    def start(manners):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, manners], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_one_that_is_asked_lets_go_and_nobody_is_asked_where_there_is_none(holder):
    ask_to_let_go()
    process = holder("polite")
    ask_to_let_go(60.0)
    assert process.wait(60) == 0
    with hold_preview():
        pass


def test_one_that_does_not_is_named(holder):
    process = holder("rude")
    with pytest.raises(DeviceError, match=rf"process {process.pid} "):
        ask_to_let_go(0.2)


def test_a_folder_that_others_may_enter_holds_no_recording_up(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "acq").mkdir(mode=0o755)
    with pytest.raises(AcqError, match="a folder of this user alone"), hold_preview():
        pass
    ask_to_let_go()
