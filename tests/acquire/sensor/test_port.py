"""The sensor's port over a real pty: what answers, what does not, and the errors."""

import fcntl
import os
import subprocess
import time

import pytest

from acquire.errors import DeviceError, DeviceTimeout, ProtocolError
from acquire.sensor.port import Sensor, open_sensor
from acquire.sensor.protocol import Hello, Ping, Pong, Sample
from tests.support.fakes import HELLO, FakeSensor

pytestmark = pytest.mark.real_time


def test_a_sensor_says_who_it_is_and_answers_pings():
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        assert sensor.hello == HELLO
        sent_ns = sensor.send(Ping(5))
        received = sensor.read(1.0)
        assert isinstance(received.packet, Pong)
        assert received.packet.id == 5
        assert received.arrival_ns > sent_ns
        sensor.close()


def test_samples_that_come_before_the_answer_to_stop_are_kept():
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        sensor.start(25)
        sensor.confirm_start(25)
        first = sensor.read(1.0).packet
        sensor.stop()
        assert isinstance(first, Sample)
        assert first.sequence == 0
        sensor.close()


def test_a_mute_port_is_named_with_what_to_do():
    with (
        FakeSensor(mute=True) as device,
        pytest.raises(DeviceTimeout, match=rf"silence on {device.port}.*firmware/ppg_logger"),
    ):
        Sensor(device.port, hello_timeout_s=0.5)


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (b"422\r\n423\r\n", "text: 42[23], a sketch that prints numbers"),
        (b"$GPGGA,1\r\n", r"text: '\$GPGGA,1', not the packets of our firmware"),
        (b"\x81\x07\xfe\x1b", "other bytes .81 07 fe"),
    ],
)
def test_a_port_that_speaks_something_else_is_named_in_words(noise, words):
    with (
        FakeSensor(mute=True, noise=noise) as device, pytest.raises(DeviceTimeout, match=words),
    ):
        Sensor(device.port, hello_timeout_s=0.5)


def test_another_protocol_version_is_refused():
    newer = Hello(2, 9, 0, 0, 1, 2_000_000, 25, 10, 0)
    with (
        FakeSensor(hello=newer) as device,
        pytest.raises(ProtocolError, match="expected protocol 1, found protocol 2"),
    ):
        Sensor(device.port)


def test_a_rate_the_device_does_not_take_is_refused():
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        sensor.start(33)
        with pytest.raises(ProtocolError, match="expected 33 Hz"):
            sensor.confirm_start(33)
        sensor.close()


def test_a_port_that_goes_away_is_told_after_what_came_before_and_told_again(tmp_path):
    with FakeSensor(die_after=3, link=tmp_path / "port") as device:
        sensor = Sensor(device.port)
        sensor.start(25)
        sensor.confirm_start(25)
        assert [sensor.read(1.0).packet.sequence for _ in range(2)] == [0, 1]
        with pytest.raises(DeviceError, match="still plugged in"):
            list(iter(lambda: sensor.read(1.0), None))          # the third may go with the port
        for _ in range(2):
            with pytest.raises(DeviceError, match="still plugged in"):
                sensor.read(1.0)
        sensor.close()
        sensor.close()


def test_a_read_without_time_does_not_wait_and_a_stamp_does_not_wait_for_the_reader():
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        assert sensor.read(0.0) is None
        sent_ns = sensor.send(Ping(1))
        time.sleep(0.5)
        received = sensor.read(0.0)
        assert received.arrival_ns - sent_ns < 0.4e9
        sensor.close()


def test_a_missing_port_is_one_line():
    with pytest.raises(DeviceError, match="/dev/nothing_here"):
        open_sensor("/dev/nothing_here")


def test_a_port_in_use_is_named_with_the_program_that_has_it():
    with FakeSensor() as device:
        held = os.open(device.port, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_EX)
        holder = subprocess.Popen(["sleep", "60"], stdin=held)
        os.close(held)
        with pytest.raises(DeviceError, match="another program has open") as error:
            Sensor(device.port)
        holder.kill()
        holder.wait()
    assert f"(sleep, process {holder.pid})" in str(error.value)
    assert "temporarily" not in str(error.value)


def test_silence_counts_only_while_the_port_was_listened_to():
    with FakeSensor() as device:
        sensor = Sensor(device.port)
        before_s = sensor.listened_s
        time.sleep(0.5)
        assert sensor.listened_s - before_s == pytest.approx(0.5, abs=0.3)
        sensor.close()
