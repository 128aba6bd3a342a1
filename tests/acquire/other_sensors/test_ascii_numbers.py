"""A sketch that prints numbers: what is a reading, and a recording of one over a real pty."""

import numpy as np
import pytest

from acquire.other_sensors.ascii_numbers import AsciiNumbers
from acquire.other_sensors.find import open_contact_sensor
from acquire.recorder.recorder import Recorder
from acquire.simulation.other_devices import ascii_sketch
from dataset.session.reader import Session
from tests.support.fakes import FakeCamera


def pulse(time_ns):
    return np.sin(2 * np.pi * 1.2 * time_ns * 1e-9)


@pytest.mark.parametrize(
    ("data", "readings", "damaged"),
    [
        pytest.param(b"12\n422\r\n423\r\n", [422, 423], 0, id="the first line may be a part"),
        pytest.param(b"\n422\r\n-1.5\r\n7", [422, -1.5], 0, id="the last one has not ended"),
        pytest.param(b"\nS512\r\nB72\r\nQ830\r\nS513\r\n", [512, 513], 0, id="PulseSensor Amped"),
        pytest.param(b"\n422\r\n4\xff2\r\n423\r\n", [422, 423], 1, id="a byte came damaged"),
        pytest.param(b"\n1,2,3\n4 5\nnan\n1e5\n", [], 4, id="not one plain number"),
    ],
)
def test_a_line_is_a_reading(data, readings, damaged):
    for step in (1, 3, 100):
        decoder = AsciiNumbers().decoder()
        found = [
            reading.value
            for at in range(0, len(data), step) for reading in decoder.feed(data[at : at + step])
        ]
        assert found == readings
        assert decoder.damaged == damaged


@pytest.mark.real_time
def test_a_recording_holds_the_printed_numbers_and_a_one_sided_bound_that_holds(tmp_path):
    def lose_some(status):
        if status.samples > 40 and not lost:
            lost.append(status.samples)
            device.lose = 30

    lost = []
    with ascii_sketch(pulse, ppm=2000, delay_ns=2_000_000, hold_ms=16) as device:
        sensor = open_contact_sensor(device.port, sensor="ascii")
        assert sensor.rate_hz == pytest.approx(50, abs=1)
        assert "9600 baud, about" in sensor.description
        summary = Recorder(FakeCamera(), sensor).record(
            tmp_path, "S01", duration_s=2.5, on_status=lose_some
        )
        sensor.close()
        light_ns = np.array(device.light_ns)
    assert summary.complete
    assert "0 to" in summary.sync_one_sided
    with Session(summary.path) as session:
        assert session.sensor.name == "ascii"
        assert (session.ppg_bound_ns == -1).all()
        at = np.searchsorted(light_ns, session.ppg_time_ns) - 1
        # the reading says which sample it is: the true one, or one that waited in the adapter
        truth = np.rint(512 + 180 * pulse(light_ns))
        first = int(np.argmin([
            np.abs(session.ppg_values - truth[at[0] - back : at[0] - back + len(at)]).sum()
            for back in range(4)
        ]))
        mine = light_ns[at[0] - first :][: len(at)]
        assert (session.ppg_values == truth[at[0] - first :][: len(at)]).all()
        delay_ns = session.ppg_time_ns - mine
        assert delay_ns.min() >= 0
        assert delay_ns.max() <= session.sensor.timing.delay_most_ns
        assert (session.ppg_time_ns <= session.ppg_arrival_ns).all()
        assert (np.diff(session.ppg_time_ns) > 0).all()
        assert session.lost_samples == pytest.approx(30, abs=1)
