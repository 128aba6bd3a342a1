"""Units, lone stamps, gaps, overlaps: told where they are certain, with the truth made first."""

import numpy as np
import pytest

from acquire.errors import CurationError
from acquire.stamps.plausible import (
    FRAME_HZ,
    PPG_HZ,
    UNIT_NS,
    are_counted,
    certain_unit,
    check_one_stretch,
    describe_overlap,
    find_unit,
    is_lone,
    is_rising,
    whole_ns,
)

S = 10**9


@pytest.mark.parametrize("unit", UNIT_NS)
@pytest.mark.parametrize("start_s", [0.0, 1.39e9])
@pytest.mark.parametrize(("rate_hz", "rates_hz"), [(30, FRAME_HZ), (61.7, PPG_HZ), (8, PPG_HZ)])
def test_the_unit_follows_from_the_step(unit, start_s, rate_hz, rates_hz):
    stamps = (start_s + np.arange(200) / rate_hz) * (S / UNIT_NS[unit])
    stamps[[20, 90]] = stamps[[19, 89]]
    assert find_unit(stamps, rates_hz) == unit


def test_frame_numbers_and_impossible_rates_have_no_unit():
    assert find_unit(np.arange(100.0), FRAME_HZ) is None
    assert are_counted(np.arange(1, 50))
    assert find_unit(np.arange(100) * 5e9, FRAME_HZ) is None
    assert find_unit(np.zeros(9), FRAME_HZ) is None
    assert find_unit(np.arange(60) * 500.0, PPG_HZ) is None          # 2 Hz in ms, no other unit


@pytest.mark.parametrize(("values", "fix"), [
    (np.arange(60) / 30 * 1e3, "check the unit of the times"),
    (np.arange(60) / 4, "check the unit of the times, and their rate"),
    (np.arange(60)[::-1] / 30, "put the rows in the order of their times"),
    (np.round(1.7e9 + np.arange(60) / 30, -3), "write the times with all their digits"),
    (np.arange(60.0), "write times in the place of numbers that count"),
])
def test_what_mends_times_of_no_unit_is_what_is_wrong_with_them(values, fix):
    with pytest.raises(CurationError) as caught:
        certain_unit(
            values, said="s", rates_hz=PPG_HZ, expected_hz=None, error=CurationError, where="t"
        )
    assert caught.value.fix == fix


def ns_of(values, unit="s", **kept):
    return whole_ns(values, unit, "sample", error=CurationError, where="t", **kept)


def test_stamps_are_nanoseconds_and_one_beyond_64_bits_stays_lone():
    seconds = np.arange(200) / 256
    assert (ns_of(seconds) == np.rint(seconds * 1e9)).all()
    named = np.arange(200) * 33 + 1_690_000_000_000
    assert (ns_of(named, "ms") == named * 10**6).all()
    for far in (1e12, -1e300):
        one = seconds.copy()
        one[70] = far
        assert np.flatnonzero(is_lone(ns_of(one))).tolist() == [70]
    named[70] = 10**17                               # as an integer, which wraps without a warning
    assert np.flatnonzero(is_lone(ns_of(named, "ms"))).tolist() == [70]


@pytest.mark.parametrize(("values", "found"), [
    (np.arange(100) / 256 + 1e12 * (np.arange(100) >= 50),
     "a step from 0.191406 to 1e+12 seconds after the first 50 of 100"),
    (np.full(30, 1e12), "a time of 1e+12 seconds"),
    (np.array([10**17]), "a time of 1e+17 seconds"),
])
def test_stamps_most_of_which_are_beyond_64_bits_are_refused_as_far_and_not_as_falling(
    values, found
):
    with pytest.raises(CurationError) as caught:
        ns_of(values)
    assert caught.value.found == found


def test_another_unit_needs_the_video_to_bear_it_out():
    ms = np.arange(60) * 33.3

    def unit(values, said, expected_hz):
        return certain_unit(
            values, said=said, rates_hz=FRAME_HZ, expected_hz=expected_hz, error=CurationError,
            where="in t.csv",
        )

    assert unit(ms / 1000, "s", None) == ("s", "")
    found, remark = unit(ms, "s", 30.0)
    assert found == "ms"
    assert "milliseconds, not seconds: a median step of 33.3" in remark
    for expected_hz in (None, 15.0, 60.0):
        with pytest.raises(CurationError, match=r"expected times in seconds, .* found a median"):
            unit(ms, "s", expected_hz)


@pytest.mark.parametrize("at", [0, 60, 119])
@pytest.mark.parametrize("change", [lambda x: x // 10, lambda x: x * 10, lambda x: x - 10**18])
def test_a_stamp_that_lost_or_gained_a_digit_is_lone(at, change):
    stamps = 139_264_399 * S + np.arange(120) * 33_000_000
    stamps[at] = change(stamps[at])
    assert np.flatnonzero(is_lone(stamps)).tolist() == [at]


def test_pauses_and_dropouts_are_no_lone_stamps():
    stamps = np.arange(300) * 33_000_000
    for gap_s in (1, 9, 3600):
        for at in (100, 297):
            paused = stamps + (np.arange(300) >= at) * gap_s * S
            assert not is_lone(paused).any()
    assert not is_lone(stamps[:12] * 10**3).any()


def test_a_gap_longer_than_the_rest_is_refused():
    times = np.arange(300) * 33_000_000
    check_one_stretch(times + (np.arange(300) >= 200) * 50 * S, "frame", error=CurationError)
    with pytest.raises(CurationError, match=r"gap of 3600.03 s after the first 200 .* summer time"):
        check_one_stretch(times + (np.arange(300) >= 200) * 3600 * S, "frame", error=CurationError)
    with pytest.raises(CurationError, match=r"gap of 1000000.03 s after the first 200 of 300; "):
        check_one_stretch(times + (np.arange(300) >= 200) * 10**6 * S, "x", error=CurationError)


@pytest.mark.parametrize(
    ("begins_s", "ends_s", "words"),
    [
        (0.0, 10.0, ""),
        (0.2, 10.2, ""),
        (3600.0, 3610.0, "share no time: the PPG begins 3600.00 s after the pictures, whole hours"),
        (-7200.2, -7190.0, "7200.20 s before the pictures, whole hours"),
        (500.0, 510.0, "500.00 s after the pictures"),
        (0.0, 5.0, "share 5.00 s only: the PPG begins +0.00 s and ends -5.00 s"),
        (-2.0, 8.0, "share 8.00 s only"),
    ],
)
def test_the_time_that_two_streams_share(begins_s, ends_s, words):
    found = describe_overlap(np.array([0, 10 * S]), np.array([begins_s, ends_s]) * S)
    assert bool(found) == bool(words)
    assert words in found


def test_rising_allows_repeats_and_a_few_errors():
    t = np.floor(np.arange(300) / 30 * 10) / 10
    assert is_rising(t)
    t[5] = 900
    assert is_rising(t)
    assert not is_rising(t[::-1])
    assert not is_rising(np.sin(np.arange(300)))
    assert not is_rising(np.full(300, 72.0))
