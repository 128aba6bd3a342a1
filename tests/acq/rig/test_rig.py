"""One rig, whatever the recordings around it say, and however long they take to say it."""

import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from acq.rig.choices import Choices, Devices
from acq.rig.rig import CALIBRATING, IDLE, RECORDING, Rig
from acq.running.folder import running_folder
from acq.running.told import tell_begin
from acquire.errors import AcqError, BusyError
from tests.support.recording_status import panel_state

PATIENCE_S = 30.0


@pytest.fixture
def rig(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr("acq.rig.rig._ALONE_S", 0.0)
    rig = Rig(tmp_path, Choices.named("auto", "auto"))
    yield rig
    rig.viewers = 0                                    # its thread ends
    until(lambda: rig._thread is None)


@contextmanager
def listening(name):
    path = running_folder() / f"{name}.recording"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        yield server
        path.unlink()


def until(holds):
    give_up_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def test_a_page_opens_and_closes_while_a_recording_does_not_answer(rig, monkeypatch):
    """Both are done where every page is served: what waits there holds all of them up."""
    asked, answers = threading.Event(), threading.Event()

    def find(data, known):
        asked.set()
        answers.wait(PATIENCE_S)
        return []

    monkeypatch.setattr("acq.rig.rig.find_recordings", find)
    rig.open_page()
    assert asked.wait(PATIENCE_S)
    rig.open_page()
    rig.close_page()
    assert not answers.is_set()
    answers.set()


def test_a_page_opens_while_the_devices_are_let_go_of(rig):
    with rig._lock:
        opening = threading.Thread(target=rig.open_page)
        opening.start()
        opening.join(PATIENCE_S)
        assert not opening.is_alive()


def test_a_calibration_refuses_what_needs_the_devices_and_is_cancelled(rig):
    virtual = Devices("virtual", "auto", 25.0)
    for toggles in (38, 41, 602):
        with pytest.raises(AcqError, match="40 to 600 times, an even number"):
            rig.calibrate(virtual, toggles)
    rig.calibrate(virtual, 600)
    assert rig.phase == CALIBRATING
    asked = {"camera": "virtual", "port": "auto", "fps": 25.0, "toggles": 600}
    assert rig.state()["calibration"]["asked"] == asked         # for a page that is opened later
    with pytest.raises(BusyError, match="no calibration under way"):
        rig.look(virtual)
    rig.stop_calibrating()
    until(lambda: rig.phase == IDLE)
    assert rig.state()["calibration"]["fault"].startswith("cancelled")
    assert rig.state()["kept"]["words"] == []


@pytest.mark.parametrize(("end", "words"), [
    ({"error": "the disk is full"}, "ended with an error: the disk is full"),
    ({"one": "that lacks everything"}, ""),
])
def test_however_a_recording_ends_the_rig_goes_on(rig, end, words):
    with listening("1") as server:
        rig.open_page()
        connection, _ = server.accept()
        begin = tell_begin(rig.data, "csi", panel_state())
        connection.sendall(json.dumps(begin).encode() + b"\n")
        until(lambda: rig.phase == RECORDING)
        connection.sendall(json.dumps({"kind": "end", **end}).encode() + b"\n")
    connection.close()
    until(lambda: rig.phase == IDLE)
    if words:
        until(lambda: words in (rig.state()["ended"] or {}).get("saved", ""))
    else:
        until(lambda: "cannot be told" in rig.state()["said"])
    with listening("2") as server:                      # the next one is seen
        connection, _ = server.accept()
        connection.sendall(json.dumps(begin).encode() + b"\n")
        until(lambda: rig.phase == RECORDING)
        connection.close()
