"""The heart rate of sessions with a known pulse, holes and time without a finger."""

import numpy as np
import pytest

from dataset.session.heart_rate import measure_ppg_rates, spans_without_finger
from dataset.session.reader import Session
from tests.support.made_sessions import START_NS, make_session, sample_times


def measure(tmp_path, ppg, **kwargs):
    """Return the mean heart rate of a session of 40 s, and its sensor's rate."""
    with Session(make_session(tmp_path, seconds=40.0, ppg=ppg, **kwargs)) as session:
        rates = measure_ppg_rates(session)
    return rates.hr_bpm, rates.rate_hz


def test_heart_rate_is_the_mean_of_one_that_changes(tmp_path):
    t_s = (sample_times(1001) - START_NS) / 1e9
    # 60 to 84 bpm, and a drift
    ppg = 30_000 + 8_000 * np.sin(2 * np.pi * (1.0 * t_s + 0.005 * t_s**2)) - 200 * t_s
    hr_bpm, rate_hz = measure(tmp_path, np.round(ppg))
    assert hr_bpm == pytest.approx(72.0, abs=0.5)
    assert rate_hz == pytest.approx(25 / 1.0004, abs=1e-3)


def test_heart_rate_leaves_out_holes_and_the_time_without_a_finger(tmp_path):
    t_s = (sample_times(1001) - START_NS) / 1e9
    bpm = np.where((t_s > 10) & (t_s < 20), 180.0, 66.0)
    ppg = 30_000 + 8_000 * np.sin(2 * np.pi * np.cumsum(bpm / 60) / 25)
    off = [(9.8, "finger_off", "begins"), (20.2, "finger_off", "ends")]
    hr_bpm, rate_hz = measure(tmp_path, np.round(ppg), lost_samples=range(600, 620), events=off)
    assert hr_bpm == pytest.approx(66.0, abs=0.5)
    assert rate_hz == pytest.approx(25 / 1.0004, abs=1e-3)


def test_no_heart_rate_where_there_is_none(tmp_path):
    assert measure(tmp_path, np.full(1001, 30_000))[0] is None
    with Session(make_session(tmp_path, "S02", seconds=0.3)) as session:
        assert measure_ppg_rates(session).hr_bpm is None


def test_spans_without_a_finger_are_joined_and_an_open_one_lasts_to_the_end(tmp_path):
    path = make_session(tmp_path, seconds=8.0, events=[
        (1.0, "finger_off", "begins"), (2.0, "flat_line", "begins"),
        (2.5, "finger_off", "ends after 1.5 s"), (3.0, "flat_line", "ends after 1.0 s"),
        (5.0, "flat_line", "begins"),
    ])
    with Session(path) as session:
        spans_s = [
            tuple((at_ns - START_NS) / 1e9 for at_ns in span)
            for span in spans_without_finger(session)
        ]
    assert spans_s == [(1.0, 3.0), (5.0, pytest.approx(8.0, abs=0.05))]
