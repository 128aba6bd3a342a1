"""A known signal, sampled on a clock of its own, read out at known times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquire.errors import CurationError
from dataset.signals.align import (
    AFTER,
    BEFORE,
    HOLE,
    SHORT,
    SPARSE,
    check_numbers,
    check_rising,
    ppg_on_frames,
)

ZERO_NS = 123_456_789_012_345


def ns(seconds):
    return ZERO_NS + np.round(np.asarray(seconds) * 1e9).astype(np.int64)


def seconds(time_ns):
    return (time_ns - ZERO_NS) / 1e9


def stream(count=1500, rate_hz=25.0, skew_ppm=0.0, jitter_s=0.0, seed=0):
    t = np.arange(count) / rate_hz * (1 + skew_ppm / 1e6)
    return ns(t + np.random.default_rng(seed).uniform(-jitter_s, jitter_s, count))


def frames_in(start_s, stop_s, count=1500, seed=1):
    return np.sort(ns(np.random.default_rng(seed).uniform(start_s, stop_s, count)))


def wave(f_hz, phase=0.3):
    return lambda time_ns: np.sin(2 * np.pi * f_hz * seconds(time_ns) + phase)


@settings(deadline=None, max_examples=30)
@given(
    f_hz=st.floats(0.7, 4.0), phase=st.floats(0, 6.283), skew_ppm=st.floats(-5000, 5000),
    jitter_s=st.floats(0, 2e-4), rate_hz=st.sampled_from([25.0, 50.0, 100.0]),
)
def test_interpolation_to_a_millionth_of_amplitude(f_hz, phase, skew_ppm, jitter_s, rate_hz):
    time_ns = stream(600, rate_hz, skew_ppm, jitter_s)
    truth = wave(f_hz, phase)
    end_s = 600 / rate_hz
    frames = frames_in(1.5, end_s - 1.5, 400)
    found = ppg_on_frames(truth(time_ns), time_ns, np.arange(600), frames, filtered=False)
    assert found.covered.all()
    assert np.abs(found.ppg - truth(frames)).max() < 1e-6
    assert found.fs_hz == pytest.approx(rate_hz / (1 + skew_ppm / 1e6), rel=1e-4)


@pytest.mark.parametrize("f_hz", [1.0, 1.2, 2.0, 3.0])
@pytest.mark.parametrize("skew_ppm", [0.0, 5000.0])
def test_filtered_ppg_is_on_time_within_a_twentieth_of_a_millisecond(f_hz, skew_ppm):
    time_ns = stream(skew_ppm=skew_ppm)
    frames = frames_in(10, 50)
    found = ppg_on_frames(1000 * wave(f_hz)(time_ns) + 30_000, time_ns, np.arange(1500), frames)
    t = seconds(frames)
    sine, cosine = np.linalg.lstsq(
        np.stack([np.sin(2 * np.pi * f_hz * t), np.cos(2 * np.pi * f_hz * t)], axis=1), found.ppg,
        rcond=None,
    )[0]
    late_s = (0.3 - np.arctan2(cosine, sine)) / (2 * np.pi * f_hz)
    assert abs(late_s) < 5e-5
    assert found.hr_bpm == pytest.approx(60 * f_hz, abs=0.05)


def test_an_index_over_a_rate_would_fail_this():
    """Half the samples 5,000 ppm fast: by index the last frame would be 0.15 s off."""
    t = np.concatenate([np.arange(750) / 25, 30 + np.arange(750) / 25 * 1.005])
    frames = frames_in(5, 55)
    found = ppg_on_frames(wave(1.2)(ns(t)), ns(t), np.arange(1500), frames, filtered=False)
    assert np.abs(found.ppg - wave(1.2)(frames)).max() < 1e-4


def test_frames_outside_have_no_value():
    time_ns = stream()
    frames = ns([-1.0, -0.01, 0.0, 30.0, 59.96, 59.97, 70.0])
    found = ppg_on_frames(wave(1.2)(time_ns), time_ns, np.arange(1500), frames)
    assert found.cover.tolist() == [BEFORE, BEFORE, 0, 0, 0, AFTER, AFTER]
    assert (np.isnan(found.ppg) == ~found.covered).all()
    assert (np.isnan(found.hr_bpm) == ~found.covered).all()


@pytest.mark.parametrize("lost", [1, 3, 5, 40, 400])
def test_nothing_is_invented_in_a_hole(lost):
    time_ns, sequence = stream(), np.arange(1500)
    there = np.ones(1500, bool)
    there[600 : 600 + lost] = False
    frames = frames_in(5, 55)
    t = seconds(frames)
    found = ppg_on_frames(wave(1.2)(time_ns)[there], time_ns[there], sequence[there], frames)
    inside = (t > 599 / 25) & (t < (600 + lost) / 25)
    assert inside.any()
    assert (found.cover[inside] == HOLE).all()
    assert found.covered[~inside].all()
    whole = ppg_on_frames(wave(1.2)(time_ns), time_ns, sequence, frames)
    far = (t < 599 / 25 - 5) | (t > (600 + lost) / 25 + 5)
    assert np.abs(found.ppg - whole.ppg)[far].max() < 0.02
    near = ~inside & ~far
    assert np.abs(found.ppg - whole.ppg)[near].max() < (0.35 if lost <= 5 else 0.8)


def test_a_piece_too_short_to_filter_is_called_so_and_what_is_lost_beside_it_is_a_hole():
    time_ns, sequence = stream(), np.arange(1500)
    there = np.ones(1500, bool)
    there[25:100] = there[700:800] = there[825:900] = False
    frames = frames_in(0, 59)
    found = ppg_on_frames(wave(1.2)(time_ns)[there], time_ns[there], sequence[there], frames)
    t = seconds(frames)
    is_short = (t <= 24 / 25) | ((t >= 800 / 25) & (t <= 824 / 25))
    is_outside = (t < 100 / 25) | ((t > 699 / 25) & (t < 900 / 25))
    assert ((found.cover == SHORT) == is_short).all()
    assert ((found.cover == HOLE) == (is_outside & ~is_short)).all()
    assert not np.isin(found.cover, [BEFORE, AFTER]).any()


@pytest.mark.parametrize(("lost", "bridged"), [(5, True), (7, False)])
def test_a_quarter_of_a_second_is_bridged_and_not_more(lost, bridged):
    """A piece too short to filter lies between two holes of 0.24 s, or of 0.32 s."""
    time_ns, sequence = stream(), np.arange(1500)
    there = np.ones(1500, bool)
    there[700 : 700 + lost] = there[740 : 740 + lost] = False
    piece = time_ns[700 + lost : 740]
    found = ppg_on_frames(wave(1.2)(time_ns)[there], time_ns[there], sequence[there], piece)
    assert found.covered.all() == bridged
    assert bridged or (found.cover == SHORT).all()


@pytest.mark.parametrize(
    ("count", "rate_hz", "why"), [(74, 26.0, SHORT), (200, 5.0, SPARSE)],
    ids=["2.8 s, a little fast", "half a sensor"],
)
def test_a_later_piece_of_another_rate_that_cannot_be_filtered_is_left_out(count, rate_hz, why):
    time_ns = np.concatenate([stream(500), stream(count, rate_hz) + 25_000_000_000])
    sequence = np.concatenate([np.arange(500), 600 + np.arange(count)])
    frames = frames_in(0, 60)
    found = ppg_on_frames(wave(1.2)(time_ns), time_ns, sequence, frames)
    t = seconds(frames)
    last = 25 + (count - 1) / rate_hz
    assert (found.cover[(t > 499 / 25) & (t < 25)] == HOLE).all()
    assert (found.cover[(t >= 25) & (t <= last)] == why).all()
    assert (found.cover[t > last] == AFTER).all()
    assert found.covered[t <= 499 / 25].all()


def test_a_long_hole_does_not_make_the_sensor_slow():
    time_ns, sequence = stream(6000), np.arange(6000)
    there = (sequence < 500) | (sequence >= 5500)
    frames = frames_in(0, 239)
    found = ppg_on_frames(wave(1.2)(time_ns)[there], time_ns[there], sequence[there], frames)
    t = seconds(frames)
    assert ((found.cover == HOLE) == ((t > 499 / 25) & (t < 5500 / 25))).all()


def test_stamps_that_jitter_are_not_holes():
    """Arrival times of a pulse oximeter at 20 Hz wander by 30 ms; its counter misses nothing."""
    time_ns = stream(1200, 20.0, jitter_s=0.02)
    frames = frames_in(0, 59)
    assert (np.diff(time_ns) > 1.5e9 / 20).any()
    found = ppg_on_frames(wave(1.2)(time_ns), time_ns, np.arange(1200), frames)
    t = seconds(frames)
    assert found.covered[(t > 0.05) & (t < 58.9)].all()
    assert found.hr_bpm[found.covered] == pytest.approx(72, abs=0.2)


def test_a_counter_gone_wild_is_a_hole():
    sequence = np.arange(1500) + np.where(np.arange(1500) < 700, 0, 2**40)
    found = ppg_on_frames(wave(1.2)(stream()), stream(), sequence, frames_in(0, 59))
    t = seconds(frames_in(0, 59))
    assert ((found.cover == HOLE) == ((t > 699 / 25) & (t < 700 / 25))).all()


def test_a_sensor_that_started_again_is_a_hole():
    time_ns = np.concatenate([stream(500), stream(500) + 25_000_000_000])
    sequence = np.concatenate([np.arange(500), np.arange(500)])
    frames = frames_in(0, 44)
    found = ppg_on_frames(wave(1.2)(time_ns), time_ns, sequence, frames)
    t = seconds(frames)
    assert ((found.cover == HOLE) == ((t > 499 / 25) & (t < 25))).all()


@pytest.mark.parametrize(
    ("time_ns", "frames", "says"),
    [
        pytest.param(stream(40), frames_in(0, 1, 5), "2.9 s of PPG without a hole", id="short"),
        pytest.param(
            stream(1), frames_in(0, 1, 5), "expected PPG samples, found 1", id="one sample"
        ),
        pytest.param(
            stream(100)[::-1], frames_in(0, 1, 5), "sample times that rise", id="samples go back"
        ),
        pytest.param(
            stream(100), frames_in(0, 1, 5)[::-1], "frame times that rise", id="frames go back"
        ),
        pytest.param(
            np.repeat(stream(100), 2), frames_in(0, 1, 5), "sample times that rise",
            id="samples stand still",
        ),
        pytest.param(
            stream(100, 5.0), frames_in(0, 1, 5), "more than 8 Hz, found 5.0", id="slow sensor"
        ),
    ],
)
def test_what_cannot_be_aligned_is_refused(time_ns, frames, says):
    with pytest.raises(CurationError, match=says):
        ppg_on_frames(np.ones(len(time_ns)), time_ns, np.arange(len(time_ns)), frames)


@pytest.mark.parametrize("back_at", [[7], [7, 20]])
def test_the_first_time_that_goes_back_is_named(back_at):
    time_ns = ZERO_NS + 40_000_000 * np.arange(100)
    time_ns[back_at] -= 50_000_000
    with pytest.raises(CurationError, match=r"found a step of -10\.000 ms at sample 7"):
        check_rising(time_ns, "sample")


def test_a_counter_gone_wild_takes_no_memory():
    """Samples a millisecond apart now and then, and a counter that jumps by as many."""
    time_ns = ns(np.cumsum(np.where(np.arange(4000) % 3 == 0, 0.2, 0.001)))
    sequence = np.cumsum(np.where(np.arange(4000) % 3 == 0, 400, 1))
    with pytest.raises(CurationError, match="no run that long in"):
        ppg_on_frames(np.sin(np.arange(4000)), time_ns, sequence, time_ns)


def test_a_rate_of_no_sensor_is_refused():
    time_ns = ZERO_NS + np.arange(4000)
    with pytest.raises(CurationError, match=r"up to 2000 Hz, found 1000000000 Hz"):
        ppg_on_frames(np.zeros(4000), time_ns, np.arange(4000), time_ns)


def test_samples_that_are_no_numbers_are_a_hole():
    time_ns, truth = stream(), wave(1.2)
    ppg = truth(time_ns)
    ppg[700:703] = np.nan, np.inf, -np.inf
    found = ppg_on_frames(ppg, time_ns, np.arange(1500), time_ns)
    assert (found.cover[700:703] == HOLE).all()
    assert np.isfinite(np.delete(found.ppg, slice(700, 703))).all()


def test_numbers_that_repeat_are_refused_with_their_place():
    check_numbers(np.array([3, 4, 9]), "frame")
    with pytest.raises(CurationError, match="frame numbers that rise, found 4 after 9 at frame 3"):
        check_numbers(np.array([3, 4, 9, 4, 5]), "frame")
