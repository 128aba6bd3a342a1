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
from dataclasses import replace

import numpy as np

from acquire.camera.source import CameraInfo, VideoFrame
from acquire.layout import BOOT_TICKS
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from dataset.session.log import LOST_FRAMES, LOST_SAMPLES, losses_by_cause
from dataset.session.reader import Session
from tests.support.fakes import HELLO, FakeCamera, FakeSensor

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

    def count_until(self, time_ns):
        return None

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


def check_numbers(session, *, has_samples=True):
    """Check that every frame and sample is that of its number, and that no time goes back.

    Parameters
    ----------
    has_samples : the samples, too: their device did not restart
    """
    for index, number in enumerate(session.frame_sequence.tolist()):
        assert (session.frames.raw(index) == NumberedCamera.image(number)).all()
    assert not has_samples or (session.ppg == session.ppg_sequence * 7 % 65536).all()
    assert (np.diff(session.frame_sequence) > 0).all()
    assert (np.diff(session.frame_time_ns) > 0).all()
    assert (np.diff(session.ppg_sequence) > 0).all()


def record_while_stopped(
    folder, stops, *, resets=(), rate_hz=25, camera=None, length_s=None, niceness=0,
):
    """SIGSTOP a recorder now and then, or starve it, while its sensor runs in another process.

    Its port keeps 4 kB, as that of a USB adapter does.

    Parameters
    ----------
    stops : pairs of a moment and a length [s]
    resets : moments at which the board restarts [s]
    camera : opened in the recorder's process; numbered pictures where not given
    length_s : of the recording; a second more than the stops where not given
    niceness : of the recorder's process

    Returns
    -------
    the frames and samples that it counted as lost, by cause, and the pauses that it noted [s]
    """
    link, truth = folder / "port", folder / "truth.json"
    device_pid = os.fork()
    if not device_pid:
        _run_device(link, truth, replace(HELLO, rate_hz=rate_hz))
    _wait_until(link.exists)
    length_s = length_s or max(moment_s + for_s for moment_s, for_s in stops) + 1.0
    pid = os.fork()
    if not pid:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
            sensor = Sensor(str(link))
            recorder = Recorder((camera or NumberedCamera)(), sensor, ppg_rate_hz=rate_hz)
            recorder.record(folder, "S01", duration_s=length_s)
            os._exit(0)
        except BaseException:
            os._exit(9)
    _wait_until(lambda: list(folder.rglob("*.h5")))
    start_s = time.monotonic()
    signals = [(moment_s, device_pid, signal.SIGUSR1) for moment_s in resets]
    for moment_s, for_s in stops:
        signals += [(moment_s, pid, signal.SIGSTOP), (moment_s + for_s, pid, signal.SIGCONT)]
    for moment_s, to_pid, number in sorted(signals):
        time.sleep(max(0.0, start_s + moment_s - time.monotonic()))
        os.kill(to_pid, number)
    _, status = os.waitpid(pid, 0)
    os.kill(device_pid, signal.SIGTERM)
    os.waitpid(device_pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    (path,) = folder.rglob("*.h5")
    return _check_stopped(
        path, *json.loads(truth.read_text()), is_numbered=camera is None, is_starved=niceness > 0
    )


def _run_device(link, truth, hello):
    """Be the sensor until SIGTERM, then write what was true."""
    stop, reset = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGUSR1, lambda *_: reset.set())
    with FakeSensor(link=link, hello=hello, buffer_bytes=4095) as device:
        while not stop.wait(0.01):
            if reset.is_set():
                reset.clear()
                device.reset()
    truth.write_text(json.dumps([device.middle_ns, device.period_ns]))
    os._exit(0)


def _wait_until(is_so):
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def _check_stopped(path, middle_ns, period_ns, *, is_numbered, is_starved):
    with Session(path) as session:
        if is_numbered:
            check_numbers(session, has_samples=bool((session.ppg_ticks < BOOT_TICKS).all()))
        check_samples(session, middle_ns, period_ns)
        # a starved recorder may miss its last second of frames, which it says
        assert session.complete or is_starved, session.ended
        frames, samples = (
            losses_by_cause(session.events, kind) for kind in (LOST_FRAMES, LOST_SAMPLES)
        )
        assert session.lost_frames == sum(frames.values())
        assert session.lost_samples == sum(samples.values())
        texts = [event.text for event in session.events if event.kind == "host_paused"]
        return frames, samples, [float(text.split()[-2]) for text in texts]
