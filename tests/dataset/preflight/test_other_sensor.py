"""A sensor of another maker before a recording: its pulse as it is recorded, its silence told."""

import time
from contextlib import closing

import numpy as np
import pytest

from acquire.other_sensors import thread
from acquire.other_sensors.find import open_contact_sensor
from acquire.simulation.other_devices import contec_5byte
from dataset.preflight.other_sensor import OtherSensorListener
from dataset.preflight.result import FAIL, OK

pytestmark = pytest.mark.real_time

BPM, PATIENCE_S = 72.0, 60.0


def test_the_pulse_of_another_maker_s_sensor_is_told_and_that_it_fell_silent(monkeypatch):
    monkeypatch.setattr(thread, "_STALL_S", 0.5)
    with (
        contec_5byte(lambda time_ns: np.sin(2 * np.pi * BPM / 60 * time_ns * 1e-9)) as device,
        closing(open_contact_sensor(device.port, sensor="contec-5byte")) as sensor,
        closing(OtherSensorListener(sensor, kept_s=6.0)) as listener,
    ):
        def row(name):
            rows = {check.name: check for check in listener.checks(with_subject=True)}
            return rows[name]

        def listen_until(holds):
            give_up_s = time.monotonic() + PATIENCE_S
            while not holds():
                assert time.monotonic() < give_up_s
                listener.listen()

        listen_until(lambda: len(listener.trace[0]) > 300)
        assert (np.diff(listener.trace[0]) == 1).all()
        assert (row("sensor").status, row("pulse").status) == (OK, OK)
        assert float(row("pulse").text.split()[0]) == pytest.approx(BPM, abs=2)
        assert "one-sided" in row("sync").text
        before = listener.trace[0][-1]
        time.sleep(0.5)                                 # 30 samples
        listener.listen()
        assert listener.trace[0][-1] - before > 10      # all that came, so that none is ever late
        device.is_paused = True
        listen_until(lambda: row("sensor").status == FAIL)
