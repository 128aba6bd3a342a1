"""Which stamps of a camera are accepted, and the frame numbers and the rate they give."""

import numpy as np
import pytest

from acquire.camera.stamps import SequenceFromTime, StampWatch, rate_from_stamps
from acquire.errors import StampError

MS, S = 1_000_000, 1_000_000_000


def test_a_gap_of_n_periods_skips_so_many_numbers():
    counter = SequenceFromTime(25.0)
    assert [counter.number(t * MS) for t in (1000, 1040, 1081, 1199, 1240, 1281)] == [
        0, 1, 2, 5, 6, 7,
    ]


def test_frames_of_one_stamp_are_one_period_apart():
    counter = SequenceFromTime(25.0)
    assert [counter.number(1000 * MS) for _ in range(20)] == list(range(20))


def test_a_camera_slower_than_it_says_has_lost_nothing_once_it_was_seen():
    counter = SequenceFromTime(25.0)
    for t in (80, 160, 240, 320):
        counter.learn(t * MS)
    assert [counter.number(t * MS) for t in (400, 480, 560, 640)] == [0, 1, 2, 3]


def check(times_ns, arrivals_ns):
    """Check frame after frame; return how many were accepted, and the error of the next one."""
    watch = StampWatch("uvc:0")
    for n, (time_ns, arrival_ns) in enumerate(zip(times_ns, arrivals_ns, strict=True)):
        try:
            watch.check(int(time_ns), int(arrival_ns))
        except StampError as error:
            return n, str(error)
    return len(times_ns), ""


def frames(seconds):
    return 100 * S + np.arange(round(seconds * 25)) * 40 * MS


def test_honest_stamps_are_believed():
    assert check(frames(60), frames(60) + 9 * MS) == (1500, "")


def test_a_stamp_that_goes_back_is_refused_where_it_does():
    times = frames(4)
    times[60:] -= 41 * MS
    assert check(times, frames(4) + 50 * MS) == (
        60, "expected stamps of camera uvc:0 that do not go back, found one 1.0 ms before the last"
    )


def test_a_stamp_of_the_future_is_refused_at_once():
    times = frames(4)
    times[50:] += 1500 * MS
    accepted, error = check(times, frames(4))
    assert (accepted, "-1.5 s off" in error) == (50, True)


def test_a_clock_that_drifts_away_is_refused_when_it_stays_a_second_off():
    arrivals = frames(200)
    # 20 ms a second: 1 s off after 50 s
    times = arrivals[0] + ((arrivals - arrivals[0]) * 0.98).astype(int)
    accepted, error = check(times, arrivals)
    assert accepted == pytest.approx(53 * 25, abs=3)
    assert "1.1 s off" in error


def test_a_host_that_was_stopped_for_ten_seconds_is_no_reason_to_refuse_the_camera():
    """64 frames waited in the pipeline and are read at once; then the camera goes on."""
    times = frames(60)
    arrivals = times + 5 * MS
    arrivals[100:164] = times[100] + 10 * S + np.arange(64) * MS
    kept = np.r_[0:164, 350:1500]  # what the pipeline had no room for is lost
    assert check(times[kept], arrivals[kept]) == (len(kept), "")


def test_the_rate_of_a_camera_that_keeps_it():
    rate = rate_from_stamps(frames(2), 25.0)
    assert (rate.fps, rate.gaps, rate.complaint) == (pytest.approx(25.0), 0, "")


def test_auto_exposure_that_halves_the_rate_is_complained_of():
    rate = rate_from_stamps(frames(2)[::2], 25.0)
    assert rate.fps == pytest.approx(12.5)
    assert rate.complaint == (
        "expected 25 frames/s, found 12.5: in dim light auto-exposure makes each frame longer; "
        "add light, or ask for 12 frames/s"
    )


def test_a_tenth_less_is_let_pass_and_more_than_that_is_not():
    assert not rate_from_stamps((np.arange(60) * S / 22.6).astype(int), 25.0).complaint
    assert rate_from_stamps((np.arange(60) * S / 22.4).astype(int), 25.0).complaint


def test_lost_frames_count_against_the_rate_and_show_as_gaps():
    times = np.delete(frames(2), [10, 11, 30])
    rate = rate_from_stamps(times, 25.0)
    assert rate.fps == pytest.approx(25 * 46 / 49)
    assert (rate.gaps, rate.longest_ms, rate.jitter_ms) == (2, 120.0, pytest.approx(0.0))


def test_jitter_is_that_of_the_steps():
    rng = np.random.default_rng(1)
    times = frames(40) + rng.normal(0, 2 * MS, 1000).astype(int)
    assert rate_from_stamps(times, 25.0).jitter_ms == pytest.approx(2 * 2**0.5, rel=0.1)


@pytest.mark.parametrize("times", [[], [S], [S, 2 * S]])
def test_too_few_frames_are_no_rate_and_a_complaint(times):
    rate = rate_from_stamps(np.array(times, dtype=np.int64), 25.0)
    assert rate.fps == 0
    assert rate.complaint.startswith("expected 25 frames/s, found 0.0")
    assert "frames/s" not in rate.complaint.removeprefix("expected 25 frames/s")
