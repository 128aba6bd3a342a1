"""Which sensor is on a port: named by itself, by a kind that was asked for, or not at all."""

import pytest

from acquire.errors import DeviceError, DeviceTimeout
from acquire.inventory import find_ports
from acquire.other_sensors.find import open_contact_sensor
from acquire.other_sensors.kinds import KINDS
from acquire.other_sensors.port import OtherSensor
from acquire.simulation.other_devices import ascii_sketch, contec_5byte, contec_9byte
from tests.support.contact_sensors import pulse
from tests.support.fakes import FakeSensor

pytestmark = pytest.mark.real_time


def test_every_port_is_named_with_what_it_is_in_words():
    with (
        FakeSensor() as ours, ascii_sketch(pulse) as sketch, contec_5byte(pulse) as old,
        contec_9byte(pulse) as new, FakeSensor(mute=True) as mute,
        FakeSensor(mute=True, noise=b"hello world\r\n") as other,
    ):
        devices = (ours, sketch, old, new, mute, other)
        found = {one.port: one for one in find_ports([d.port for d in devices], timeout_s=0.6)}
        answers = [found[device.port] for device in devices]
    assert [one.sensor for one in answers] == [
        "acq", "ascii", "contec-5byte", "contec-9byte", "", "",
    ]
    assert "a sketch that prints numbers (ascii), 9600 baud, about" in answers[1].answer
    assert "packets of 5 bytes (contec-5byte), 19200 baud, 60 a second" in answers[2].answer
    assert answers[4].answer == "silence"
    assert answers[5].answer == "text: 'hello world', not the packets of our firmware"


def test_a_wrong_kind_is_told_in_words_what_came():
    with (
        ascii_sketch(pulse, baud=115_200) as device,
        pytest.raises(DeviceTimeout, match=r"found text: \d+, a sketch that prints numbers"),
    ):
        OtherSensor(device.port, (KINDS[1],))
    with pytest.raises(DeviceError, match="'cms50'"):
        open_contact_sensor("auto", sensor="cms50")


def test_a_rate_that_was_told_is_taken_and_the_scale_is_that_of_the_readings():
    with ascii_sketch(pulse, baud=115_200) as device:
        sensor = open_contact_sensor(device.port, sensor="ascii", rate_hz=51)
        assert isinstance(sensor, OtherSensor)
        assert (sensor.rate_hz, sensor.scale, sensor.hello.adc_bits) == (51, (0.0, 1023.0), 10)
        sensor.close()
