"""Contec's packets of five bytes: what is in one, and a recording over a real pty."""

import numpy as np
import pytest

from acquire.other_sensors.contec_5byte import NO_FINGER, NO_PROBE, SEARCHING, Contec5Byte
from acquire.simulation.other_devices import contec_5byte
from tests.support.contact_sensors import delays_ns, pulse, record_other

WHOLE = bytes([0x85, 61, 0x07, 72, 98])


@pytest.mark.parametrize(
    ("data", "readings", "damaged"),
    [
        pytest.param(WHOLE + bytes([0x95, 0, 0, 0, 0]), [(61, ""), (0, NO_FINGER)], 0, id="finger"),
        pytest.param(bytes([0x85, 9, 0x10, 0, 0, 0x85, 8, 0x20, 0, 0]),
                     [(9, NO_PROBE), (8, SEARCHING)], 0, id="probe and search"),
        pytest.param(bytes([72, 98]) + WHOLE, [(61, "")], 0, id="joined in the middle"),
        pytest.param(WHOLE[:3] + WHOLE, [(61, "")], 1, id="two bytes lost"),
        pytest.param(WHOLE + WHOLE[1:] + WHOLE, [(61, ""), (61, "")], 0,
                     id="a lost first byte cannot be seen"),
    ],
)
def test_bit_7_begins_a_packet(data, readings, damaged):
    for step in (1, 4, 100):
        decoder = Contec5Byte().decoder()
        found = [
            tuple(reading)
            for at in range(0, len(data), step) for reading in decoder.feed(data[at : at + step])
        ]
        assert found == readings
        assert decoder.damaged == damaged


@pytest.mark.real_time
def test_a_recording_is_of_60_hz_and_says_that_no_delay_is_known(tmp_path):
    with contec_5byte(pulse, ppm=-300, delay_ns=30_000_000, hold_ms=16) as device:
        summary, session = record_other(tmp_path, device, "contec-5byte")
    timing = session.sensor.timing
    assert timing is not None
    with session:
        delay_ns = delays_ns(session, device, lambda ppg: np.rint(60 + 40 * ppg))
        assert summary.complete
        assert "by an unknown time" in summary.sync_one_sided
        assert (session.sensor.name, session.sensor.rate_hz) == ("contec-5byte", 60)
        assert timing.delay_most_ns == -1
        # 30 ms in the device, and its five bytes on the line; then the adapter, which is evened out
        assert delay_ns.min() >= 30e6
        assert session.lost_samples == 0
