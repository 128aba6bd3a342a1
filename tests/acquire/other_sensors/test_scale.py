"""The scale of a sketch that prints numbers, where its first readings are not those of a finger."""

import os
import shutil

import h5py
import numpy as np
import pytest

from acquire import layout
from acquire.errors import SessionError
from acquire.other_sensors.ascii_numbers import AsciiNumbers
from acquire.other_sensors.kind import NumberedReading, Reading
from acquire.other_sensors.port import OtherSensor
from acquire.other_sensors.scale import ScaleWatch, tell_scale, to_values
from acquire.other_sensors.thread import OtherSensorThread
from acquire.recorder.progress import RecordingProgress
from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE
from acquire.sensor.protocol import SAMPLE_CLIPPED
from acquire.sensor.stamped_port import Line, Received
from acquire.session.structure import RecordedWith
from acquire.session.writer import SessionWriter
from dataset.quality.measurements import Measurements
from dataset.quality.ppg import measure_ppg
from dataset.recovery.recover import recover
from dataset.session.reader import Session
from dataset.signals.finger_rates import finger_rates
from tests.support.fakes import FakeCamera
from tests.support.quality_sessions import LIMITS
from tests.support.session_writing import numbered_frame

RATE_HZ, START_NS, WITHOUT_S = 50, 10**12, 3.0


class Printed(OtherSensor):
    """A sketch that has printed some readings, 50 a second."""

    def __init__(self, readings, scale):
        self.port, self.kind, self.line = "x", AsciiNumbers(), Line(115_200)
        self.rate_hz, self.scale, self.is_rate_measured = RATE_HZ, scale, True
        self._readings = list(readings)
        self.count = 0
        self.at_end = lambda: None

    listened_s = 0.0

    def request(self, data):
        """Take no request."""

    def read(self, timeout_s):
        if self.count == len(self._readings):
            self.at_end()
            return None
        reading = Reading(float(self._readings[self.count]))
        self.count += 1
        arrival_ns = START_NS + self.count * 10**9 // RATE_HZ
        return Received(NumberedReading(reading, 0), arrival_ns)


def record(path, readings, scale, *, killed=None):
    """Record what a sketch printed, and copy the file before it is closed to `killed`."""
    sensor = Printed(readings, scale)
    source = OtherSensorThread(sensor)
    camera = FakeCamera().info
    writer = SessionWriter(
        path, session_id="S01-20260101T090000Z", subject="S01", camera=camera, hello=source.hello,
        port="x", started_unix_ns=1, started_monotonic_ns=START_NS, simulated=True,
        origin=RecordedWith(source.timing, scale=source.scale),
    )
    progress = RecordingProgress(
        writer, camera, source.hello, start_ns=START_NS, free_bytes=0, simulated=True,
        timing=source.timing,
    )
    writer.add_frame(numbered_frame(0, camera))
    sensor.at_end = source.stop
    source.run()
    while not source.items.empty():
        progress.take(source.items.get())
    writer.flush()
    if killed is not None:
        shutil.copy(path, killed)
    progress.samples.place_all(())
    writer.close(complete=True)
    return progress.samples


def finger_comes_late():
    t_s = np.arange(13 * RATE_HZ) / RATE_HZ
    pulse = np.rint(50_000 + 400 * np.sin(2 * np.pi * 72 / 60 * t_s))
    return np.where(t_s < WITHOUT_S, 700 + np.arange(len(t_s)) % 5, pulse)


def test_a_finger_that_comes_after_the_scale_was_told_is_recorded_with_its_pulse(tmp_path):
    printed = finger_comes_late()
    samples = record(tmp_path / "a.h5", printed, tell_scale(printed[: 2 * RATE_HZ]))
    measured = Measurements(LIMITS)
    with Session(tmp_path / "a.h5") as session, h5py.File(session.path) as file:
        measure_ppg(session, None, measured)
        assert (session.reading == printed).all()
        assert (session.ppg == printed).all()           # of 16 bits
        assert (file[layout.PPG_VALUE][:] == printed).all()
        assert not session.ppg_flags.any()
        assert not file[layout.PPG_FLAGS][:].any()
        assert (session.sensor.scale, session.sensor.adc_bits) == ((0, 65535), 16)
        finger = session.ppg[round((WITHOUT_S + 0.1) * RATE_HZ):].astype(float)
        events = [(event.kind, event.text) for event in session.events]
    assert finger_rates(finger, RATE_HZ).bpm == pytest.approx(72, abs=0.5)
    assert ("scale_widened", "readings beyond 0 to 1023: the scale is 0 to 65535") in events
    # as it was recorded, and as it is read: off until the step has left the window of 1.4 s
    assert samples.no_finger_s == pytest.approx(WITHOUT_S, abs=1.5)
    assert measured.measures["no_finger_percent"] == pytest.approx(100 * WITHOUT_S / 13, abs=12)
    assert not any(kind == CLIPPED for kind, _ in events)
    assert CLIPPED not in {flag.kind for flag in measured.flags}
    assert not samples.states(START_NS + 13 * 10**9).keys() & {FINGER_OFF, FLAT_LINE, CLIPPED}


