"""What `acq qc` measures: clean sessions are good, and each fault is told, where it is."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import HELLO
from graded import START_NS, real_session

from acquire.devices import CameraInfo
from acquire.session import SessionWriter
from dataset.findings import Findings
from dataset.lag import finger_pulse
from dataset.limits import read_limits
from dataset.measure import measure
from dataset.measure_ppg import measure_ppg
from dataset.session import Session


def kinds(quality):
    return {flag.kind for flag in quality.flags}


@pytest.mark.shared
def test_the_real_face_is_good(real_face, tmp_path):
    quality = measure(real_session(real_face, tmp_path / "S01-20260101T090000Z.h5"), read_limits())
    assert quality.grade == "good", quality.flags
    assert quality.flags == ()
    assert quality.measures["ppg_hr_bpm"] == pytest.approx(71.2, abs=1)
    assert quality.measures["pos_hr_bpm"] == pytest.approx(70.3, abs=1.5)
    assert quality.measures["lag_ms"] == pytest.approx(90, abs=15)


def finger_session(values, path):
    """A session of a real finger at 50 Hz, without pictures."""
    camera = CameraInfo("none", 32, 24, 30.0, "I420", "host arrival")
    with SessionWriter(
        path, session_id="S01-20260101T090000Z", subject="S01", camera=camera, hello=replace(HELLO, rate_hz=50), port="a file",
        started_unix_ns=1_767_258_000_000_000_000, started_monotonic_ns=START_NS, simulated=False,
    ) as writer:
        for i, value in enumerate(values):
            time_ns = START_NS + i * 20_000_000
            writer.add_sample(
                sequence=i, ticks=i * 40_000, value=int(value), flags=0, arrival_ns=time_ns, time_ns=time_ns, bound_ns=500_000
            )
        writer.close(complete=True)
    return path


def measured_finger(folder, subject, what, tmp_path):
    (file,) = folder.glob(f"{subject}_{what}_*.csv")
    ppg = np.loadtxt(file, delimiter=",")[:, 2]
    ppg = ppg[: np.flatnonzero(ppg > 0)[-1] - 200]             # the files end in padding
    found = Findings(read_limits())
    with Session(finger_session(ppg * 16, tmp_path / f"{subject}-{what}.h5")) as session:
        t_s = (session.ppg_time_ns - START_NS) / 1e9
        measure_ppg(session, finger_pulse(session.ppg, t_s), found)
    return found


@pytest.mark.shared
@pytest.mark.parametrize("subject", ["595", "809"])
def test_motion_and_speech_show_in_real_fingers(real_finger, tmp_path, subject):
    still = [measured_finger(real_finger, subject, f"static_level{n}", tmp_path) for n in (1, 3)]
    moved = [measured_finger(real_finger, subject, what, tmp_path) for what in ("speak", "bike_level1")]
    for found in still:
        assert found.measures["ppg_poor_percent"] < 5
        assert "ppg_irregular" not in {flag.kind for flag in found.flags}
    for found in moved:
        assert "ppg_irregular" in {flag.kind for flag in found.flags}
        assert found.measures["ppg_periodicity"] < min(one.measures["ppg_periodicity"] for one in still)
    assert max(found.measures["ppg_poor_percent"] for found in moved) > 8
