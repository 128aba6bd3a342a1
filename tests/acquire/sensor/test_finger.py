"""Real PPG with a stretch without a finger at a known time: when it is detected, and what not."""

import csv
from typing import NamedTuple

import numpy as np
import pytest

from acquire.other_sensors.ascii_numbers import PRINTED_MAX30102
from acquire.other_sensors.scale import to_values
from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.protocol import SAMPLE_CLIPPED, SENSOR_MAX30102
from acquire.simulation.subject import VirtualSubject
from tests.support import SHARED

SEEN_S = 2.0


class Change(NamedTuple):
    """A change of state; `reported_s` is the time of the sample behind which it was reported."""

    reported_s: float
    time_s: float
    kind: str
    text: str


def at_rate(x, fs_hz, rate_hz):
    """Average a trace down to another rate, as the firmware's windows do."""
    ends = np.interp(
        np.arange(int(len(x) / fs_hz * rate_hz) + 1) / rate_hz * fs_hz, np.arange(len(x) + 1),
        np.cumsum([0, *x]),
    )
    return np.diff(ends) / (fs_hz / rate_hz)


def virtual(subject="S01", seconds=40.0, rate_hz=25):
    noise = np.random.default_rng(0).normal(0, 60, round(seconds * rate_hz))
    return 26000 + 13000 * VirtualSubject(subject).ppg(np.arange(len(noise)) / rate_hz) + noise


def real(name):
    """A real trace of a finger throughout, on the sensor's scale: values and rate [Hz]."""
    if not SHARED.exists():
        pytest.skip(f"needs the real recordings in {SHARED}")
    if name.startswith("data"):
        with open(SHARED / "pulse_sensor_logs" / f"{name}.csv") as file:
            return np.array(
                [float(row[-1]) for row in list(csv.reader(file))[1:] if row and row[-1]]
            ) * 64, 100.0
    (path,) = (SHARED / "finger_ppg_ecg").glob(f"{name}_2*.csv")
    trace = np.loadtxt(path, delimiter=",", usecols=2) * 16
    return trace[:np.flatnonzero(trace > 0)[-1] - 25], 50.0  # each ends with the sensor put away


def watch(values, rate_hz=25, sensor=0):
    """Feed a trace to a watch; return the changes of state, and the watch."""
    watcher, changes = FingerWatch(rate_hz, sensor=sensor), []
    for i, value in enumerate(values):
        reading = int(min(max(value, 0), 65535))
        flags = SAMPLE_CLIPPED if reading in (0, 65535) else 0
        for change in watcher.add(i, reading, flags, round(i * 1e9 / rate_hz)):
            changes.append(Change(i / rate_hz, change.time_ns / 1e9, change.kind, change.text))
    return changes, watcher


def spoil(y, kind, rate_hz, first, rng):
    """Replace five seconds by what a sensor without a finger gives."""
    y, last = y.copy(), first + 5 * rate_hz
    t = np.arange(last - first) / rate_hz
    ramp = y[first] + (rng.uniform(0.1, 0.9) * 65535 - y[first]) * np.minimum(t / 0.3, 1)
    y[first:last] = {
        "constant": np.full(len(t), y[first]),
        "noise": y.mean() + rng.normal(0, y.std(), len(t)),
        "quiet": y.mean() + rng.normal(0, 60, len(t)),
        "ramp and hum": ramp
        + 1500 * np.sin(2 * np.pi * 120 * t + 1) * np.sinc(120 / rate_hz)
        + rng.normal(0, 60, len(t)),
    }[kind]
    return y


@pytest.mark.parametrize("kind", ["constant", "noise", "quiet", "ramp and hum"])
@pytest.mark.parametrize("rate_hz", [25, 100])
def test_what_is_no_finger_is_seen_within_two_seconds(kind, rate_hz):
    rng = np.random.default_rng(1)
    for subject in ("S01", "S02", "S03"):
        first = round(rng.uniform(15, 25) * rate_hz)
        changes, watcher = watch(
            spoil(virtual(subject, rate_hz=rate_hz), kind, rate_hz, first, rng), rate_hz
        )
        begins, ends = (
            [change for change in changes if change.text == "begins"],
            [change for change in changes if change.text != "begins"],
        )
        assert [c.kind for c in begins] == [FLAT_LINE if kind == "constant" else FINGER_OFF]
        assert 0 < begins[0].reported_s - first / rate_hz < SEEN_S
        assert begins[0].time_s == pytest.approx(first / rate_hz, abs=0.8)
        assert len(ends) == 1
        assert ends[0].time_s == pytest.approx(first / rate_hz + 5, abs=2)
        assert watcher.states == {}
        assert watcher.seconds(FINGER_OFF, FLAT_LINE) == pytest.approx(5, abs=2)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["595_static_level1", "595_rotate", "809_speak", "data3"])
