"""What can go wrong while the LED is switched and filmed."""

from contextlib import closing

import pytest

from acquire.calibration.blink import BlinkLog, record_blinks
from acquire.errors import CalibrationError, DeviceError
from acquire.sensor.port import open_sensor
from acquire.sensor.protocol import Hello, Light
from tests.support.fakes import HELLO, FakeCamera, FakeSensor

pytestmark = pytest.mark.real_time


def test_a_firmware_that_does_not_say_when_it_switched_is_named():
    with (
        FakeSensor() as board,
        closing(open_sensor(board.port)) as sensor,
        pytest.raises(
            DeviceError,
            match=r"each of 2 times .* found 0; upload the firmware",
        ),
    ):
        record_blinks(FakeCamera(fps=50.0), sensor, toggles=2)


def test_a_file_has_no_light_to_switch():
    with FakeSensor() as board, closing(open_sensor(board.port)) as sensor, \
            pytest.raises(CalibrationError, match="a live camera that sees the LED"):
        record_blinks(FakeCamera(fps=50.0, last=3), sensor, toggles=2)


def test_lost_answers_and_restarts_are_not_calibrated_over():
    log = BlinkLog(HELLO)
    log.add_packet(Light(5, 1), 10**9)
    with pytest.raises(
        DeviceError, match="each of 2 times that the LED was switched, found 1; calibrate again"
    ):
        log.toggles(2)
    with pytest.raises(DeviceError, match="found a restart"):
        log.add_packet(Hello(1, 0, 1, 0, HELLO.boot_id + 1, 2_000_000, 25, 10, 0), 10**9)
