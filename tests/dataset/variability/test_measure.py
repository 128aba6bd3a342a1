"""Variability and breathing of a finger whose every beat is known, at 25 Hz."""

import json
import re

import numpy as np
import pytest

from acquire.simulation.subject import VirtualSubject
from dataset.session.reader import Session
from dataset.variability.beats import find_beats
from dataset.variability.breathing import UNLIKE, breathing_rate
from dataset.variability.measure import CLIPPED, LOST, PIECES, UNTOLD, measure_variability
from tests.support.in_this_process import run_here
from tests.support.made_fingers import FS_HZ, sampled, true_figures, without_breath, write_finger

SECONDS = 120


@pytest.fixture(scope="module")
def person():
    return VirtualSubject("S02", seed=7)


@pytest.fixture(scope="module")
def values(person):
    return sampled(person.ppg, SECONDS)


def measured(folder, values, **kwargs):
    with Session(write_finger(folder, values, **kwargs)) as session:
        return measure_variability(session)


def test_figures_are_those_of_the_beats(tmp_path, person, values):
    found = measured(tmp_path, values)
    mean_nn, sdnn, rmssd, pnn50 = true_figures(person.beat_times(1.0, SECONDS - 1.0))
    assert found.why_not == found.breaths_why_not == ""
    assert found.mean_nn_ms == pytest.approx(mean_nn, abs=2)
    assert found.sdnn_ms == pytest.approx(sdnn, abs=2)
    assert found.rmssd_ms == pytest.approx(rmssd, abs=4)
    assert found.pnn50_percent == pytest.approx(pnn50, abs=5)
    assert found.breaths_per_min == pytest.approx(60 * person.heart.breath_hz, abs=1)
    assert (found.left_out_s, found.unlike) == ({}, 0)


def test_nothing_is_filled_in_where_samples_were_lost(tmp_path, person, values):
    """A sample every 30 s, and 4 s at once: no interval spans any of them."""
    lost = {500, 1250, *range(2000, 2100)}
    found = measured(tmp_path, values, lost=lost)
    assert found.left_out_s[LOST] == pytest.approx(4.04 + 2 * 0.08, abs=0.01)
    beats_s = person.beat_times(0.0, SECONDS)
    assert found.intervals < len(beats_s) - 5
    _, sdnn, rmssd, _ = true_figures(beats_s)
    assert found.rmssd_ms == pytest.approx(rmssd, abs=4)
    assert found.sdnn_ms == pytest.approx(sdnn, abs=4)


def test_short_stretches_between_losses_are_told_and_not_read(tmp_path, values):
    """A sample is lost every 6 s: no stretch is long enough for its beats."""
    found = measured(tmp_path, values, lost=range(150, len(values), 150))
    assert found.rmssd_ms is found.breaths_per_min is None
    assert "too short: 0 s of beats" in found.why_not
    assert found.left_out_s[PIECES] > 100


def test_time_without_a_finger_is_left_out(tmp_path, values):
    """For 30 s there is noise in the pulse's place, as of a sensor on the table."""
    noisy = values.copy()
    noisy[1500:2250] = np.random.default_rng(1).normal(26_000, 300, 750).astype(int)
    found = measured(tmp_path, noisy)
    assert 20 < found.left_out_s[UNTOLD] < 45          # windows of 10 s, half of them
    assert found.rmssd_ms == pytest.approx(measured(tmp_path / "whole", values).rmssd_ms, abs=5)


def test_a_sensor_beyond_its_scale_is_left_out(tmp_path, values):
    """Flags of samples at the end of the scale are the recorder's; here the file has them."""
    path = write_finger(tmp_path, values)
    with Session(path) as session:
        session.ppg_flags = session.ppg_flags.copy()
        session.ppg_flags[1000:1100] |= 0x02
        found = measure_variability(session)
    assert found.left_out_s[CLIPPED] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("seconds", [1, 12, 50])
def test_less_than_a_minute_is_too_short(tmp_path, values, seconds):
    found = measured(tmp_path, values[: seconds * FS_HZ])
    assert re.fullmatch(r"too short: \d+ s of beats, 60 are needed", found.why_not)
    assert found.sdnn_ms is found.pnn50_percent is found.breaths_per_min is None


def test_an_early_beat_is_no_normal_beat(person):
    """Every tenth beat comes a third early: these intervals are counted as unlike the others."""
    from dataset.variability.measure import _is_normal

    intervals_ms = np.diff(person.beat_times(0, 120)) * 1e3
    intervals_ms[10::10] *= 0.6
    intervals_ms[11::10] *= 1.4
    is_normal = _is_normal(intervals_ms)
    assert not is_normal[10::10].any()
    assert not is_normal[11::10].any()
    assert is_normal[1:10].all()


def test_no_breath_is_told_of_a_pulse_that_none_moves():
    """Noise through the filter has some 15 waves a minute, too, in times and in heights."""
    heart = without_breath(VirtualSubject("S05", seed=7).heart)
    values = sampled(heart.ppg, SECONDS).astype(float)
    beats = find_beats(values, np.arange(len(values)) / FS_HZ)
    assert len(beats.t_s) > 100
    assert breathing_rate([beats]) == (None, UNLIKE)


def test_beats_are_found_to_milliseconds(person, values):
    """Feet follow the heart's beats at one delay, within 6 ms of it."""
    beats = find_beats(values.astype(float), np.arange(len(values)) / FS_HZ)
    true_s = person.beat_times(0, SECONDS)
    delays_s = beats.t_s - true_s[np.searchsorted(true_s, beats.t_s) - 1]
    assert len(beats.t_s) >= len(true_s) - 5
    assert np.abs(delays_s - np.median(delays_s)).max() < 0.006


def test_info_prints_figures_and_what_they_leave_out(tmp_path, values):
    path = write_finger(tmp_path, values, lost={1000})
    hrv = json.loads(run_here("info", path, "--hrv", "--json", cwd=tmp_path).stdout)["hrv"]
    assert hrv["rmssd_ms"] > 0
    assert hrv["left_out_s"] == {LOST: pytest.approx(0.08)}
    printed = run_here("info", path, "--hrv", cwd=tmp_path).stdout
    assert re.search(r"^hrv +RMSSD \d+\.\d ms, .* shorter than the usual five ", printed, re.M)
    assert re.search(r"^left out +samples were lost, 0\.1 s$", printed, re.M)
    assert re.search(r"^breathing +\d+\.\d breaths/min", printed, re.M)
