"""Faults on purpose, for `tests/road/test_faults.py` in seconds and `benchmarks/soak.py` for long.

Every device here knows the truth: frame n shows the number n, sample n holds n * 7 % 65536 at a
time that is noted. So a check needs no tolerance but that of the claim it checks, and each raises
`AssertionError` where a claim is broken.
"""

import json
import os
import signal
import threading
import time
from collections import Counter

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.reader import Session
from tests.support.fakes import FakeCamera, FakeSensor

_INVERSE_OF_7 = pow(7, -1, 65536)


def record_with_faults(folder, device, faults, *, duration_s, camera=None):
    """Record while `faults` happen: pairs of a moment [s] and a function to call then."""

    def play():
        start_s = time.monotonic()
        for moment_s, fault in faults:
            time.sleep(max(0.0, start_s + moment_s - time.monotonic()))
            fault()

    sensor = Sensor(device.port)
    player = threading.Thread(target=play)
    player.start()
    try:
        return Recorder(camera or FakeCamera(), sensor).record(folder, "S01", duration_s=duration_s)
    finally:
        sensor.close()
        player.join()


def check_samples(session, middle_ns, period_ns):
    """Check that every sample is at its true time, and every gap right to one sample.

    `middle_ns` are the true times of all samples that the device took.
    """
    truth_ns = np.array(middle_ns)
    numbers = session.ppg.astype(np.int64) * _INVERSE_OF_7 % 65536
    wraps = np.concatenate([[0], np.cumsum(np.diff(numbers) < 0)])
    numbers += 65536 * wraps
    assert (truth_ns[numbers] < session.ppg_arrival_ns).all()
    assert (np.diff(numbers) > 0).all()
    assert (np.diff(session.ppg_time_ns) > 0).all()
    assert (np.diff(session.ppg_sequence) > 0).all()
    assert (np.diff(session.ppg_ticks) > 0).all()
    assert (session.ppg_bound_ns >= 0).all()
    assert (np.abs(session.ppg_time_ns - truth_ns[numbers]) <= session.ppg_bound_ns).all()
    periods = np.diff(truth_ns[numbers]) / period_ns
    # where pings were slow, times are known less exactly
    tolerance = (session.ppg_bound_ns[:-1] + session.ppg_bound_ns[1:]) / period_ns
    steps = np.diff(session.ppg_sequence)
    excess = np.abs(steps - periods) - tolerance
    assert excess.max() <= 1, (
        steps[excess > 1], periods[excess > 1], tolerance[excess > 1], session.events,
    )


class NumberedCamera:
    """A fast camera of small pictures that hold their number; a late reader loses the oldest."""

    info = CameraInfo("numbered", 64, 48, 100.0, "I420", "start of exposure")
    _base = np.random.default_rng(1).integers(0, 256, info.image_shape, dtype=np.uint8)

    def start(self, start_ns):
        self._start_ns, self._next = start_ns, 0

    @classmethod
    def image(cls, n):
        image = cls._base + np.uint8(n % 256)
        image[0, :8] = np.frombuffer(n.to_bytes(8, "little"), np.uint8)
        return image

    def read(self, timeout_s):
        period_ns = round(1e9 / self.info.fps)
        waiting = (time.monotonic_ns() - self._start_ns) // period_ns - self._next
        if waiting > 8:
            self._next += waiting - 8
        due_ns = self._start_ns + self._next * period_ns
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        self._next += 1
        return VideoFrame(self.image(self._next - 1), due_ns, time.monotonic_ns(), self._next - 1)

    def close(self):
        pass


def check_numbers(session):
    """Check that every frame and sample is that of its number, and that no time goes back."""
    for index, number in enumerate(session.frame_sequence.tolist()):
        assert (session.frames.raw(index) == NumberedCamera.image(number)).all()
    assert (session.ppg == session.ppg_sequence * 7 % 65536).all()
    assert (np.diff(session.frame_sequence) > 0).all()
    assert (np.diff(session.frame_time_ns) > 0).all()
    assert (np.diff(session.ppg_sequence) > 0).all()


def record_while_stopped(folder, stops):
    """SIGSTOP a recorder now and then while its sensor runs on in another process.

    Parameters
    ----------
    stops : pairs of a moment and a length [s]

    Returns
    -------
    the frames and samples that it counted as lost
    """
    link, truth = folder / "port", folder / "truth.json"
    device_pid = os.fork()
    if not device_pid:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with FakeSensor(link=link) as device:
            stop.wait()
        truth.write_text(json.dumps([device.middle_ns, device.period_ns]))
        os._exit(0)
    while not link.exists():
        time.sleep(0.01)
    length_s = max(moment_s + for_s for moment_s, for_s in stops) + 1.0
    pid = os.fork()
    if not pid:
        try:
            Recorder(NumberedCamera(), Sensor(str(link))).record(folder, "S01", duration_s=length_s)
            os._exit(0)
        except BaseException:
            os._exit(9)
    while not list(folder.rglob("*.h5")):
        time.sleep(0.01)
    start_s = time.monotonic()
    for moment_s, for_s in stops:
        time.sleep(max(0.0, start_s + moment_s - time.monotonic()))
        os.kill(pid, signal.SIGSTOP)
        time.sleep(for_s)
        os.kill(pid, signal.SIGCONT)
    _, status = os.waitpid(pid, 0)
    os.kill(device_pid, signal.SIGTERM)
    os.waitpid(device_pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    (path,) = folder.rglob("*.h5")
    middle_ns, period_ns = json.loads(truth.read_text())
    with Session(path) as session:
        check_numbers(session)
        check_samples(session, middle_ns, period_ns)
        assert session.complete
        lost = Counter()
        for event in session.events:
            if event.kind in ("lost_frames", "lost_samples") and ": " in event.text:
                lost[event.kind] += int(event.text.split(":")[0])
        assert session.lost_frames == lost["lost_frames"]
        assert session.lost_samples == lost["lost_samples"]
        return session.lost_frames, session.lost_samples
