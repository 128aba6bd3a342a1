"""Contec's packets of nine bytes: what is in one, what it is asked, and a recording over a pty."""

import numpy as np
import pytest

from acquire.other_sensors.contec_9byte import (
    LIVE,
    NO_FINGER,
    REQUEST,
    SEARCHING,
    START,
    STOP,
    Contec9Byte,
    pack,
)
from acquire.simulation.other_devices import contec_9byte
from tests.support.contact_sensors import delays_ns, pulse, record_other

WHOLE = bytes.fromhex("0180 85bd87c8e2ffff")      # waveform 61, rate 72, saturation 98


@pytest.mark.parametrize(
    ("data", "readings", "damaged"),
    [
        pytest.param(WHOLE, [(61, "")], 0, id="live data"),
        pytest.param(pack(LIVE, bytes([0x85, 3])), [(3, NO_FINGER)], 0, id="no finger"),
        pytest.param(pack(LIVE, bytes([5, 0x84])), [(4, SEARCHING)], 0, id="searching"),
        pytest.param(WHOLE[4:] + WHOLE, [(61, "")], 0, id="joined in the middle"),
        pytest.param(WHOLE[:6] + WHOLE, [(61, "")], 1, id="three bytes lost"),
        pytest.param(bytes.fromhex("0c80") + WHOLE + bytes.fromhex("0d8080"), [(61, "")], 0,
                     id="packets of other kinds"),
    ],
)
def test_a_byte_without_bit_7_begins_a_packet(data, readings, damaged):
    for step in (1, 4, 100):
        decoder = Contec9Byte().decoder()
        found = [
            tuple(reading)
            for at in range(0, len(data), step) for reading in decoder.feed(data[at : at + step])
        ]
        assert found == readings
        assert decoder.damaged == damaged


def test_requests_are_as_published():
    assert pack(REQUEST, bytes([START])).hex(" ") == "7d 81 a1 80 80 80 80 80 80"
    assert pack(REQUEST, bytes([STOP])).hex(" ") == "7d 81 a2 80 80 80 80 80 80"


@pytest.mark.real_time
def test_it_is_asked_to_stream_recorded_and_asked_to_stop(tmp_path):
    with contec_9byte(pulse, ppm=200, delay_ns=30_000_000, hold_ms=1) as device:
        summary, session = record_other(tmp_path, device, "contec-9byte")
    with session:
        delay_ns = delays_ns(session, device, lambda ppg: np.rint(60 + 40 * ppg))
        assert summary.complete
        assert session.sensor.rate_hz == 60
        assert delay_ns.min() >= 30e6
    assert device.asked.startswith(pack(REQUEST, bytes([START])))
    assert device.asked.endswith(pack(REQUEST, bytes([STOP])))
