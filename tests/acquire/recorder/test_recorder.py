"""The real recorder, a real pty and a real file; faults are the devices'."""

import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import h5py
import numpy as np
import pytest

from acq.running.summary_words import shortcomings
from acquire import layout
from acquire.errors import DeviceError
from acquire.host_time import SuspensionWatch
from acquire.recorder import recorder as recorder_module
from acquire.recorder import sample_stream
from acquire.recorder.recorder import Recorder
from acquire.sensor import thread as sensor_thread
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import SAMPLE_OVERRUN, SAMPLE_RESTARTED
from acquire.session import frame_store
from acquire.session.frame_store import FrameStore
from acquire.session.place import DeletedError
from dataset.recovery.resync import resync
from dataset.session.reader import Session
from dataset.session.summary import summarise_session
from tests.support.fakes import FakeCamera, FakeSensor
from tests.support.faults import check_samples

pytestmark = pytest.mark.real_time


@contextmanager
def open_recorder(device, camera, **options):
    sensor = Sensor(device.port)
    try:
        yield Recorder(camera, sensor, **options)
    finally:
        sensor.close()


def record(tmp_path, device, camera, **options):
    with open_recorder(device, camera) as recorder:
        return recorder.record(tmp_path, "S01", **options)


def test_every_frame_and_sample_arrives_with_its_own_time(tmp_path):
    statuses, camera = [], FakeCamera()
    with FakeSensor() as device:
        summary = record(tmp_path, device, camera, duration_s=2.0, on_status=statuses.append)
    assert summary.complete
    assert summary.stopped_by == "duration"
    assert (summary.lost_frames, summary.lost_samples) == ({}, {})
    assert statuses[-1].frames <= summary.frames
    with Session(summary.path) as session:
        assert session.complete
        assert len(session.frames) == summary.frames
        # a busy machine stops a little late, and loses nothing by it
        assert summary.frames == camera.delivered - 1 >= 49      # one came after the end
        assert np.diff(session.frame_time_ns) == pytest.approx(4e7, abs=2)
        truth = np.array([device.sent_ns[s] for s in range(len(session.ppg))])
        assert (np.abs(session.ppg_time_ns - truth) <= session.ppg_bound_ns).all()
        assert session.ppg_bound_ns.max() < 5e6


def test_losses_are_counted_by_cause_and_stay_gaps(tmp_path):
    with FakeSensor(lose={10, 11, 30}, loss_flag=SAMPLE_OVERRUN) as device:
        summary = record(tmp_path, device, FakeCamera(lose={5, 20, 21}), duration_s=2.0)
    assert summary.complete
    assert summary.lost_frames == {"lost by the camera": 3}
    assert summary.lost_samples == {"overrun on the device": 3}
    with Session(summary.path) as session:
        assert session.lost_frames == 3
        assert session.lost_samples == 3
        assert 5 not in session.frame_sequence
        assert any("lost" in str(event) for event in session.events)
        device_events = [
            (event.kind, event.text)
            for event in session.events
            if event.kind in ("overruns", "bad_packets")
        ]
        # two came before its first report
        assert device_events == [("overruns", "1 samples that the device had no room for")]


def test_samples_that_an_adapter_hands_on_twice_are_in_the_file_once(tmp_path):
    with FakeSensor(lose={20}, repeat_after={12, 22}) as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=1.2)
    assert sum(summary.lost_samples.values()) == 1
    with Session(summary.path) as session:
        sequence = session.ppg_sequence
        assert (np.diff(sequence) > 0).all()
        assert {19, 21} <= set(sequence.tolist())
        texts = [event.text for event in session.events if event.kind == "repeated_samples"]
    assert texts == ["10 samples came twice from the adapter; the second left out"]


def test_samples_that_a_failed_part_left_out_have_a_cause_of_their_own(tmp_path):
    with FakeSensor(lose={10, 11}, loss_flag=SAMPLE_RESTARTED) as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=1.0)
    assert summary.lost_samples == {"the MAX30102 failed and was set up anew": 2}


def test_the_end_of_a_replay_ends_the_recording(tmp_path):
    with FakeSensor() as device:
        summary = record(tmp_path, device, FakeCamera(last=30))
    assert summary.stopped_by == "end of replay"
    assert summary.frames == 31


