"""A sensor of another maker that goes away while it is recorded, and what a killed file keeps."""

import h5py
import numpy as np
import pytest

from acq.commands.recover import recover
from acquire import layout
from acquire.other_sensors import thread
from acquire.simulation.other_devices import contec_5byte
from dataset.session.reader import Session
from tests.support.contact_sensors import pulse, record_other

pytestmark = pytest.mark.real_time


def test_a_sensor_that_falls_silent_is_awaited_and_the_gap_keeps_its_length(tmp_path, monkeypatch):
    def pause(status):
        device.is_paused = status.samples > 30 and not paused
        if device.is_paused:
            since.append(status.elapsed_s)
        if since and status.elapsed_s - since[0] > 1.5:
            paused.append(True)

    since, paused = [], []
    monkeypatch.setattr(thread, "_STALL_S", 0.5)
    with contec_5byte(pulse) as device:
        summary, session = record_other(
            tmp_path, device, "contec-5byte", duration_s=4.0, on_status=pause
        )
    with session:
        kinds = [event.kind for event in session.events]
        (jump,) = np.flatnonzero(np.diff(session.ppg_sequence) > 1)
        gap_s = float(np.diff(session.ppg_time_ns)[jump]) / 1e9
    assert summary.complete
    assert "sensor_lost" in kinds
    assert "sensor_back" in kinds
    assert summary.lost_samples == {"sensor fell silent": pytest.approx(60 * gap_s, abs=2)}


def test_what_a_killed_recording_holds_is_placed_by_arrivals_when_it_is_recovered(
    tmp_path, capsys
):
    with contec_5byte(pulse, hold_ms=16) as device:
        summary, session = record_other(tmp_path, device, "contec-5byte", duration_s=1.0)
    with session:
        times_ns, readings = session.ppg_time_ns, session.ppg_values
    with h5py.File(summary.path, "r+") as file:                # as it was while it was written
        file[layout.PPG_TIME][:] = file[layout.PPG_ARRIVAL][:]
        file.attrs["complete"] = False
    with summary.path.open("r+b") as file:
        file.truncate(summary.path.stat().st_size - 1)
    recover(str(summary.path), tmp_path, quiet=True)
    with Session(summary.path) as session:
        count = len(session.ppg)
        assert count > 20
        assert (session.ppg_values == readings[:count]).all()
        # what arrived later says of an earlier one how late it was: near the cut that is missing
        assert (session.ppg_time_ns[: count - 20] == times_ns[: count - 20]).all()
        assert session.sync_one_sided
        told = capsys.readouterr().out
        assert f"sync {session.sync_one_sided}" in told                # as `info` says it
        assert "no sync bound" not in told
