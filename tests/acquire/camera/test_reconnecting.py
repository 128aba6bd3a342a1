"""A camera that falls silent, repeats frames or stamps wrongly: opened again, flagged, refused."""

import threading
import time
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from acq.commands.info import info
from acquire.camera.reconnecting import SILENT_S, ReconnectingCamera
from acquire.errors import DeviceError, StampError
from acquire.recorder import camera_thread
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.reader import Session
from tests.support.fakes import FakeSensor, LiveCamera

pytestmark = pytest.mark.real_time


class Openings:
    """Opens one camera after the other; an exception in their place is raised."""

    def __init__(self, *cameras):
        self.cameras, self.asked = list(cameras), []

    def __call__(self, before):
        self.asked.append(before)
        camera = self.cameras.pop(0) if len(self.cameras) > 1 else self.cameras[0]
        if isinstance(camera, Exception):
            raise camera
        return camera()


def reconnecting(*cameras, silent_s=0.2, measure_s=0.05, fps=100.0):
    openings = Openings(*cameras)
    camera = ReconnectingCamera(openings, asked_fps=fps, silent_s=silent_s, measure_s=measure_s)
    return camera, openings


def read(camera, count, give_up_s=60.0):
    """Read so many frames, through silences."""
    frames, give_up = [], time.monotonic() + give_up_s
    while len(frames) < count and time.monotonic() < give_up:
        frame = camera.read(0.05)
        if frame is not None:
            frames.append(frame)
    assert len(frames) == count
    return frames


def kinds(frames):
    return {frame.sequence: frame.note[0] for frame in frames if frame.note is not None}


def test_a_second_without_a_frame_is_silence():
    assert SILENT_S == 1.0


def test_a_silent_camera_is_opened_again_on_the_same_timeline():
    camera, openings = reconnecting(lambda: LiveCamera(silent_after=30), LiveCamera)
    camera.start(time.monotonic_ns())
    frames = read(camera, 60)
    camera.close()
    sequence, times = (
        np.array([getattr(frame, name) for frame in frames]) for name in ("sequence", "time_ns")
    )
    jump = int(np.argmax(np.diff(sequence)))
    missed = int(np.diff(sequence)[jump]) - 1
    assert 18 <= missed < 200
    assert np.diff(sequence).tolist().count(1) == 58                     # one jump, and no other
    assert np.abs((times - times[0]) / 1e7 - sequence).max() <= 0.6     # right to the frame
    assert kinds(frames) == {int(sequence[jump + 1]): "camera_reopened"}
    assert (
        f"{missed} frames missed; no frame for 0.2 s; opened at try 1" in frames[jump + 1].note[1]
    )
    assert len(openings.asked) == 2


def test_a_host_that_was_stopped_did_not_listen_and_opens_nothing_again():
    class Stopped(LiveCamera):
        def read(self, timeout_s):
            if self._n == 30 and not self.closed:
                self.closed = True                               # once
                time.sleep(0.5)
                return None
            return super().read(timeout_s)

    camera, openings = reconnecting(Stopped)
    camera.start(time.monotonic_ns())
    frames = read(camera, 40)
    camera.close()
    assert len(openings.asked) == 1
    assert kinds(frames) == {}


def test_a_camera_that_fails_is_opened_again_at_once_and_as_often_as_it_takes(monkeypatch):
    monkeypatch.setattr("acquire.camera.reconnecting._TRY_EVERY_S", 0.05)
    camera, openings = reconnecting(
        lambda: LiveCamera(gone_after=20), DeviceError("not there"), OSError("nor now"), LiveCamera,
        silent_s=60.0,
    )
    camera.start(time.monotonic_ns())
    frames = read(camera, 30)
    camera.close()
    (note,) = [frame.note for frame in frames if frame.note is not None]
    assert note[1].endswith("found that it is gone; opened at try 3")
    assert len(openings.asked) == 4


def test_the_exposure_that_was_locked_is_asked_for_again():
    exposure = {"control": "locked", "asked": {"exposure": 150.0}}
    gone = partial(LiveCamera, gone_after=20, exposure=exposure)
    camera, openings = reconnecting(gone, LiveCamera)
    camera.start(time.monotonic_ns())
    read(camera, 30)
    camera.close()
    assert openings.asked == [None, exposure]


def test_a_camera_of_another_size_is_not_taken_for_it(monkeypatch):
    monkeypatch.setattr("acquire.camera.reconnecting._TRY_EVERY_S", 0.05)
    other = LiveCamera(shape=(32, 48))
    camera, _ = reconnecting(lambda: LiveCamera(gone_after=20), lambda: other, LiveCamera)
    camera.start(time.monotonic_ns())
    frames = read(camera, 30)
    camera.close()
    assert {frame.image.shape for frame in frames} == {(72, 64)}
    assert other.closed


def test_silence_before_the_first_frame_counts_too():
    camera, _ = reconnecting(lambda: LiveCamera(silent_after=8), LiveCamera)
    start_ns = time.monotonic_ns() + 100_000_000
    camera.start(start_ns)
    (first,) = read(camera, 1)
    camera.close()
    assert first.sequence == pytest.approx((first.time_ns - start_ns) / 1e7, abs=1.5)
    assert first.sequence >= 5
    assert first.note[0] == "camera_reopened"


