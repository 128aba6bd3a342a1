"""A sketch that prints numbers: what is a reading, and a recording of one over a real pty."""

import re
import threading

import numpy as np
import pytest

from acq.running.summary_words import shortcomings
from acquire.other_sensors.ascii_numbers import AsciiNumbers
from acquire.sensor.stamped_port import Line
from acquire.simulation.other_devices import OtherDevice, ascii_sketch
from dataset.session.summary import summarise_session
from tests.support.contact_sensors import delays_ns, pulse, record_other


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
        statuses.append(status)
        if status.samples > 40 and not lost:
            lost.append(status.samples)
            device.lose = 30

    lost, statuses = [], []
    with ascii_sketch(pulse, ppm=2000, delay_ns=2_000_000, hold_ms=16) as device:
        summary, session = record_other(
            tmp_path, device, "ascii", duration_s=2.5, on_status=lose_some
        )
    timing = session.sensor.timing
    assert timing is not None
    with session:
        delay_ns = delays_ns(session, device, lambda ppg: np.rint(512 + 180 * ppg))
        assert summary.complete
        assert "0 to" in summary.sync_one_sided
        assert (session.sensor.name, session.sensor.adc_bits) == ("ascii", 10)
        assert session.sensor.rate_hz == pytest.approx(50, abs=2)        # it was measured
        assert (session.ppg_bound_ns == -1).all()
        assert delay_ns.min() >= 0
        assert delay_ns.max() <= timing.delay_most_ns
        assert (session.ppg_time_ns <= session.ppg_arrival_ns).all()
        assert (np.diff(session.ppg_time_ns) > 0).all()
        assert session.lost_samples == pytest.approx(30, abs=2)
    assert summary.lost_samples == {"sensor fell silent": session.lost_samples}
    assert statuses[-1].lost_samples == {"sensor fell silent": pytest.approx(30, abs=5)}
    assert statuses[0].sync_one_sided.startswith("0 to ")


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("rate_hz", "lines", "doubt"),
    [(25, 1, "samples came at [45]. a second where 25 were"), (50, 40, "in bursts, faster than")],
    ids=["half the rate is stated", "40 lines in place of one"],
)
def test_a_sketch_that_prints_faster_than_stated_is_doubted(tmp_path, rate_hz, lines, doubt):
    bursting = threading.Event()

    def print_reading(_number, ppg):
        line = b"%d\r\n" % round(512 + 180 * ppg)
        return line * lines if bursting.is_set() else line

    def burst(status):
        (bursting.set if 60 < status.samples < 500 else bursting.clear)()

    with OtherDevice(pulse, print_reading, Line(115_200), rate_hz=50.0) as device:
        summary, session = record_other(
            tmp_path, device, "ascii", duration_s=2.8, on_status=burst, rate_hz=rate_hz
        )
    with session:
        assert (session.ppg_time_ns <= session.ppg_arrival_ns).all()
        assert (session.ppg_arrival_ns - session.ppg_time_ns).max() < 1.2e9
        assert session.lost_samples == 0
    assert summary.duration_s == pytest.approx(2.8, abs=0.8)
    assert "earlier by an unknown time" in summary.sync_one_sided
    assert re.search(doubt, summary.doubts[0])
    assert f"doubtful: {summary.doubts[0]}" in list(shortcomings(summary))
    assert summarise_session(summary.path).doubts[0] == summary.doubts[0]
