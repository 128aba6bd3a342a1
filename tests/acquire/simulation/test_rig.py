"""The virtual camera and the virtual sensor: what a host gets of them, against their own truth."""

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
from acquire.simulation.subject import VirtualSubject

pytestmark = pytest.mark.real_time


class Host:
    """A plain host on a serial port: sends packets, keeps what comes, by type."""

    def __init__(self, port):
        self.serial = serial.Serial(port, 115200, timeout=0.002)
        self.parser = PacketParser()
        self.received = defaultdict(list)            # type -> [(packet, arrival_ns)]
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
                self.received[type(packet)].append((packet, now_ns))
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
        hello, _ = host.listen(0.1).received.pop(Hello)[-1]
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
        quiet = len(host.received[Sample])
        host.listen(0.1)
        assert len(host.received[Sample]) == quiet
        assert host.parser.bad_packets == 0
        assert [h.rate_hz for h, _ in host.received[Hello]] == [100, 100]
        assert {h.boot_id for h, _ in host.received[Hello]} == {hello.boot_id}
        assert len(host.received[Status]) == 1

        assert len(host.received[Pong]) == 10
        for pong, arrival_ns in host.received[Pong]:
            rx_ns, tx_ns = (host_ns_of(sensor.crystal, t) for t in (pong.rx_ticks, pong.tx_ticks))
            assert host.sent_ns[pong.id] <= rx_ns <= tx_ns <= arrival_ns

        samples = [s for s, _ in host.received[Sample]]
        assert len(samples) > 120
        assert [s.sequence for s in samples] == list(range(len(samples)))
        assert {(b.ticks - a.ticks) % 2**32 for a, b in pairwise(samples)} == {TICK_HZ // 100}
        assert samples[-1].flags & SAMPLE_LED
        assert not samples[0].flags & SAMPLE_LED
        middle_ns = np.array([host_ns_of(sensor.crystal, s.ticks) for s in samples])
        arrival_ns = np.array([arrival_ns for _, arrival_ns in host.received[Sample]])
        assert (middle_ns + 5_000_000 <= arrival_ns + 1000).all()
        truth = subject.ppg((middle_ns - clock.zero_ns) * 1e-9)
        value = np.array([s.value for s in samples])
        assert np.corrcoef(truth, value)[0, 1] > 0.999


def test_start_begins_again_and_a_rate_it_lacks_leaves_the_one_in_force(subject):
    with VirtualSensor(subject, hold_ms=1.0) as sensor:
        host = Host(sensor.port)
        host.send(Start(50))
        host.listen(0.2)
        host.received.clear()
        host.send(Start(60))
        host.listen(0.2)
        assert host.received[Hello][0][0].rate_hz == 50
        restarted = [s.sequence for s, _ in host.received[Sample]]
        assert 0 in restarted
        assert restarted[restarted.index(0) :] == list(range(len(restarted) - restarted.index(0)))


def test_two_boots_differ_and_a_sensor_can_be_put_away_twice(subject):
    with VirtualSensor(subject) as one, VirtualSensor(subject) as other:
        hosts = [Host(sensor.port) for sensor in (one, other)]
        for host in hosts:
            host.send(Identify())
            host.listen(0.15)
        assert hosts[0].received[Hello][-1][0].boot_id != hosts[1].received[Hello][-1][0].boot_id
        hosts[0].serial.close()
        assert Host(one.port).listen(0.05).parser.bad_packets == 0     # a host may go and come back
    one.close()


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


def test_the_camera_counts_the_frames_that_it_had(subject):
    camera = VirtualCamera(subject, fps=25.0)
    start_ns = 10**12
    camera.start(start_ns)
    stamps_ns = [camera.expose(n)[1] for n in range(30)]
    for end_ns in (start_ns - 1, start_ns, *stamps_ns[:29:7], stamps_ns[20] - 1):
        assert camera.count_until(end_ns) == sum(stamp_ns <= end_ns for stamp_ns in stamps_ns)
