"""The jump over a restart, counted by the final times: known truth in, right to one sample."""

import numpy as np
import pytest

from acquire.clock.number_samples import number_samples
from acquire.layout import BOOT_TICKS, SUSPENSION_DTYPE

RATE_HZ, TICK_HZ = 25, 2_000_000


def two_boots(*, before=300, after=300, missing, ppm, counted=2):
    """Samples of two boots, `missing` periods apart; the jump was counted as `counted`."""
    period_ns = 1e9 / RATE_HZ / (1 + ppm * 1e-6)
    truth = np.concatenate([np.arange(before), before + missing + np.arange(after)])
    ticks = np.concatenate([np.arange(before), np.arange(after)]) * TICK_HZ // RATE_HZ
    ticks[before:] += BOOT_TICKS
    sequence = np.arange(before + after)
    sequence[before:] += counted
    return truth, sequence, ticks, 10**12 + np.rint(truth * period_ns).astype(np.int64)


@pytest.mark.parametrize("ppm", [0, 5000, -5000])
@pytest.mark.parametrize("missing", [0, 1, 40, 45_000])
def test_the_jump_is_the_number_of_periods_that_passed(ppm, missing):
    """A resonator is up to 0.5 % off: half an hour away would be 225 samples wrong without it."""
    truth, sequence, ticks, time_ns = two_boots(missing=missing, ppm=ppm)
    numbered = number_samples(sequence, ticks, time_ns, np.zeros_like(ticks), rate_hz=RATE_HZ)
    assert (numbered == truth).all()


def test_short_boots_are_counted_at_the_nominal_rate_and_each_on_its_own():
    truth, sequence, ticks, time_ns = two_boots(before=50, after=50, missing=40, ppm=2000)
    numbered = number_samples(sequence, ticks, time_ns, np.zeros_like(ticks), rate_hz=RATE_HZ)
    assert np.abs(numbered - truth).max() <= 1
    three = [np.concatenate([part, part[-1] + 1000 + part]) for part in (truth, sequence)]
    ticks = np.concatenate([ticks, ticks + 2 * BOOT_TICKS])
    times = 10**12 + np.rint(three[0] * 1e9 / RATE_HZ).astype(np.int64)
    numbered = number_samples(three[1], ticks, times, np.zeros_like(ticks), rate_hz=RATE_HZ)
    assert (numbered == three[0]).all()


def test_a_jump_within_one_boot_stays_as_the_device_counted_it():
    sequence = np.array([0, 1, 2, 10, 11])
    ticks = sequence * TICK_HZ // RATE_HZ
    time_ns = np.array([0, 1, 2, 3, 4]) * 40_000_000
    numbered = number_samples(sequence, ticks, time_ns, np.zeros_like(ticks), rate_hz=RATE_HZ)
    assert (numbered == sequence).all()


def test_a_jump_beside_a_sample_without_a_bound_stays_as_it_was_counted():
    _, sequence, ticks, time_ns = two_boots(missing=40, ppm=0)
    bound_ns = np.zeros_like(ticks)
    bound_ns[299] = -1
    assert (
        number_samples(sequence, ticks, time_ns, bound_ns, rate_hz=RATE_HZ) == sequence
    ).all()


def test_the_time_that_the_host_was_suspended_counts():
    truth, sequence, ticks, time_ns = two_boots(missing=1000, ppm=0)
    slept_ns = 30 * 10**9
    time_ns[300:] -= slept_ns
    suspensions = np.array([(time_ns[299] + 1, time_ns[300] - 1, slept_ns)], SUSPENSION_DTYPE)
    numbered = number_samples(
        sequence, ticks, time_ns, np.zeros_like(ticks), rate_hz=RATE_HZ, suspensions=suspensions
    )
    assert (numbered == truth).all()


def test_no_samples_have_no_numbers():
    none = np.zeros(0, np.int64)
    assert len(number_samples(none, none, none, none, rate_hz=RATE_HZ)) == 0
