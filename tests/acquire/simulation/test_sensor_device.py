"""The virtual sensor without a port: its crystal, its line, and what it does when."""

from itertools import pairwise

import numpy as np
import pytest

from acquire.sensor.protocol import TICK_HZ, PacketParser, Ping, Sample, Start, Status, encode
from acquire.simulation.sensor_device import Crystal, SensorDevice, SerialLine


@pytest.mark.parametrize("ppm", [-50.0, 0.0, 37.0, 5000.0])
def test_a_crystal_reads_both_ways(ppm):
    crystal = Crystal(np.random.default_rng(1), boot_ns=10**15, ppm=ppm)
    for later_s in (0, 1, 60, 3600):
        host_ns = 10**15 + later_s * 10**9
        ticks = crystal.ticks(host_ns)
        assert abs(crystal.host_ns(ticks) - host_ns) <= 1000
    an_hour = crystal.ticks(10**15 + 3600 * 10**9) - crystal.ticks(10**15)
    assert (an_hour / (3600 * TICK_HZ) - 1) * 1e6 == pytest.approx(ppm, abs=0.5)


@pytest.mark.parametrize("hold_ms", [0.0, 1.0, 16.0])
def test_a_line_holds_bytes_at_most_so_long_and_keeps_their_order(hold_ms):
    line = SerialLine(np.random.default_rng(2), hold_ms=hold_ms)
    arrived = []
    for n in range(200):
        line.write(Ping(n), n * 3_000_000)
        due_ns = line.next_ns()
        wire_ns = len(encode(Ping(n))) * 86_805
        # an older packet may still be held
        assert wire_ns <= due_ns - n * 3_000_000 + hold_ms * 1e6
        arrived += list(
            PacketParser().feed(line.arrived(n * 3_000_000 + round(hold_ms * 1e6) + wire_ns))
        )
    assert [p.id for p in arrived] == list(range(200))


def test_the_device_does_late_what_was_due_with_the_right_stamps():
    rng = np.random.default_rng(4)
    crystal = Crystal(rng, boot_ns=10**12)
    device = SensorDevice(
        lambda ns: np.zeros(len(ns)), crystal, SerialLine(rng, hold_ms=1.0), rng=rng, boot_id=7
    )
    device.receive(encode(Start(25)), 10**12 + 10**9)
    device.run(10**12 + 4 * 10**9)                          # nobody came by for three seconds
    packets = list(PacketParser().feed(device.line.arrived(10**13)))
    samples = [p for p in packets if isinstance(p, Sample)]
    assert len(samples) == 74
    assert {(b.ticks - a.ticks) % 2**32 for a, b in pairwise(samples)} == {TICK_HZ // 25}
    assert sum(isinstance(p, Status) for p in packets) == 2