def test_a_sensor_that_is_unplugged_for_good_leaves_it_incomplete_with_everything_before_saved(
    tmp_path,
):
    with FakeSensor(die_after=30, link=tmp_path / "port") as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=2.5)
    assert not summary.complete
    assert "still plugged in" in summary.fault
    with Session(summary.path) as session:
        assert not session.complete
        assert len(session.ppg) >= 29
        assert len(session.frames) >= 62                       # the camera goes on
        assert list(summary.lost_samples) == ["serial line unplugged"]
        assert session.lost_samples + len(session.ppg) == pytest.approx(62, abs=2)


class NotingCamera(FakeCamera):
    """Every frame carries its number as a note."""

    def read(self, timeout_s):
        frame = super().read(timeout_s)
        return frame and replace(frame, note=("number", str(frame.sequence)))


def test_frames_beyond_the_queue_are_counted_as_the_disk_s_fault(tmp_path, monkeypatch):
    """The writer is made slow for real: it sleeps longer than a frame lasts."""
    monkeypatch.setattr(recorder_module, "QUEUE_FRAMES", 5)
    slow = recorder_module.SessionWriter.add_frame

    def add_frame(self, frame):
        time.sleep(0.1)
        slow(self, frame)

    monkeypatch.setattr(recorder_module.SessionWriter, "add_frame", add_frame)
    camera = NotingCamera()
    with FakeSensor() as device:
        summary = record(tmp_path, device, camera, duration_s=3.0)
    lost = summary.lost_frames["storage fell behind"]
    assert lost > 10
    with Session(summary.path) as session:
        assert session.lost_frames == lost
        noted = {int(event.text) for event in session.events if event.kind == "number"}
        # of a frame that was dropped, and its note was not
        assert noted - set(session.frame_sequence.tolist())
    assert summary.frames + lost == camera.delivered - 1       # one came after the end
    assert summary.lost_samples == {}
    assert "lost by the camera" not in summary.lost_frames


def test_a_sensor_that_answers_pings_but_samples_no_more_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(sensor_thread, "_STALL_S", 1.0)
    with FakeSensor(last=25) as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=4)
    assert not summary.complete
    assert "found its last" in summary.fault
    assert list(summary.lost_samples) == ["sensor fell silent"]


@pytest.mark.parametrize("silent", ["camera", "sensor"])
def test_a_silent_end_is_not_called_complete(tmp_path, silent):
    with FakeSensor(last=20 if silent == "sensor" else None) as device:
        camera = FakeCamera(stop_after=20 if silent == "camera" else None)
        summary = record(tmp_path, device, camera, duration_s=3.0)
    assert not summary.complete
    assert f"expected the {silent} to deliver until the end" in summary.fault
    with Session(summary.path) as session:
        assert any("deliver until the end" in str(event) for event in session.events)
        assert summary.duration_s == session.duration_s             # not the frames' alone
    assert summary.without_frames_s == summarise_session(summary.path).without_frames_s
    told = " ".join(shortcomings(summary))
    assert ("s of samples have no frames beside them" in told) == (silent == "camera")


def test_less_than_a_second_of_silence_at_the_end_is_lost_and_counted(tmp_path):
    with FakeSensor(last=40) as device:
        summary = record(tmp_path, device, FakeCamera(stop_after=40), duration_s=2.0)
    assert summary.complete
    for kept, losses in (
        (summary.frames, summary.lost_frames), (summary.samples, summary.lost_samples),
    ):
        assert list(losses) == ["silent at the end"]
        assert kept + losses["silent at the end"] == pytest.approx(50, abs=2)
    with Session(summary.path) as session:
        assert session.lost_frames == summary.lost_frames["silent at the end"]
        assert session.lost_samples == summary.lost_samples["silent at the end"]


def test_a_sensor_that_answers_no_ping_is_refused_though_it_talks(tmp_path):
    with (
        FakeSensor(pongs=0, sampling_from=5000) as device,
        pytest.raises(DeviceError, match="to answer a ping"),
    ):
        record(tmp_path, device, FakeCamera(), duration_s=1.0)


