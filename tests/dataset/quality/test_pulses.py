"""The two pulses: whether they agree, and the lag of the face."""

import re

import numpy as np
import pytest

from acquire.simulation.subject import VirtualSubject
from dataset.quality.measurements import sliding_windows
from dataset.signals.lag import GRID_HZ, PulseWave, correlate, face_pulse, finger_pulse
from tests.support.quality_sessions import LIMITS, flag_kinds

pytestmark = pytest.mark.xdist_group("one clean session")


def test_the_finger_of_somebody_else_is_bad(virtual, measured):
    c = virtual.columns
    other_bpm = virtual.quality.measures["ppg_hr_bpm"] + 25
    quality = measured(
        ppg_value=20_000
        + 6000 * np.sin(2 * np.pi * other_bpm / 60 * (c.ppg_time_ns - c.start_ns) / 1e9)
    )
    assert quality.grade == "bad"
    assert {"pulses_apart", "pulse_disagrees"} <= flag_kinds(quality)


@pytest.mark.parametrize("delay_ms", [-50.0, 0.0, 120.0])
@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_the_lag_of_one_and_the_same_pulse_has_no_bias(delay_ms, fps):
    """A beat with a notch, in the colours that blood gives skin, seen by a camera that wavers by 3
    ms.
    """
    def blood(t_s):
        phase = (t_s * 1.2 + 0.03 * np.sin(2 * np.pi * 0.2 * t_s)) % 1
        return np.exp(-((phase - 0.25) / 0.1) ** 2) + 0.35 * np.exp(-((phase - 0.6) / 0.12) ** 2)

    rng = np.random.default_rng(1)
    frame_s = np.arange(0, 30, 1 / fps) + rng.uniform(-0.003, 0.003, round(30 * fps))
    sample_s = np.arange(0, 30, 0.04)
    light = 1 - 0.01 * np.outer(blood(frame_s - delay_ms / 1e3), [0.33, 0.77, 0.53])
    patches = (np.array([180.0, 130.0, 110.0]) * light)[:, None, :] + rng.normal(
        0, 0.1, (len(frame_s), 4, 3)
    )
    face, finger = (
        face_pulse(patches, frame_s, fps=fps),
        finger_pulse(20_000 + 5_000 * blood(sample_s), sample_s),
    )
    lag = correlate(face, finger, [(x, x + 10) for x in np.arange(0.5, 19, 5)]).lag()
    assert lag.lag_s * 1e3 == pytest.approx(delay_ms, abs=3)
    assert lag.error_s < 0.008


@pytest.fixture(scope="module")
def lags_ms():
    """Lags of 100 virtual people, of their pulses alone."""
    lags = []
    frame_s, spans_s = np.arange(5.0, 30.0, 0.04), [(x, x + 10.0) for x in (6.0, 11.0, 16.0)]
    for number in range(100):
        subject = VirtualSubject(f"S{number:02d}", seed=6)
        face = finger_pulse(subject.face_pulse(frame_s), frame_s)
        lags.append(correlate(face, finger_pulse(subject.ppg(frame_s), frame_s), spans_s).lag())
    return np.array([1e3 * lag.lag_s for lag in lags])


def test_the_limits_of_a_lag_are_those_of_people_and_of_their_stamps(lags_ms):
    assert lags_ms.mean() == pytest.approx(-51, abs=3 * 32 / 10)
    assert lags_ms.std() == pytest.approx(32, abs=5)
    assert LIMITS["lag_low"] == pytest.approx(-51 - 3 * 32 - 17, abs=2)
    assert LIMITS["lag_high"] == pytest.approx(-51 + 3 * 32 + 50, abs=2)


def test_the_page_says_how_many_late_cameras_are_flagged(lags_ms, repo):
    text = (repo / "docs" / "quality.md").read_text()
    rows = re.findall(r"^\| (-?\d+) ms \| (\d+) \|$", text, flags=re.M)
    assert {late for late, _ in rows} >= {"0", "100", "200", "300"}
    for late_ms, flagged in rows:
        late = lags_ms + float(late_ms)
        found = (late < LIMITS["lag_low"]) | (late > LIMITS["lag_high"])
        assert found.sum() == pytest.approx(float(flagged), abs=1)