def test_a_camera_that_stays_away_keeps_nobody_waiting():
    hangs, late = threading.Event(), LiveCamera()

    def opened_late():
        hangs.wait(10)
        return late

    camera, _ = reconnecting(lambda: LiveCamera(gone_after=10), opened_late)
    camera.start(time.monotonic_ns())
    read(camera, 3)
    began = time.monotonic()
    silence = [camera.read(0.05) for _ in range(20)]
    assert silence[-5:] == [None] * 5
    assert time.monotonic() - began < 3.0
    threading.Timer(0.3, hangs.set).start()
    camera.close()
    assert late.closed                          # opened for nobody, and closed


@pytest.mark.parametrize(
    ("stamp", "message"),
    [
        (lambda n, true_ns: true_ns - (n > 20) * 15_000_000, "do not go back"),
        (lambda n, true_ns: true_ns + (n > 20) * 1_200_000_000, "-1.2 s off it"),
    ],
)
def test_stamps_that_cannot_be_believed_end_it_and_are_no_reason_to_open_again(stamp, message):
    camera, openings = reconnecting(lambda: LiveCamera(stamp=stamp))
    camera.start(time.monotonic_ns())
    with pytest.raises(StampError, match=message):
        read(camera, 60)
    camera.close()
    assert len(openings.asked) == 1


def test_frames_in_a_row_that_are_the_same_are_flagged_and_no_others():
    """Frames differ in one byte, in a row that the quick look skips."""
    camera, _ = reconnecting(lambda: LiveCamera(frozen=(40, 41, 60)), measure_s=0.01)
    camera.start(time.monotonic_ns())
    frames = read(camera, 60)
    camera.close()
    same = [b.sequence for a, b in pairwise(frames) if np.array_equal(a.image, b.image)]
    assert len(same) == 3
    assert kinds(frames) == dict.fromkeys(same, "identical_frames")


def test_the_rate_is_measured_before_the_start_and_half_of_it_complained_of():
    camera, _ = reconnecting(lambda: LiveCamera(fps=50.0), measure_s=0.4)
    camera.close()
    assert camera.info.reconnects
    assert camera.info.rate.fps == pytest.approx(50, rel=0.01)
    (complaint,) = camera.info.complaints
    assert "expected 100 frames/s, found 50.0" in complaint
    fine, _ = reconnecting(LiveCamera, measure_s=0.4)
    fine.close()
    assert fine.info.complaints == []


def record(tmp_path, camera, **options):
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        try:
            return Recorder(camera, sensor).record(tmp_path, "S01", **options)
        finally:
            sensor.close()
            camera.close()


def test_a_recording_goes_on_through_a_silence_and_counts_it(tmp_path, capsys):
    camera, _ = reconnecting(
        lambda: LiveCamera(fps=50.0, silent_after=60),
        lambda: LiveCamera(fps=50.0, frozen=(5, 6, 7)), fps=100.0,
    )
    summary = record(tmp_path, camera, duration_s=2.0)
    assert summary.complete
    assert list(summary.lost_frames) == ["while the camera was away"]
    (reopened,) = summary.camera_reopened
    assert f"{summary.lost_frames['while the camera was away']} frames missed" in reopened
    assert summary.identical_frames == 3
    assert summary.lost_samples == {}
    with Session(summary.path) as session:
        events = [(event.kind, event.text) for event in session.events]
        off = (session.frame_time_ns - session.frame_time_ns[0]) / 2e7 - (
            session.frame_sequence - session.frame_sequence[0]
        )
        assert np.abs(off).max() <= 0.6
        assert session.lost_frames == summary.lost_frames["while the camera was away"]
    assert [text for kind, text in events if kind == "camera_reopened"] == [reopened]
    # the first of the row, and the sum
    assert len([text for kind, text in events if kind == "identical_frames"]) == 2
    assert ("identical_frames", "3 in all") in events
    assert any(kind == "camera_rate" and text.startswith("50.") for kind, text in events)
    assert any(
        kind == "camera_complaint" and "expected 100 frames/s" in text for kind, text in events
    )
    info([summary.path])
    shown = " ".join(capsys.readouterr().out.split())
    assert "identical_frames: 3 in all" in shown
    assert "frames missed" in shown


def test_a_camera_that_stays_away_costs_no_sample_and_the_recording_is_called_incomplete(
    tmp_path, monkeypatch
):
    # what ends a camera that does not open itself again
    monkeypatch.setattr(camera_thread, "_STALL_S", 0.5)
    camera, _ = reconnecting(
        lambda: LiveCamera(fps=50.0, gone_after=30), DeviceError("not there"), fps=50.0
    )
    summary = record(tmp_path, camera, duration_s=2.0)
    assert not summary.complete
    assert "expected the camera to deliver until the end" in summary.fault
    assert summary.samples >= 45
    assert summary.lost_samples == {}
    assert summary.lost_frames["silent at the end"] >= 40
    assert list(summary.lost_frames) == ["silent at the end"]