def test_a_file_that_was_not_closed_is_read_and_recovered_with_one_scale(tmp_path):
    printed = finger_comes_late()
    killed = tmp_path / "S01-20260101T090000Z.h5"
    record(tmp_path / "a.h5", printed, (0.0, 1023.0), killed=killed)
    with h5py.File(killed, "r", swmr=True) as file:
        assert file[layout.PPG_VALUE][0] > 40_000       # by the scale of that time
    with Session(killed) as session:
        assert (session.ppg == printed).all()
        assert not session.ppg_flags.any()
    os.utime(killed, (1, 1))                            # nobody writes it any more
    recovered = recover(killed)
    assert recovered is not None
    with h5py.File(recovered.path) as file:
        assert (file[layout.PPG_VALUE][:] == printed).all()
        assert not file[layout.PPG_FLAGS][:].any()


def test_a_session_of_an_earlier_version_has_the_values_of_its_file(tmp_path):
    printed = finger_comes_late()
    record(tmp_path / "a.h5", printed, (0.0, 1023.0))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        for name in layout.SCALE_ATTRS:
            del file["ppg"].attrs[name]
        file[layout.PPG_VALUE][:] = 7
    with Session(tmp_path / "a.h5") as session:
        assert session.sensor.scale is None
        assert (session.ppg == 7).all()


@pytest.mark.parametrize(
    ("low", "words"),
    [(1023.0, "below scale_high"), (float("nan"), "a reading"), ("x", "a reading")],
)
def test_a_scale_that_is_none_is_refused(tmp_path, low, words):
    record(tmp_path / "a.h5", np.full(20, 512.0), (0.0, 1023.0))
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["ppg"].attrs["scale_low"] = low
    with pytest.raises(SessionError, match=words):
        Session(tmp_path / "a.h5")


def test_one_reading_beyond_the_scale_is_flagged_and_does_not_widen_it(tmp_path):
    printed = np.full(200, 512.0)
    printed[[50, 100, 101]] = 512_513, 40_000, 2000     # lines that ran together
    record(tmp_path / "a.h5", printed, (0.0, 1023.0))
    with Session(tmp_path / "a.h5") as session:
        assert (session.reading == printed).all()
        assert session.sensor.adc_bits == 10
        assert np.flatnonzero(session.ppg_flags & SAMPLE_CLIPPED).tolist() == [50, 100, 101]
        assert (session.ppg[[50, 100, 101]] == 65535).all()


@pytest.mark.parametrize(
    ("before", "readings", "after"),
    [
        pytest.param((0, 1023), [1024, 1500, 3000], (0, 4095), id="12 bits"),
        pytest.param((0, 1023), [-5, -6, -7], (-1023, 1023), id="below zero"),
        pytest.param((0, 1023), [9e9, 2000, 9e9], (0, 4095), id="damaged ones among them"),
        pytest.param((0, 1023), [2000, 1023, 2000, 0, 2000], (0, 1023), id="not in a row"),
        pytest.param((0, 2**24 - 1), [9e9] * 9, (0, 2**24 - 1), id="beyond every converter"),
    ],
)
def test_some_readings_in_a_row_widen_the_scale_to_the_next_that_holds_them(
    before, readings, after
):
    watch = ScaleWatch(before, is_told=True)
    widened = [watch.add(reading) for reading in readings]
    assert watch.scale == after
    assert any(widened) == (after != before)


def test_a_scale_that_the_kind_states_stays():
    watch = ScaleWatch((0, 127), is_told=False)
    assert not any(watch.add(4000) for _ in range(9))
    assert watch.scale == (0, 127)


def test_values_lie_on_the_whole_scale():
    readings = np.array([-9.0, 0.0, 511.5, 1023.0, 9e99, np.nan, np.inf])
    values = [0, 0, 32768, 65535, 65535, 0, 65535]
    assert to_values(readings, (0.0, 1023.0)).tolist() == values
