"""The panel beside a recorder: when it prints, and that it never holds anything up."""

import io
import time
from contextlib import closing

import numpy as np
import pytest
from rich.console import Console

from acq.terminal.panel import Panel
from acquire import host_time
from acquire.recorder.recorder import Recorder
from acquire.sensor.port import Sensor
from tests.support.fakes import FakeCamera, FakeSensor
from tests.support.recording_status import panel_state, recording_status

pytestmark = pytest.mark.real_time


def last_line(out):
    return (out.getvalue().splitlines() or [""])[-1]


def test_a_line_is_printed_at_once_when_a_device_falls_silent_and_when_it_is_back():
    out = io.StringIO()
    with FakeSensor() as device, closing(Sensor(device.port)) as sensor, Panel(
        Recorder(FakeCamera(), sensor), panel_state(), console=Console(file=out)
    ) as panel:
        start_ns = host_time.now_ns()
        for changes, expected in (
            ({"sensor_silent_s": 2.0}, "NO SAMPLE for 0:02"), ({}, "no pulse yet"),
            ({"camera_silent_s": 3.0}, "NO FRAME for 0:03"), ({}, "lost nothing"),
        ):
            panel.on_status(
                recording_status(
                    start_ns=start_ns, ppg_sequence=np.empty(0, int), ppg_value=np.empty(0),
                    **changes,
                )
            )
            end = time.monotonic() + 60
            while expected not in last_line(out) and time.monotonic() < end:
                time.sleep(0.02)
            assert expected in last_line(out)
    assert len(out.getvalue().splitlines()) == 4


def test_a_panel_whose_terminal_is_gone_holds_up_nothing():
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError("no terminal")

    console = Console(file=Gone(), force_terminal=True)
    with FakeSensor() as device, closing(Sensor(device.port)) as sensor, Panel(
        Recorder(FakeCamera(), sensor), panel_state(), console=console
    ) as panel:
        panel.on_status(recording_status())
        end = time.monotonic() + 60
        while panel._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        assert not panel._thread.is_alive()
        panel.on_status(recording_status())