@pytest.mark.parametrize(("late_ms", "flagged"), [(100, False), (200, True), (300, True)])
def test_a_late_camera_is_flagged_where_no_person_is_that_slow(
    virtual, measured, late_ms, flagged
):
    c, late_ns = virtual.columns, late_ms * 1_000_000
    quality = measured(
        frame_time_ns=c.frame_time_ns + late_ns, frame_arrival_ns=c.frame_arrival_ns + late_ns
    )
    assert ("lag_high" in flag_kinds(quality)) == flagged
    assert quality.measures["lag_ms"] == pytest.approx(
        virtual.quality.measures["lag_ms"] + late_ms, abs=3
    )


def test_the_lag_of_a_rendered_person_is_that_of_the_pulses(virtual):
    """The sign, too: this person's face is before the finger."""
    t_s = np.arange(0.0, 42.0, 0.04)
    subject = VirtualSubject("S03")
    face, finger = (finger_pulse(wave(t_s), t_s) for wave in (subject.face_pulse, subject.ppg))
    lag = correlate(face, finger, sliding_windows(1.0, 41.0)).lag()
    assert lag.lag_s < -0.02
    assert virtual.quality.measures["lag_ms"] == pytest.approx(1e3 * lag.lag_s, abs=12)


@pytest.mark.parametrize("beats", [0, 1, -1, 2])
def test_labels_whole_beats_off_are_flagged_or_said_to_be_possible(virtual, measured, beats):
    c = virtual.columns
    beat_ms = 60e3 / virtual.quality.measures["ppg_hr_bpm"]
    quality = measured(ppg_time_ns=c.ppg_time_ns + round(beats * beat_ms * 1e6))
    flags = [flag for flag in quality.flags if flag.kind in ("lag_beats", "lag_beyond")]
    if quality.measures["lag_beats"] == beats == 0:
        assert flags == []
        return
    (flag,) = flags
    if quality.measures["lag_beats"] is None:
        assert flag.kind == "lag_beats"
        assert "or whole beats more or less" in flag.text
        assert quality.measures["lag_beat_errors"] < LIMITS["lag_beats"]
    else:
        assert quality.measures["lag_beats"] == -beats
        assert flag.kind == "lag_beyond"
        assert flag.value == pytest.approx(virtual.quality.measures["lag_ms"] - beats * beat_ms,
                                           abs=60)


def test_a_step_within_the_session_is_found_with_its_size(virtual, measured):
    c, offset_ms = virtual.columns, 33.3
    later = (c.frame_time_ns >= c.start_ns + 21_000_000_000) * round(offset_ms * 1e6)
    quality = measured(
        frame_time_ns=c.frame_time_ns + later, frame_arrival_ns=c.frame_arrival_ns + later
    )
    (flag,) = [flag for flag in quality.flags if flag.kind == "lag_step"]
    assert flag.value == pytest.approx(offset_ms, abs=8)
    assert flag.from_s <= 21 <= flag.to_s


@pytest.mark.parametrize(
    ("apart_s", "beyond"), [(0.1, False), (0.4, False), (0.55, True), (-0.55, True)]
)
def test_pulses_too_far_apart_for_a_lag_are_flagged(apart_s, beyond):
    """At 50 bpm: within the reach there is a lag, and half a beat apart none."""
    t_s = np.arange(0, 60, 1 / GRID_HZ)
    face, finger = (
        PulseWave(0.0, np.sin(2 * np.pi * (50 / 60 * at + 0.3 * np.sin(2 * np.pi * 0.05 * at))))
        for at in (t_s - apart_s, t_s)
    )
    told = correlate(face, finger, sliding_windows(0.0, 60.0))
    assert told.is_beyond == beyond
    lag = told.lag()
    assert (lag is None) == beyond
    assert lag is None or lag.lag_s == pytest.approx(apart_s, abs=0.005)