def test_answers_that_a_busy_host_reads_late_let_the_recording_start(tmp_path):
    with FakeSensor(deaf_s=1.5) as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=1.5)
        assert summary.complete
        assert summary.lost_samples == {}
        with Session(summary.path) as session:
            check_samples(session, device.middle_ns, device.period_ns)


@pytest.mark.parametrize("deaf_s", [0.0, 1.0], ids=["at once", "late"])
def test_samples_from_before_the_start_that_are_read_late_are_not_of_the_recording(
    tmp_path, deaf_s
):
    """A board that a killed recorder left sampling; the host reads it and its answers, or late."""
    with FakeSensor(sampling_from=5000, deaf_s=deaf_s) as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=1.0)
    assert summary.complete
    assert summary.lost_samples == {}
    with Session(summary.path) as session:
        assert session.ppg_sequence.tolist() == list(range(len(session.ppg)))


def test_what_was_before_a_recording_of_a_sensor_that_was_checked_is_not_of_it(tmp_path):
    lid = Lid()
    watch = SuspensionWatch(boot=lid.boot)
    with (
        FakeSensor() as device,
        open_recorder(device, FakeCamera(), suspensions=watch) as recorder,
    ):
        recorder.check_sensor()
        lid.close(5.0, device)                      # while the operator answers questions
        summary = recorder.record(tmp_path, "S01", duration_s=0.5)
    assert summary.complete
    assert summary.suspended_s == 0
    with Session(summary.path) as session:
        assert [event.kind for event in session.events] == ["stopped"]
        assert (session.ppg_bound_ns >= 0).all()


class Lid:
    """The clock that goes on while the host is suspended; `close` suspends it for a time."""

    def __init__(self):
        self.slept_ns = 0

    def close(self, seconds, device):
        device.run_on(seconds)
        self.slept_ns += round(seconds * 1e9)

    def boot(self):
        return time.monotonic_ns() + self.slept_ns


def test_a_suspension_is_an_event_and_the_clock_begins_a_new_stretch(tmp_path):
    """For longer than half a turn of the tick counter, which the device, powered, counts on."""
    lid, slept_s = Lid(), 1200.0
    with FakeSensor() as device:
        watch = SuspensionWatch(boot=lid.boot)
        closing = threading.Timer(1.5, lid.close, (slept_s, device))
        closing.start()
        with open_recorder(device, FakeCamera(), suspensions=watch) as recorder:
            summary = recorder.record(tmp_path, "S01", duration_s=3.0)
        assert summary.complete
        assert summary.lost_samples == {"the host was suspended": 30_000}
        with Session(summary.path) as session:
            (event,) = [event for event in session.events if event.kind == "host_suspended"]
            assert event.text.startswith("for 1200.00 s")
            (row,) = session.suspensions.tolist()
            assert row[2] == pytest.approx(1200e9, abs=1e6)
            jump = int(np.argmax(np.diff(session.ppg_sequence)))
            passed = np.diff(session.ppg_ticks)[jump] / 2e6
            assert passed == pytest.approx(slept_s + 0.04, abs=0.1)
            truth = np.array([device.middle_ns[n] for n in session.ppg_sequence])
            known = session.ppg_bound_ns >= 0
            off_ns = np.abs(session.ppg_time_ns - truth)
            assert (off_ns <= session.ppg_bound_ns)[known].all()
            # between the last ping before and the first one after it nothing is known
            assert known[:jump].all()
            assert known[-10:].all()
            resynced = resync(summary.path)
            assert resynced.changed == 0


def test_pings_that_stay_unanswered_are_an_event(tmp_path):
    with FakeSensor(pongs=30) as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=2.0)
    with Session(summary.path) as session:
        (event,) = [event for event in session.events if event.kind == "unanswered_pings"]
    assert int(event.text) >= 8


def test_a_camera_that_counts_nothing_and_slows_down_is_named(tmp_path):
    camera = FakeCamera(lose=range(25, 1000, 2), counts_frames=False)
    with FakeSensor() as device:
        summary = record(tmp_path, device, camera, duration_s=3.0)
    (change,) = summary.period_changes
    assert "from 40 to 80 ms" in change
    with Session(summary.path) as session:
        kinds = [event.kind for event in session.events]
    assert "frame_period" in kinds
    assert "frame_numbers" in kinds


