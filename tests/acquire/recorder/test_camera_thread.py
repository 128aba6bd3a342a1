"""What a camera had when the recording stopped is read, or counted as missing from the file."""

import time
from contextlib import suppress

import numpy as np
import pytest

from acquire.camera.replay import ReplayCamera
from acquire.camera.source import CameraInfo, VideoFrame
from acquire.errors import DeviceError
from acquire.recorder import camera_thread
from acquire.recorder.camera_thread import CameraThread, MissingEnd
from acquire.recorder.losses import CAMERA_LOST, HOST_BUSY, SILENT_END
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.reader import Session
from tests.support.fakes import FakeSensor
from tests.support.made_videos import pictures, write_video

PERIOD_NS = 10_000_000


class ScriptedCamera:
    """Gives the frames that are named, at once, each after so many seconds of work; then silence.

    Parameters
    ----------
    had : what it says that it had, or None as a live camera
    """

    info = CameraInfo("scripted", 8, 8, 100.0, "I420", "simulated")

    def __init__(self, numbers, *, had=None, work_s=0.0, error=None):
        self.had, self._work_s, self._error = had, work_s, error
        self._numbers = list(numbers)

    def read(self, timeout_s):
        if self._error is not None and not self._numbers:
            raise self._error
        if not self._numbers:
            time.sleep(0.02)
            return None
        time.sleep(self._work_s)
        number = self._numbers.pop(0)
        time_ns = number * PERIOD_NS
        return VideoFrame(np.zeros((12, 8), np.uint8), time_ns, time_ns, number)

    def count_until(self, time_ns):
        return self.had


def missing(camera, end_ns, *, read=None):
    """Run a camera's thread to an end that is known from the start; give what is missing."""
    thread = CameraThread(camera, queue_frames=1000)
    thread.finish(end_ns)
    with suppress(DeviceError):
        thread.run()
    numbers = [thread.frames.get_nowait().sequence for _ in range(thread.frames.qsize())]
    assert read is None or numbers == list(read)
    last = numbers[-1] if numbers else -1
    return thread.missing_until(end_ns, last=last, last_ns=max(0, last) * PERIOD_NS)


def test_frames_up_to_the_end_are_read_after_the_stop_and_none_beyond():
    camera = ScriptedCamera(range(60))
    assert missing(camera, 40 * PERIOD_NS, read=range(41)).frames == 0


def test_the_first_frame_after_the_end_shows_what_was_lost_before_it():
    # 38 to 43 were lost: three of them before the end
    camera = ScriptedCamera([*range(38), 44])
    end = missing(camera, 40 * PERIOD_NS, read=range(38))
    assert (end.frames, end.cause) == (3, CAMERA_LOST)


def test_a_camera_that_is_silent_at_the_end_lost_the_frames_of_that_time():
    end = missing(ScriptedCamera(range(20)), 40 * PERIOD_NS, read=range(20))
    assert (end.frames, end.cause) == (21, SILENT_END)
    assert end.seconds == pytest.approx(0.21)
    few = missing(ScriptedCamera(range(20)), 21 * PERIOD_NS)          # they may be on their way
    assert few.frames == 0


def test_a_source_that_knows_what_it_had_is_believed(monkeypatch):
    monkeypatch.setattr(camera_thread, "_CATCH_UP_S", 0.3)
    camera = ScriptedCamera(range(1000), had=500, work_s=0.01)
    end = missing(camera, 499 * PERIOD_NS)
    assert end.cause == HOST_BUSY
    assert 440 < end.frames < 500
    assert end.seconds == pytest.approx(end.frames / 100)


def test_a_live_camera_that_is_behind_lost_by_the_host(monkeypatch):
    monkeypatch.setattr(camera_thread, "_CATCH_UP_S", 0.3)
    end = missing(ScriptedCamera(range(1000), work_s=0.01), 499 * PERIOD_NS)
    assert end.cause == HOST_BUSY
    assert end.frames == pytest.approx(end.seconds * 100, abs=1)


def test_what_a_source_had_after_it_failed_is_not_the_host_s_fault():
    error = DeviceError(expected="500 frames", found="20 that decode")
    end = missing(ScriptedCamera(range(20), had=40, error=error), 39 * PERIOD_NS)
    assert end == MissingEnd(20, pytest.approx(0.2), CAMERA_LOST)


def test_frames_that_found_no_room_are_not_counted_twice():
    thread = CameraThread(ScriptedCamera(range(40), had=40), queue_frames=10)
    thread.finish(39 * PERIOD_NS)
    thread.run()
    assert len(thread.dropped) == 30
    assert thread.missing_until(39 * PERIOD_NS, last=9, last_ns=9 * PERIOD_NS).frames == 0


def test_a_pause_of_the_process_is_no_silence_of_the_camera(monkeypatch):
    monkeypatch.setattr(camera_thread, "_STALL_S", 0.3)
    camera = ScriptedCamera([])
    read, long = camera.read, iter([True])

    def paused(timeout_s):
        if next(long, False):
            time.sleep(0.5)                  # stopped in the middle of a read
        return read(timeout_s)

    camera.read = paused
    thread = CameraThread(camera, queue_frames=10)
    begun = time.monotonic()
    with pytest.raises(DeviceError, match=r"found none for 0\.3 s"):
        thread.run()
    assert time.monotonic() - begun > 0.55


@pytest.mark.real_time
def test_a_replay_that_decodes_too_slowly_counts_every_frame_that_was_due(tmp_path, monkeypatch):
    monkeypatch.setattr(camera_thread, "_CATCH_UP_S", 0.2)
    write_video(tmp_path / "v.avi", pictures(1) * 3000)
    camera = ReplayCamera(tmp_path / "v.avi", fps=1000)
    take, ends = camera.read, []

    def starved(timeout_s):
        time.sleep(0.01)
        return take(timeout_s)

    count_until = camera.count_until
    monkeypatch.setattr(camera, "read", starved)
    monkeypatch.setattr(camera, "count_until", lambda ns: ends.append(ns) or count_until(ns))
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        summary = Recorder(camera, sensor).record(tmp_path, "S01", duration_s=1.5)
    camera.close()
    had = count_until(ends[-1])
    assert had >= 1501
    assert summary.frames < 250
    assert summary.frames + sum(summary.lost_frames.values()) == had
    assert summary.lost_frames[HOST_BUSY] > 1000
    assert not summary.complete
    assert "not read, as the machine was too busy" in summary.fault
    with Session(summary.path) as session:
        assert session.lost_frames == had - len(session.frames)
        assert not session.complete
