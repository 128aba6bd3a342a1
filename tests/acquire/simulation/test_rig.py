"""The virtual camera and the virtual sensor: what the recorder sees of them, against what they know
of themselves.
"""

import time
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
import serial

from acquire.errors import DeviceError
from acquire.sensor.protocol import (
    SAMPLE_LED,
    SENSOR_VIRTUAL,
    TICK_HZ,
    Hello,
    Identify,
    Led,
    PacketParser,
    Ping,
    Pong,
    Sample,
    Start,
    Status,
    Stop,
    encode,
)
from acquire.simulation.rig import SubjectClock, VirtualCamera, VirtualSensor, open_virtual_rig
from acquire.simulation.sensor_device import Crystal, Line, SensorDevice
from acquire.simulation.subject import VirtualSubject

pytestmark = pytest.mark.real_time


class Host:
    """A plain host on a serial port: sends packets, keeps what comes, by type."""

    def __init__(self, port):
        self.serial = serial.Serial(port, 115200, timeout=0.002)
        self.parser = PacketParser()
        self.got = defaultdict(list)            # type -> [(packet, arrival_ns)]
        self.sent_ns = {}

    def send(self, packet):
        if isinstance(packet, Ping):
            self.sent_ns[packet.id] = time.monotonic_ns()
        self.serial.write(encode(packet))

    def listen(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            data = self.serial.read(64)
            now_ns = time.monotonic_ns()
            for packet in self.parser.feed(data):
                self.got[type(packet)].append((packet, now_ns))
        return self


@pytest.fixture(scope="module")
def subject():
    return VirtualSubject("S01").prepare()


def host_ns_of(crystal, ticks):
    """Undo the 32-bit wrap of a tick stamp that is younger than 2^31 ticks."""
    now = crystal.ticks(time.monotonic_ns())
    return crystal.host_ns(now - (now - ticks) % 2**32)


def test_the_sensor_speaks_the_protocol_over_its_pty(subject):
    clock = SubjectClock(time.monotonic_ns())
    with VirtualSensor(subject, clock=clock, ppm=37.0, hold_ms=4.0) as sensor:
        host = Host(sensor.port)                # opening the port may throw the first HELLO away
        host.send(Identify())
        hello, _ = host.listen(0.1).got.pop(Hello)[-1]
        assert (hello.sensor, hello.rate_hz, hello.tick_hz) == (SENSOR_VIRTUAL, 25, TICK_HZ)

        clock.zero_ns = time.monotonic_ns()
        host.send(Start(100))
        for n in range(10):
            host.send(Ping(n))
            host.listen(0.12)
        host.send(Led(1))
        host.listen(0.1)
        host.send(Stop())
        host.listen(0.1)
        quiet = len(host.got[Sample])
        host.listen(0.1)
        assert len(host.got[Sample]) == quiet
        assert host.parser.bad_packets == 0
        assert [h.rate_hz for h, _ in host.got[Hello]] == [100, 100]
        assert {h.boot_id for h, _ in host.got[Hello]} == {hello.boot_id}
        assert len(host.got[Status]) == 1

        assert len(host.got[Pong]) == 10
        for pong, arrival_ns in host.got[Pong]:
            rx_ns, tx_ns = (host_ns_of(sensor.crystal, t) for t in (pong.rx_ticks, pong.tx_ticks))
            assert host.sent_ns[pong.id] <= rx_ns <= tx_ns <= arrival_ns

        samples = [s for s, _ in host.got[Sample]]
        assert len(samples) > 120
        assert [s.sequence for s in samples] == list(range(len(samples)))
        assert {(b.ticks - a.ticks) % 2**32 for a, b in pairwise(samples)} == {TICK_HZ // 100}
        assert samples[-1].flags & SAMPLE_LED
        assert not samples[0].flags & SAMPLE_LED
        middle_ns = np.array([host_ns_of(sensor.crystal, s.ticks) for s in samples])
        assert all(
            m + 5_000_000 <= a + 1000 for m, (_, a) in zip(middle_ns, host.got[Sample], strict=True)
        )
        truth = subject.ppg((middle_ns - clock.zero_ns) * 1e-9)
        value = np.array([s.value for s in samples])
        assert np.corrcoef(truth, value)[0, 1] > 0.999


def test_start_begins_again_and_a_rate_it_lacks_leaves_the_one_in_force(subject):
    with VirtualSensor(subject, hold_ms=1.0) as sensor:
        host = Host(sensor.port)
        host.send(Start(50))
        host.listen(0.2)
        host.got.clear()
        host.send(Start(60))
        host.listen(0.2)
        assert host.got[Hello][0][0].rate_hz == 50
        restarted = [s.sequence for s, _ in host.got[Sample]]
        assert 0 in restarted
        assert restarted[restarted.index(0) :] == list(range(len(restarted) - restarted.index(0)))


def test_two_boots_differ_and_a_sensor_can_be_put_away_twice(subject):
    with VirtualSensor(subject) as one, VirtualSensor(subject) as other:
        hosts = [Host(sensor.port) for sensor in (one, other)]
        for host in hosts:
            host.send(Identify())
            host.listen(0.15)
        assert hosts[0].got[Hello][-1][0].boot_id != hosts[1].got[Hello][-1][0].boot_id
        hosts[0].serial.close()
        assert Host(one.port).listen(0.05).parser.bad_packets == 0     # a host may go and come back
    one.close()


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
    line = Line(np.random.default_rng(2), hold_ms=hold_ms)
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
        lambda ns: np.zeros(len(ns)), crystal, Line(rng, hold_ms=1.0), rng=rng, boot_id=7
    )
    device.receive(encode(Start(25)), 10**12 + 10**9)
    device.run(10**12 + 4 * 10**9)                          # nobody came by for three seconds
    packets = list(PacketParser().feed(device.line.arrived(10**13)))
    samples = [p for p in packets if isinstance(p, Sample)]
    assert len(samples) == 74
    assert {(b.ticks - a.ticks) % 2**32 for a, b in pairwise(samples)} == {TICK_HZ // 25}
    assert sum(isinstance(p, Status) for p in packets) == 2


def test_the_camera_keeps_real_time(subject):
    with open_virtual_rig("S01", fps=25) as rig:
        assert rig.camera.info.simulated
        assert rig.camera.info.image_shape == (540, 640)
        assert rig.camera.read(0.01) is None                # not started
        start_ns = time.monotonic_ns()
        rig.camera.start(start_ns)
        with pytest.raises(ValueError, match="once"):
            rig.camera.start(start_ns)
        assert rig.clock.zero_ns == start_ns
        frames = [rig.camera.read(1.0) for _ in range(12)]
        assert frames[-1].sequence >= 11
        for frame in frames:
            truth_ns = start_ns + frame.sequence * 40_000_000
            assert abs(frame.time_ns - truth_ns) < 600_000
            assert frame.arrival_ns > frame.time_ns + 9_000_000
            assert np.array_equal(
                frame.image, rig.subject.frame((frame.time_ns - start_ns) * 1e-9, frame.sequence)
            )
        began = time.monotonic()
        while rig.camera.read(0.0) is not None:             # no frame is due: at once
            assert time.monotonic() - began < 2
        rig.camera.close()
        with pytest.raises(DeviceError, match="closed"):
            rig.camera.read(0.1)


def test_a_starved_camera_loses_frames_and_never_time(subject):
    camera = VirtualCamera(subject, fps=25)
    camera.start(time.monotonic_ns() - 2_000_000_000)       # nobody has read for two seconds
    first, second = camera.read(0.1), camera.read(0.1)
    assert first.sequence >= 40
    assert second.sequence == first.sequence + 1
    assert first.arrival_ns - first.time_ns < 600_000_000
    camera.close()