def test_both_of_the_host_s_clocks_are_kept(tmp_path):
    with FakeSensor() as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=1.0)
    with h5py.File(summary.path) as file:
        clocks = file[layout.CLOCKS][:]
        arrivals = file[layout.PPG_ARRIVAL][:]
    assert clocks["monotonic_ns"][0] < arrivals[0]
    assert clocks["monotonic_ns"][-1] > arrivals[-1]
    assert (np.diff(clocks["monotonic_ns"]) >= 1.9e7).all()
    offset = clocks["monotonic_ns"] - clocks["raw_ns"]
    assert np.ptp(offset) < 1e6


def slow_down(monkeypatch, step, seconds, until):
    """Make one step of storing a frame slow while fewer than `until` frames are in the file."""
    quick = getattr(FrameStore, step)

    def slow(self, *args):
        if len(self.dataset) < until:
            time.sleep(seconds)
        return quick(self, *args)

    monkeypatch.setattr(FrameStore, step, slow)


def test_frames_are_stored_raw_while_compressing_falls_behind_and_none_is_lost(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(recorder_module, "QUEUE_FRAMES", 40)
    monkeypatch.setattr(frame_store, "_STAY_RAW_S", 1.0)
    slow_down(monkeypatch, "_compress", 0.2, until=40)
    camera = FakeCamera()
    with FakeSensor() as device:
        summary = record(tmp_path, device, camera, duration_s=4.5)
    assert summary.complete
    assert summary.lost_frames == {}
    assert summary.frames == camera.delivered - 1              # one came after the end
    with Session(summary.path) as session:
        changes = [
            (event.kind, event.text) for event in session.events if event.kind.startswith("storage")
        ]
        assert [kind for kind, _ in changes] == ["storage_raw", "storage_compressed"]
        assert "frames waiting; compressing takes 2" in changes[0][1]      # 200 ms
        assert 20 < session.raw_frames == summary.raw_frames < summary.frames
    with h5py.File(summary.path) as file:              # any reader decodes both
        frames = file[layout.FRAMES]
        assert [frames[i].max() for i in range(len(frames))] == [
            i % 256 for i in range(len(frames))
        ]
        masks = [frames.id.get_chunk_info(i).filter_mask for i in range(len(frames))]
    assert masks.count(1) == summary.raw_frames
    assert masks[0] == masks[-1] == 0


def test_a_slow_disk_is_not_given_more_to_write(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "QUEUE_FRAMES", 10)
    slow_down(monkeypatch, "_write", 0.1, until=1000)
    camera = FakeCamera()
    with FakeSensor() as device:
        summary = record(tmp_path, device, camera, duration_s=2.0)
    assert summary.raw_frames == 0
    assert summary.lost_frames["storage fell behind"] > 5
    # one came after the end
    assert summary.frames + summary.lost_frames["storage fell behind"] == camera.delivered - 1


def test_a_folder_that_is_deleted_meanwhile_ends_it_and_nothing_is_called_saved(tmp_path):
    deleting = threading.Timer(0.7, shutil.rmtree, (tmp_path / "sessions",))
    deleting.start()
    start_s = time.monotonic()
    with FakeSensor() as device, pytest.raises(DeletedError, match="deleted meanwhile"):
        record(tmp_path, device, FakeCamera(), duration_s=30.0)
    assert time.monotonic() - start_s < 15
    assert not list(tmp_path.rglob("*.h5"))


def test_it_ends_in_time_where_samples_come_faster_than_they_are_written(tmp_path, monkeypatch):
    """As on a starved processor; it once wrote packets for ever, and heard no Ctrl-C."""
    quick = sample_stream.SampleStream.add_sample

    def slow(self, *args):
        time.sleep(0.05)                           # longer than a sample's period
        quick(self, *args)

    monkeypatch.setattr(sample_stream.SampleStream, "add_sample", slow)
    start_s = time.monotonic()
    with FakeSensor() as device:
        summary = record(tmp_path, device, FakeCamera(), duration_s=1.0)
    assert time.monotonic() - start_s < 10
    assert summary.complete
    assert summary.lost_samples == {}
