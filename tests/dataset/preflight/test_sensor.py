"""The sensor: its answers, its samples and the pulse in them."""


import pytest

from acquire.sensor.port import Sensor
from dataset.preflight.result import FAIL
from dataset.preflight.sensor import check_sensor
from tests.support.fakes import FakeSensor

pytestmark = pytest.mark.real_time


def by_name(checks):
    return {check.name: check for check in checks}


def test_a_sensor_that_answers_no_ping_or_sends_nothing_fails():
    with FakeSensor(pongs=0, lose=range(10_000)) as device:
        sensor = Sensor(device.port)
        checks = by_name(check_sensor(sensor, with_subject=False, seconds=1.0))
        sensor.close()
    assert checks["sync"].status == FAIL
    assert checks["samples"].status == FAIL
