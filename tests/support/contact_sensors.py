"""A recording of a virtual sensor of another maker, compared with the light that it saw."""

import numpy as np

from acquire.other_sensors.find import open_contact_sensor
from acquire.recorder.recorder import Recorder
from dataset.session.reader import Session

from .fakes import FakeCamera


def pulse(time_ns):
    return np.sin(2 * np.pi * 1.2 * time_ns * 1e-9)


def record_other(folder, device, kind, *, duration_s=1.5, on_status=None, rate_hz=None):
    """Record a device; return the summary and the session, which is open."""
    sensor = open_contact_sensor(device.port, sensor=kind, rate_hz=rate_hz)
    try:
        summary = Recorder(FakeCamera(), sensor).record(
            folder, "S01", duration_s=duration_s, on_status=on_status
        )
    finally:
        sensor.close()
    return summary, Session(summary.path)


def delays_ns(session, device, reading_of):
    """Return by how much the light of each sample was before its time, (S,) int64 [ns].

    `reading_of` makes the readings that a device sends of a PPG. Which sample of the device is the
    first one in the file, the readings tell.
    """
    light_ns = np.array(device.light_ns)
    sent = reading_of(pulse(light_ns))
    count = len(session.ppg)
    first = int(np.searchsorted(light_ns, session.ppg_time_ns[0])) - 1
    # of the last ones there may be too few left: the device was asked to stop
    starts = range(max(first - 8, 0), min(first, len(sent) - count) + 1)
    matches = [
        start for start in starts if (session.ppg_values == sent[start : start + count]).all()
    ]
    assert len(matches) == 1, "the readings of the file are those of the device, in order"
    return session.ppg_time_ns - light_ns[matches[0] :][:count]
