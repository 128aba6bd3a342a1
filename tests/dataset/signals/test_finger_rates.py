"""Windows judged beside each other, and the rate of the finger at any time between them."""

import numpy as np
import pytest

from dataset.signals.filters import bandpass
from dataset.signals.finger_rates import (
    FingerRates,
    commonest_reason,
    describe_heart_rates,
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


HZ, SECONDS = 30.0, 60.0
T_S = np.arange(round(SECONDS * HZ)) / HZ


def heart_rates(kind):
    """Return heart rates of a minute, a number for each frame: 66 to 84 bpm, as devices give them.
    """
    rng = np.random.default_rng(3)
    second_s = np.arange(SECONDS + 1)
    each_second = 75 + 8 * np.sin(2 * np.pi * second_s / 40) + rng.normal(0, 0.7, len(second_s))
    return {
        "held": each_second[T_S.astype(int)],
        "whole numbers": np.round(each_second)[T_S.astype(int)],
        "interpolated": np.interp(T_S, second_s, each_second),
        "a slow stair": 75 + np.round(8 * np.sin(2 * np.pi * T_S.astype(int) / 40), 1),
        "averaged": 75 + 8 * np.sin(2 * np.pi * T_S / 40),
        "breathing": 75 + 4 * np.sin(2 * np.pi * 0.25 * T_S) * np.sin(2 * np.pi * T_S / 50),
    }[kind]


@pytest.mark.parametrize(
    "kind", ["held", "a slow stair", "whole numbers", "interpolated", "averaged", "breathing"]
)
def test_heart_rates_in_the_place_of_a_ppg_are_told(kind):
    values = heart_rates(kind)
    assert describe_heart_rates(values, T_S) == (
        f"values from {values.min():g} to {values.max():g} that move slowly and hold no pulse"
    )
    assert describe_heart_rates(values[:270], T_S[:270]) == ""        # 9 s are too few to tell
    assert describe_heart_rates(values / 100, T_S) == ""              # no heart beats so
    assert describe_heart_rates(values[::10], T_S[::10]) != ""        # three a second


@pytest.mark.parametrize("fs_hz", [12.5, 30.0, 100.0])
@pytest.mark.parametrize("height", [0.01, 0.3, 2.0, 15.0])
@pytest.mark.parametrize("noise", [0.02, 0.3, 3.0])
def test_a_ppg_is_none_whatever_its_scale(height, noise, fs_hz):
    """Also one with values of 60 to 110, and one without a pulse that can be told."""
    rng = np.random.default_rng(1)
    t_s = np.arange(round(40 * fs_hz)) / fs_hz
    for bpm in (42, 75, 160):
        ppg = 85 + height * make_ppg(bpm, fs_hz, 40, rng, noise=noise)
        assert describe_heart_rates(ppg, t_s) == ""
        assert describe_heart_rates(np.round(ppg, 1), t_s) == ""


def test_the_commonest_reason_is_of_those_without_a_rate():
    assert commonest_reason(("", "", "", NOISE, FLAT, FLAT)) == FLAT
    assert commonest_reason(("", "")) == ""