@pytest.mark.parametrize("kind", ["constant", "noise", "quiet", "ramp and hum"])
def test_the_same_in_real_traces(name, kind):
    trace, fs_hz = real(name)
    y, rng = at_rate(trace[:round(60 * fs_hz)], fs_hz, 25), np.random.default_rng(2)
    for _ in range(3):
        first = round(rng.uniform(15, 50) * 25)
        changes, _ = watch(spoil(y, kind, 25, first, rng))
        begins = [c for c in changes if c.text == "begins" and c.kind != CLIPPED]
        assert len(begins) == 1
        assert -0.2 < begins[0].reported_s - first / 25 < SEEN_S


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        *(
            f"{who}_{what}"
            for who in (595, 809)
            for what in ("static_level1", "static_level3", "static_level5", "rotate", "speak")
        ),
        "595_bike_level1",
        "data",
        "data3",
    ],
)
def test_a_finger_is_never_reported_as_lifted(name):
    """37 minutes of two people at rest, speaking, moving and cycling, and of pulse sensors."""
    changes, watcher = watch(at_rate(*real(name), 25))
    assert [change for change in changes if change.kind != CLIPPED] == []
    assert watcher.seconds(FINGER_OFF, FLAT_LINE) == 0


@pytest.mark.shared
def test_real_seconds_without_a_finger_are_seen():
    """`data2` begins with a pulse sensor on nothing, and at 18 s is unplugged for seven seconds."""
    trace, _ = real("data2")
    changes, _ = watch(at_rate(trace, 117.0, 25))
    assert changes[0][2:] == (FINGER_OFF, "begins")
    assert changes[0].reported_s < SEEN_S
    (flat,) = [change for change in changes if change[2:] == (FLAT_LINE, "begins")]
    assert 18.0 < flat.time_s < flat.reported_s < 18.0 + SEEN_S


def test_clipping_begins_and_ends():
    y = virtual()
    y[500:600] = np.maximum(y[500:600] * 2.2, 0)
    changes, watcher = watch(y)
    clipped = [change for change in changes if change.kind == CLIPPED]
    assert clipped[0].text == "begins"
    assert clipped[0].reported_s - 20 < SEEN_S
    assert clipped[-1].text.startswith("ends")
    assert CLIPPED not in watcher.states


def test_a_flat_line_takes_over_from_a_lifted_finger():
    y = virtual()
    y[500:625] = 30000 + np.random.default_rng(0).normal(0, 60, 125)
    y[625:] = 0
    changes, watcher = watch(y)
    assert [(c.kind, c.text.split()[0]) for c in changes if c.kind != CLIPPED] == [
        (FINGER_OFF, "begins"), (FLAT_LINE, "begins"), (FINGER_OFF, "ends"),
    ]
    assert set(watcher.states) == {FLAT_LINE, CLIPPED}
    assert watcher.seconds(FINGER_OFF, FLAT_LINE) == pytest.approx(20, abs=0.3)


def test_a_gap_is_no_flat_line_and_starts_afresh():
    watcher, y, changes = FingerWatch(25), virtual(), []
    for i in [*range(250), *range(500, 750)]:
        changes += watcher.add(i, int(y[i]), 0, i * 40_000_000)
    assert changes == []


def test_a_state_ends_at_a_gap_whose_time_counts_as_nothing():
    watcher, changes = FingerWatch(25), []
    for i in [*range(250), *range(500, 510)]:
        changes += watcher.add(i, 30000, 0, i * 40_000_000)
    assert [(change.kind, change.text, change.time_ns / 1e9) for change in changes] == [
        (FLAT_LINE, "begins", 0.04), (FLAT_LINE, "ends after 9.9 s", 9.96),
    ]
    assert watcher.states == {}
    assert watcher.seconds(FINGER_OFF, FLAT_LINE) == pytest.approx(9.92)


@pytest.mark.parametrize("light", [30_000, 50_000, 100_000, 200_000])       # of 18 bits
def test_half_a_percent_of_a_max30102_s_light_is_a_pulse_and_its_noise_is_none(light):
    rng = np.random.default_rng(3)
    wave = virtual(rate_hz=50)
    pulse = light * (1 + 0.005 * (wave - wave.mean()) / np.ptp(wave))
    empty = np.full(len(pulse), light) + 0.002 * light * np.sin(np.arange(len(pulse)) / 500)
    for values, is_finger in ((pulse, True), (empty, False)):
        printed = np.rint(values + rng.normal(0, 15, len(values)))
        in_session = to_values(printed, PRINTED_MAX30102.scale)
        _, watcher = watch(in_session, 50, SENSOR_MAX30102)
        off_s = watcher.seconds(FINGER_OFF, FLAT_LINE)
        assert off_s == 0 if is_finger else off_s > 39


def test_the_small_pulse_of_a_max30102_counts_and_its_dark_reading_does_not():
    pulse = 20000 + 150 * (virtual() - 26000) / 13000
    assert watch(pulse, sensor=SENSOR_MAX30102)[0] == []
    assert watch(pulse)[0][0].kind == FINGER_OFF
    assert watch(pulse - 19000, sensor=SENSOR_MAX30102)[0][0].kind == FINGER_OFF
