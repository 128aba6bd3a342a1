"""Streams over a real liblsl: recorded from a sender whose clock is skewed, and sent by us."""

import os
import queue
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from acquire.errors import DeviceError
from acquire.lsl import inlet
from acquire.lsl.inlet import StreamLost, StreamReader, find_stream, group_name
from acquire.lsl.outlet import FRAMES, PPG, Outlets
from acquire.lsl.recorded import open_streams
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.recovery.recover import recover
from dataset.session.reader import Session
from tests.support.fakes import FakeCamera, FakeSensor
from tests.support.lsl import CONFIG, skewed_sender

pylsl = pytest.importorskip("pylsl", reason="the extra lsl is not installed")
pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def _loopback(tmp_path, monkeypatch):
    """Let liblsl, which reads this once, look for streams on this machine alone."""
    (tmp_path / "lsl.cfg").write_text(CONFIG)
    monkeypatch.setenv("LSLAPICFG", str(tmp_path / "lsl.cfg"))


def test_streams_of_a_skewed_clock_lie_on_the_session_s_within_their_bounds(
    tmp_path, monkeypatch
):
    with skewed_sender(tmp_path, ppm=5000) as sender, FakeSensor() as device:
        streams = open_streams(["made numbers", "marks"])
        with monkeypatch.context() as quick:
            quick.setattr(inlet, "_RESOLVE_S", 0.3)
            with pytest.raises(DeviceError, match="made numbers"):
                find_stream("nothing")
        time.sleep(1.0)                     # 5 ms of skew
        sensor = Sensor(device.port)
        outlets = Outlets()
        received = {}

        def listen():
            received.update({name: find_stream(name) for name in (PPG, FRAMES)})
            for reader in received.values():
                reader.start()
            time.sleep(1.5)
            sender.kill()                   # both streams are lost
            time.sleep(1.0)
            recorder.stop("the test")

        recorder = Recorder(FakeCamera(), sensor, streams=streams, outlets=outlets)
        listener = threading.Thread(target=listen)
        listener.start()
        statuses = []
        summary = recorder.record(tmp_path, "S01", duration_s=60, on_status=statuses.append)
        listener.join()
        for reader in received.values():
            reader.stop()
        outlets.close()
        sensor.close()
    assert summary.complete
    assert statuses[-1].lost_streams_s == summary.lost_streams_s        # at once
    assert statuses[0].lost_streams_s == {}
    with Session(summary.path) as session:
        numbers, marks = session.streams["made_numbers"], session.streams["marks"]
        true_s, off_s = numbers.values.T
        assert len(true_s) > 50
        assert (numbers.bound_ns >= 0).all()
        error_s = np.abs(numbers.time_ns / 1e9 - true_s)
        assert (error_s <= numbers.bound_ns / 1e9 + off_s + 1e-6).all()
        # what the stamps themselves are off by is told by no bound of that size
        assert np.abs(numbers.samples["stamp_s"] - true_s).min() > 0.004
        assert numbers.bound_ns.max() < 10e6
        texts, mark_ns = zip(*(text.split(" at ") for text in marks.values), strict=True)
        assert texts[0].startswith("mark ")
        assert (np.abs(marks.time_ns - np.array(mark_ns, np.int64)) <= marks.bound_ns + 1e6).all()
        assert len(numbers.offsets) >= 2
        lost = [event.text for event in session.events if event.kind == "stream_lost"]
        assert sorted(text.partition(":")[0] for text in lost) == ["made_numbers", "marks"]
        assert sorted(summary.lost_streams_s) == ["made_numbers", "marks"]
        assert max(summary.lost_streams_s.values()) < session.duration_s
        assert summary.streams == {"made_numbers": len(true_s), "marks": len(texts)}
        whole = session.content_hash()
        _check_sent(session, received)
    _check_recovered(summary.path, whole)


def _check_sent(session, received):
    """Compare what another program had of our streams with what is in the file."""
    for name, column, times_ns in (
        (PPG, session.ppg, session.ppg_time_ns),
        (FRAMES, session.frame_sequence, session.frame_time_ns),
    ):
        reader = received[name]
        items = [reader.items.get_nowait() for _ in range(reader.items.qsize())]
        samples = [item for item in items if hasattr(item, "stamp_s")]
        assert len(samples) > 20
        values = np.array([sample.value[0] for sample in samples])
        first = int(np.flatnonzero(column == values[0])[0])
        assert (values == column[first:][: len(values)]).all()
        stamps_ns = np.array([sample.stamp_s for sample in samples]) * 1e9
        # live placements, which the closed file has better
        assert np.abs(stamps_ns - times_ns[first:][: len(values)]).max() < 20e6


def _check_recovered(path, whole):
    """A copy that lost its end has the streams that it had; and no stream changes unseen."""
    copy = path.parent / "S01-20260101T090000Z.h5"
    shutil.copy(path, copy)
    with copy.open("r+b") as file:
        file.truncate(copy.stat().st_size - 4096)
    recovered = recover(copy)
    assert recovered is not None
    with Session(recovered.path) as session:
        assert set(session.streams) == {"made_numbers", "marks"}
        assert session.streams["made_numbers"].bound_ns.max() > 0
        assert session.content_hash() != whole


def test_a_name_of_a_group_holds_no_sign_that_a_path_could():
    assert group_name("../Mein EEG: 32/ch") == "Mein_EEG_32_ch"
    assert group_name("//") == "stream"


@pytest.mark.parametrize(("log", "prints"), [
    pytest.param("", False, id="as it is"),
    pytest.param("[log]\nlevel = 0\n", True, id="a user who wants its log"),
])
def test_the_library_prints_nothing_between_our_lines_unless_asked(tmp_path, log, prints):
    (tmp_path / "lsl_api.cfg").write_text(f"[multicast]\nResolveScope = machine\n{log}")
    code = (
        "from acquire.lsl.outlet import Outlets\n"
        "sent = Outlets()\nsent.open(rate_hz=50, fps=25)\nsent.close()"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LSLAPICFG"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True,
        check=True, timeout=300,
    )
    assert done.stdout == b""
    assert (b"INFO" in done.stderr) == prints
    assert prints or done.stderr == b""


def test_whatever_ends_a_stream_is_told(monkeypatch):
    reader = StreamReader.__new__(StreamReader)
    reader._stop, reader.items = threading.Event(), queue.SimpleQueue()

    def fail(timeout_s):
        raise pylsl.util.InternalError("the library broke")

    monkeypatch.setattr(reader, "_pull", fail)
    reader._run()
    (lost,) = [reader.items.get(timeout=1) for _ in range(reader.items.qsize())]
    assert isinstance(lost, StreamLost)
    assert "the library broke" in lost.reason
