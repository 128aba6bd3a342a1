"""A trace that is cut off at its ends, against round tops of few levels."""

import numpy as np
import pytest

from acquire.errors import CurationError
from acquire.sensor.saturation import find_saturated
from acquire.stamps.number_text import read_number_text

T = np.arange(3000) / 61.3
PULSE = np.sin(2 * np.pi * 1.2 * T) + 0.4 * np.sin(4 * np.pi * 1.2 * T + 1)


@pytest.mark.parametrize("levels", [10, 30, 127, 0])
def test_round_tops_are_not_saturated(levels):
    trace = np.round(PULSE * levels / 2.8) if levels else PULSE
    assert not find_saturated(trace).any()


@pytest.mark.parametrize("levels", [127, 0])
@pytest.mark.parametrize("cut", [0.2, 0.9])
def test_cut_tops_are_marked(levels, cut):
    clipped = np.clip(PULSE, -10, cut) if cut > 0.5 else np.clip(PULSE, -cut, cut)
    trace = np.round(clipped * levels / 2) if levels else clipped
    truth = (trace == trace.max()) | ((trace == trace.min()) & (cut < 0.5))
    found = find_saturated(trace)
    assert (found & ~truth).sum() == 0
    assert found.sum() == truth.sum()
    with_holes = trace.astype(float)
    with_holes[::50] = np.nan
    assert not find_saturated(with_holes)[::50].any()
    assert find_saturated(with_holes).any()


def test_a_trace_of_nothing_is_not_saturated():
    for trace in (np.zeros(100), np.full(50, np.nan), np.array([1.0, 2.0] * 50)):
        assert not find_saturated(trace).any()


@pytest.mark.shared
def test_real_fingers_are_not_saturated(real_face, real_finger):
    files = [real_face / "ppg.csv", *sorted(real_finger.glob("*_static_level1_*.csv"))]
    assert len(files) == 3
    for path in files:
        rows = read_number_text(path, error=CurationError).rows
        trace = np.array([row.values[1 if path.name == "ppg.csv" else 2] for row in rows])
        assert np.ptp(trace) > 50
        assert not find_saturated(trace).any()
