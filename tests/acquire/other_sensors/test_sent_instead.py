"""A sensor that sends something else than readings for a while is told of by what it sends."""

import numpy as np
import pytest

from acq.terminal.panel_view import render_line
from acquire.simulation.other_devices import ascii_sketch
from tests.support.contact_sensors import pulse, record_other
from tests.support.recording_status import panel_state

pytestmark = pytest.mark.real_time

WORDS = 'the sensor sent "Sensor not found, check wiring"'


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        pytest.param(b"Sensor not found, check wiring\r\n", WORDS, id="words"),
        pytest.param(
            b"\x00\xfe\x13\x80\x0a\xc3", "the sensor sent bytes that are no readings", id="bytes"
        ),
    ],
)
def test_what_it_sends_is_the_cause_of_the_gap_everywhere(tmp_path, sent, cause):
    def send_it(status):
        if status.samples > 40 and not since:
            since.append(status.elapsed_s)
        is_now = bool(since) and status.elapsed_s - since[0] < 2.0
        device.instead = sent if is_now else b""
        if status.sensor_silent_s > 1.2:
            lines.append(render_line(status, panel_state(), elapsed_s=status.elapsed_s))
        ends.append(status.lost_samples)

    since, lines, ends = [], [], []
    with ascii_sketch(pulse) as device:
        summary, session = record_other(
            tmp_path, device, "ascii", duration_s=4.5, on_status=send_it
        )
    with session:
        events = [(event.kind, event.text) for event in session.events]
        missing = int((np.diff(session.ppg_sequence) - 1).sum())
    assert summary.complete
    assert summary.lost_samples == {cause: missing}
    assert missing == pytest.approx(100, abs=15)
    assert list(ends[-1]) == [cause]
    assert lines
    assert f"so far: {cause}" in lines[-1]
    assert ("sensor_lost", f"{cause} in place of readings") in events
    assert ("lost_samples", f"{missing}: {cause}") in events
    assert "bad_packets" not in [kind for kind, _ in events]      # damage is another story
