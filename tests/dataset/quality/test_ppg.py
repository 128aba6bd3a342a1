"""The finger: off, flat, clipped, moved; and real fingers that rest, speak and cycle."""

from types import SimpleNamespace

import numpy as np
import pytest

from acquire.sensor.protocol import SAMPLE_CLIPPED
from dataset.quality.measurements import Measurements
from dataset.quality.ppg import measure_ppg
from dataset.session.reader import Session
from dataset.signals.lag import finger_pulse
from tests.support.pulse_shapes import make_beats
from tests.support.quality_sessions import LIMITS, START_NS, finger_session, flag_kinds

pytestmark = pytest.mark.xdist_group("one clean session")


def _finger_off(c, within):
    return {"ppg_value": np.where(within, 20_000 + np.arange(len(within)) * 7919 % 211, c.ppg)}


def _flat(c, within):
    return {"ppg_value": np.where(within, 20_000, c.ppg)}


def _clipped(c, within):
    top = within & (c.ppg > np.median(c.ppg))
    return {
        "ppg_value": np.where(top, 65_535, c.ppg),
        "ppg_flags": np.where(top, SAMPLE_CLIPPED, c.ppg_flags),
    }


def _wander(c, within):
    at = np.cumsum(within) / 25
    return {"ppg_value": np.clip(c.ppg + within * 12_000 * np.sin(2 * np.pi * at / 4), 0, 65_535)}


def _wide_bound(c, within):
    return {"ppg_bound_ns": np.where(within, 9_000_000, c.ppg_bound_ns)}


def test_each_fault_of_the_finger_is_flagged_where_it_is(virtual, measured):
    """One after another, each for three or four seconds."""
    faults = {
        "finger_off": (_finger_off, 6, 9), "flat_line": (_flat, 13, 16),
        "clipped": (_clipped, 20, 23), "sync_bound": (_wide_bound, 27, 30),
        "ppg_motion": (_wander, 34, 38),
    }
    c, columns = SimpleNamespace(**vars(virtual.columns)), {}
    t_s = (c.ppg_time_ns - c.start_ns) / 1e9
    for fault, first, last in faults.values():
        made = fault(c, (t_s >= first) & (t_s < last))
        c.ppg = made.get("ppg_value", c.ppg)
        columns |= made
    quality = measured(**columns)
    # of the three windows without another fault two are moved
    assert flag_kinds(quality) == {*faults, "ppg_poor"}
    assert quality.grade == "bad"
    for kind, (_, first, last) in faults.items():
        (flag,) = [flag for flag in quality.flags if flag.kind == kind]
        slack_s = 10 if kind == "ppg_motion" else 2          # measured in windows of 10 s
        assert first - slack_s <= flag.from_s <= first + 0.5
        assert last - 0.5 <= flag.to_s <= last + slack_s


def measured_finger(folder, subject, what, tmp_path):
    (file,) = folder.glob(f"{subject}_{what}_*.csv")
    ppg = np.loadtxt(file, delimiter=",")[:, 2]
    ppg = ppg[: np.flatnonzero(ppg > 0)[-1] - 200]             # the files end in padding
    measured = Measurements(LIMITS)
    with Session(finger_session(ppg * 16, tmp_path / f"{subject}-{what}.h5")) as session:
        t_s = (session.ppg_time_ns - START_NS) / 1e9
        measure_ppg(session, finger_pulse(session.ppg, t_s), measured)
    return measured


@pytest.mark.shared
@pytest.mark.parametrize("subject", ["595", "809"])
def test_motion_and_speech_show_in_real_fingers(real_finger, tmp_path, subject):
    still = [measured_finger(real_finger, subject, f"static_level{n}", tmp_path) for n in (1, 3)]
    moved = [
        measured_finger(real_finger, subject, what, tmp_path) for what in ("speak", "bike_level1")
    ]
    for measured in still:
        assert measured.measures["ppg_poor_percent"] < 5
        assert "ppg_irregular" not in {flag.kind for flag in measured.flags}
    for measured in moved:
        assert "ppg_irregular" in {flag.kind for flag in measured.flags}
        assert measured.measures["ppg_periodicity"] < min(
            at_rest.measures["ppg_periodicity"] for at_rest in still
        )
    assert max(measured.measures["ppg_poor_percent"] for measured in moved) > 8


def test_a_finger_whose_rate_cannot_be_told_is_not_called_good(virtual, measured):
    c = virtual.columns
    beats = make_beats(66, 25, 60, np.random.default_rng(3), turn=(0.75, 1.25))
    quality = measured(ppg_value=(30_000 + 2_000 * beats[: len(c.ppg)]).astype(int))
    (flag,) = [flag for flag in quality.flags if flag.kind == "rate_untold"]
    assert flag.value > 90
    assert "beats that differ in turn" in flag.text
    assert quality.grade != "good"
