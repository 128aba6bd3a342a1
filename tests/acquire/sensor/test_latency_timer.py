"""An FTDI's latency timer in a sysfs of our own: shortened, reported, restored."""

import os

import pytest

from acquire.sensor.latency_timer import LatencyTimer
from acquire.sensor.port import Sensor
from tests.support.fakes import FakeSensor


class Refusing(LatencyTimer):
    """Root may write any file of a test: here nobody may."""

    def _write(self, value_ms):
        raise PermissionError


@pytest.fixture
def sysfs(tmp_path):
    def make(name, text):
        (tmp_path / name).mkdir()
        (tmp_path / name / "latency_timer").write_text(text)
        return tmp_path

    return make


def test_it_is_shortened_while_the_sensor_is_open(sysfs):
    with FakeSensor() as device:
        folder = sysfs(os.path.basename(device.port), "16\n")
        sensor = Sensor(device.port, sysfs=folder)
        timer = folder / os.path.basename(device.port) / "latency_timer"
        assert timer.read_text() == "1"
        assert sensor.latency_timer == "was 16 ms, set to 1 ms"
        sensor.close()
        assert timer.read_text() == "16"
        sensor.close()


def test_a_port_by_another_name_is_found(sysfs, tmp_path):
    folder = sysfs("ttyUSB7", "16\n")
    (tmp_path / "ttyUSB7.port").touch()
    (tmp_path / "by-id").symlink_to("ttyUSB7")
    assert LatencyTimer(str(tmp_path / "by-id"), None, sysfs=folder).was_ms == 16


def test_without_permission_the_driver_s_flag_does_it(sysfs):
    """The driver then shows 1, as ftdi_sio does."""
    folder = sysfs("ttyUSB0", "16\n")
    timer = folder / "ttyUSB0" / "latency_timer"
    asked = []

    def flag(low):
        asked.append(low)
        timer.write_text("1" if low else "16")

    made = Refusing("/dev/ttyUSB0", flag, sysfs=folder)
    assert str(made) == "was 16 ms, set to 1 ms"
    made.restore()
    made.restore()
    assert asked == [True, False]
    assert timer.read_text() == "16"


@pytest.mark.parametrize("error", [ValueError, NotImplementedError])
def test_refused_altogether_it_stays_and_is_said(sysfs, error):
    def flag(low):
        raise error

    folder = sysfs("ttyUSB0", "16\n")
    for made in (
        Refusing("/dev/ttyUSB0", flag, sysfs=folder), Refusing("/dev/ttyUSB0", None, sysfs=folder),
    ):
        assert str(made) == "16 ms"
        made.restore()


def test_a_short_one_is_left_alone(sysfs):
    folder = sysfs("ttyUSB0", "1\n")
    made = LatencyTimer("/dev/ttyUSB0", pytest.fail, sysfs=folder)
    assert str(made) == "1 ms"
    made.restore()


def test_a_port_without_one_says_nothing(tmp_path):
    assert str(LatencyTimer("/dev/ttyACM0", pytest.fail, sysfs=tmp_path)) == ""


def test_an_adapter_that_is_gone_is_not_put_back(sysfs):
    folder = sysfs("ttyUSB0", "16\n")
    made = LatencyTimer("/dev/ttyUSB0", None, sysfs=folder)
    (folder / "ttyUSB0" / "latency_timer").unlink()
    (folder / "ttyUSB0").rmdir()
    made.restore()
    assert not (folder / "ttyUSB0").exists()
