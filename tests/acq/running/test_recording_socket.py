"""A recording told to other programs, and what they may ask of it."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

from acq.running.folder import running_folder
from acq.running.recording_socket import STOPPED_BY, RecordingSocket
from acq.running.told import MOST_POINTS, finger_points
from acq.running.watch import WatchedRecording, find_recordings
from acquire.errors import AcqError, BusyError
from tests.support.recording_status import panel_state, recording_status

PATIENCE_S = 30.0


class AskedRecorder:
    """Remembers what was asked of a recording."""

    def __init__(self):
        self.marks = []
        self.stopped_by = None

    def mark(self, text, kind="mark"):
        self.marks.append((kind, text))
        return len(self.marks)

    def stop(self, reason):
        self.stopped_by = reason


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def recorder():
    return AskedRecorder()


@pytest.fixture
def told(tmp_path, recorder):
    with RecordingSocket(recorder, panel_state(), tmp_path, "csi", is_watched=True) as told:
        yield told


def until(holds):
    give_up_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def test_a_recording_tells_of_itself_and_does_what_it_is_asked(tmp_path, recorder, told):
    (watched,) = find_recordings(tmp_path, {})
    assert (watched.begin["subject"], watched.begin["camera"]) == ("S01", "csi")
    told.on_status(recording_status(lost_frames={"camera silent": 3}))
    until(lambda: watched.status)
    rows = {row["name"]: (row["words"], row["style"]) for row in watched.status["rows"]}
    assert rows["lost"] == ("3 frames: camera silent", "doubtful")
    assert rows["sync"] == ("now within ±0.52 ms", "good")
    assert rows["pulse"][0].startswith("72 bpm")
    for do, number in (("mark", 3), ("mark", None), ("undo", None), ("stop", None)):
        watched.ask(do, number)
    until(lambda: watched.said == "stopping")
    assert recorder.marks == [("mark", "mark 3"), ("mark", "mark"), ("mark_undone", "mark at 2")]
    assert recorder.stopped_by == STOPPED_BY
    watched.ask("mark", 10)
    until(lambda: watched.said == "not understood")


def test_only_those_into_the_folder_are_found_and_one_that_has_ended_is_gone(tmp_path, recorder):
    known = {}
    with RecordingSocket(recorder, panel_state(), tmp_path, "csi", is_watched=False):
        assert find_recordings(tmp_path / "other", known) == []
        (watched,) = find_recordings(tmp_path, known)
        assert find_recordings(tmp_path, known) == [watched]
    until(lambda: watched.has_ended)
    assert find_recordings(tmp_path, known) == []
    assert not known
    assert not list(running_folder().iterdir())
    with pytest.raises(BusyError, match="ended"):
        watched.ask("stop")


def test_an_error_that_ends_a_recording_is_told(tmp_path, recorder):
    broken = AcqError(expected="the file", found="that it was deleted", where="at data")
    with (
        suppress(AcqError),
        RecordingSocket(recorder, panel_state(), tmp_path, "csi", is_watched=False),
    ):
        (watched,) = find_recordings(tmp_path, {})
        raise broken
    until(lambda: watched.has_ended)
    assert watched.end == {"kind": "end", "error": str(broken)}


def test_a_socket_of_a_killed_recording_is_removed_and_one_that_begins_is_passed_over(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    paths = [running_folder() / f"{pid}.recording" for pid in (ended.pid, os.getppid())]
    for path in paths:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
            silent.bind(str(path))
    assert find_recordings(tmp_path, {}) == []
    assert [path.exists() for path in paths] == [False, True]


def test_a_listener_that_takes_nothing_holds_nothing_up_and_is_sent_no_queue(tmp_path, recorder):
    """Its own messages wait, one at most; another listener gets the newest."""
    numbers = np.arange(MOST_POINTS)
    told = RecordingSocket(
        recorder, panel_state(), tmp_path, "csi", is_watched=True, every_s=0.01
    )
    with told, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asleep:
        (path,) = running_folder().iterdir()
        asleep.connect(str(path))
        watched = WatchedRecording(path)
        # 64 states of some 13 kB are more than a socket keeps
        for frames in range(64):
            told.on_status(recording_status(
                frames=frames, ppg_sequence=numbers, ppg_value=numbers / 7.0, ppg_rate_hz=60
            ))
            until(lambda told=frames: watched.status and watched.status["frames"] == told)
        # what was sent is taken off what waits a moment after it has come
        # (a studio of this process, where one is still about, is a listener that takes all)
        until(lambda: [bool(one.waiting) for one in told._listeners].count(True) == 1)
        assert not watched.has_ended
        assert max(len(one.waiting) for one in told._listeners) < 30_000


def test_a_folder_that_others_may_enter_is_refused(recorder, tmp_path, capsys):
    running_folder().chmod(0o755)
    with pytest.raises(AcqError, match="others may enter"):
        running_folder()
    with RecordingSocket(recorder, panel_state(), tmp_path, "csi", is_watched=False):
        pass
    assert "no studio will see this recording" in capsys.readouterr().err


def test_a_gap_in_the_finger_s_curve_is_a_gap():
    points = finger_points(np.array([5, 6, 8]), np.array([1.0, 2.0, 4.0]), 10)
    assert points["x"] == [0.5, 0.6, 0.8, 0.8]
    assert points["y"] == [1.0, 2.0, None, 4.0]
