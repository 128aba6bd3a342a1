"""What is counted as lost at the end of a recording."""

import time

import pytest

from acquire.camera.source import EndOfStream
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.reader import Session
from tests.support.fakes import FakeCamera, FakeSensor

pytestmark = pytest.mark.real_time


class SlowReplay(FakeCamera):
    """A video whose decoding ends a second and a half after the time of its last frame."""

    def read(self, timeout_s):
        try:
            return super().read(timeout_s)
        except EndOfStream:
            time.sleep(1.5)
            raise


def test_behind_the_last_frame_of_a_slow_replay_no_sample_is_lost(tmp_path):
    with FakeSensor(die_after=30, link=tmp_path / "port") as device:
        sensor = Sensor(device.port)
        try:
            summary = Recorder(SlowReplay(last=50), sensor).record(tmp_path, "S01")
        finally:
            sensor.close()
    assert summary.stopped_by == "end of replay"
    assert list(summary.lost_samples) == ["serial line unplugged"]
    with Session(summary.path) as session:
        rate_hz = 25                                     # of the sensor
        counted = len(session.ppg) + session.lost_samples
        assert counted == pytest.approx(session.duration_s * rate_hz, abs=2)
