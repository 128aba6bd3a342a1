"""Windows judged beside each other, and the rate of the finger at any time between them."""

import numpy as np
import pytest

from dataset.signals.filters import bandpass
from dataset.signals.finger_rates import (
    FingerRates,
    commonest_reason,
    finger_rates,
    judge_together,
)
from dataset.signals.pulse_rate import FLAT, NOISE, TWO_RATES, PulseRate
from tests.support.pulse_shapes import make_ppg

TOLD = PulseRate(70.0, 0.9, 1.0)
UNTOLD = PulseRate(np.nan, 0.2, 1.0, TWO_RATES)
EMPTY = PulseRate(np.nan, 0.0, 0.0, FLAT)


def reasons(rates, **options):
    judged = judge_together(rates, **options)
    assert [np.isnan(rate.bpm) for rate in judged] == [bool(rate.why_not) for rate in judged]
    return [rate.why_not for rate in judged]


def of_height(height, rate=TOLD):
    return PulseRate(rate.bpm, rate.similarity, height, rate.why_not)


def test_a_pulse_below_a_tenth_of_the_usual_height_is_none():
    strong = [of_height(100.0, UNTOLD)] * 3         # what has no rate does not say what is usual
    rates = [*strong, TOLD, TOLD, of_height(0.11), of_height(0.09), TOLD]
    assert reasons(rates) == [TWO_RATES] * 3 + ["", "", "", FLAT, ""]


@pytest.mark.parametrize(
    ("told", "untold", "flat", "are_kept"),
    [(5, 5, 0, True), (4, 5, 0, False), (4, 4, 3, True), (4, 5, 3, False)],
)
def test_half_of_the_windows_that_are_not_flat_must_have_a_rate(told, untold, flat, are_kept):
    judged = reasons([UNTOLD] * untold + [TOLD] * told + [EMPTY] * flat)
    assert judged == [TWO_RATES] * untold + ["" if are_kept else NOISE] * told + [FLAT] * flat


@pytest.mark.parametrize(("in_a_row", "is_kept"), [(8, True), (9, False), (None, False)])
def test_eight_rates_in_a_row_are_no_chance(in_a_row, is_kept):
    rates = [TOLD, *[UNTOLD] * 20, *[TOLD] * 8, UNTOLD, TOLD]
    judged = reasons(rates, in_a_row=in_a_row)
    assert judged == [NOISE, *[TWO_RATES] * 20, *["" if is_kept else NOISE] * 8, TWO_RATES, NOISE]


def test_windows_without_any_rate_stay_as_they_are():
    assert reasons([UNTOLD, EMPTY]) == [TWO_RATES, FLAT]


def test_a_time_is_trusted_by_half_of_the_windows_around_it():
    """Windows of 10 s with their middles at 5 to 14 s, of which the first five have a rate."""
    bpm = np.array([60.0, 62, 64, 66, 68, *[np.nan] * 5])
    rates = FingerRates(np.arange(5.0, 15.0), bpm, ("",) * 5 + (NOISE,) * 5, 10.0)
    t_s = np.array([0.0, 5.0, 5.5, 9.0, 10.0, 10.5, 14.0, 25.0])
    assert rates.is_trusted(t_s).tolist() == [True] * 5 + [False] * 3
    np.testing.assert_array_equal(rates.at(t_s), [60, 60, 61, 68, 68, *[np.nan] * 3])
    assert rates.mean_bpm == 64
    none = FingerRates(rates.centres_s, np.full(10, np.nan), (NOISE,) * 10, 10.0)
    assert none.mean_bpm is None
    assert np.isnan(none.at(t_s)).all()


def test_windows_lie_where_they_were_read():
    ppg = np.sin(2 * np.pi * 1.2 * np.arange(300) / 25)
    rates = finger_rates(ppg, 25.0)
    np.testing.assert_allclose(rates.centres_s, [4.98, 5.98, 6.98])
    np.testing.assert_allclose(rates.bpm, 72, atol=0.1)
    assert (rates.window_s, rates.why_not) == (10.0, ("", "", ""))
    short = finger_rates(ppg[:150], 25.0)
    assert (short.centres_s.tolist(), short.window_s) == ([2.98], 6.0)


def test_a_slow_pulse_that_was_filtered_has_its_rate_where_that_is_told():
    ppg = bandpass(make_ppg(31, 25, 30, np.random.default_rng(2), dicrotic=1.0), 25.0)
    assert finger_rates(ppg, 25.0, filtered=True).bpm == pytest.approx(31, rel=0.05)
    assert finger_rates(ppg, 25.0).mean_bpm == pytest.approx(62, rel=0.05)      # its notch


def test_the_commonest_reason_is_of_those_without_a_rate():
    assert commonest_reason(("", "", "", NOISE, FLAT, FLAT)) == FLAT
    assert commonest_reason(("", "")) == ""
