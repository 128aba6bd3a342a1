"""Fillers and lone wrong values in a trace: planted, found, and nothing else taken."""

import numpy as np
import pytest

from acquire.stamps.far_values import take_out_far

PULSE = np.round(50 + 40 * np.sin(np.arange(400) / 3.1), 1)


@pytest.mark.parametrize(("every", "fillers"), [
    pytest.param(20, (-9999.0,), id="one value in 20"),
    pytest.param(3, (0.0,), id="a third of all"),
    pytest.param(40, (-999.0, 9999.0), id="below and above"),
])
def test_a_value_that_repeats_exactly_and_stands_far_off_is_a_filler(every, fillers):
    trace = PULSE + 1000.0
    planted = [np.arange(at + 3, 400, every) for at in range(len(fillers))]
    for places, filler in zip(planted, fillers, strict=True):
        trace[places] = filler
    found = take_out_far(trace)
    assert [far.value for far in found] == list(fillers)
    assert [far.places.tolist() for far in found] == [places.tolist() for places in planted]
    assert np.flatnonzero(np.isnan(trace)).tolist() == sorted(np.concatenate(planted).tolist())
    assert f"{len(planted[0])} values of PPG are {fillers[0]:g}, which stands for none" in (
        found[0].describe("PPG", 0.15)
    )


def test_lone_values_are_taken_out_and_many_of_them_are_kept():
    trace = PULSE.copy()
    trace[[40]] = 1e6
    assert [far.is_kept for far in take_out_far(trace)] == [False]
    assert np.flatnonzero(np.isnan(trace)).tolist() == [40]
    trace = PULSE.copy()
    trace[:400:80] = 1e5 + np.arange(5)
    assert [far.is_kept for far in take_out_far(trace)] == [True]
    assert np.isfinite(trace).all()


@pytest.mark.parametrize("trace", [
    pytest.param(np.clip(PULSE, 30, 70), id="cut off at both ends"),
    pytest.param(np.where(np.arange(400) % 60 < 20, 255.0, PULSE), id="at the end of its range"),
    pytest.param(np.where(np.arange(400) % 9 == 0, 1.0, 0.0), id="two levels"),
    pytest.param(np.full(400, 7.0), id="still"),
])
def test_what_a_sensor_may_have_measured_stays(trace):
    kept = trace.copy()
    assert take_out_far(trace) == []
    assert np.array_equal(trace, kept)
