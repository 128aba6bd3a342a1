"""Work goes over what is there: a hole of decades costs neither time nor memory."""

import resource
import time

import h5py
import numpy as np
import pytest

from acquire import layout
from acquire.limits import MOST_FLAGS
from dataset.quality.grade import join_many
from dataset.quality.limits import read_limits
from dataset.quality.measure import measure_session
from dataset.quality.measurements import join_extremes, windows_over, windows_without
from dataset.quality.result import Flag
from tests.support.made_sessions import START_NS, make_session

TIMES = (layout.FRAME_TIME, layout.FRAME_ARRIVAL, layout.PPG_TIME, layout.PPG_ARRIVAL)
DECADES_S = 10**9


def shift(path, at_s, by_s, names=TIMES):
    """Move everything from `at_s` on by `by_s`."""
    with h5py.File(path, "r+") as file:
        for name in names:
            values = file[name][:]
            values[values >= START_NS + round(at_s * 1e9)] += round(by_s * 1e9)
            file[name][:] = values


def bounded(path):
    """Measure a session; it must take some seconds and megabytes only."""
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    quality, curves = measure_session(path, read_limits())
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1000
    assert time.process_time() - begun < 20
    assert grown_mb < 200
    assert all(np.isfinite(curve.x).all() for curve in curves.values())
    return quality


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_session(tmp_path_factory.mktemp("holes"), seconds=20.0)


@pytest.fixture
def copied(path):
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def kinds(quality):
    return {flag.kind for flag in quality.flags}


def test_a_hole_of_decades_is_a_gap_between_two_pieces_that_are_measured(copied):
    shift(copied, 10.0, DECADES_S)
    quality = bounded(copied)
    assert {"frame_gap", "sample_gap"} <= kinds(quality)
    assert quality.measures["longest_frame_gap_ms"] == pytest.approx(1e12, rel=1e-6)
    assert quality.measures["ppg_hr_bpm"] == pytest.approx(72, abs=0.5)
    assert quality.measures["ppg_periodicity"] > 0.9


@pytest.mark.parametrize("names", [TIMES[:2], TIMES[2:3]])
def test_one_stream_alone_may_be_decades_away(copied, names):
    shift(copied, 10.0, DECADES_S, names)
    assert bounded(copied).grade == "bad"


def test_one_stamp_that_lost_a_digit_is_no_reason_to_walk_for_decades(copied):
    shift(copied, 0.0, DECADES_S)                          # as if it began in 2001
    with h5py.File(copied, "r+") as file:
        file[layout.FRAME_TIME][0] = START_NS
    quality = bounded(copied)
    assert quality.measures["ppg_hr_bpm"] == pytest.approx(72, abs=0.5)


def test_holes_between_all_frames_are_one_gap(copied):
    with h5py.File(copied, "r+") as file:
        values = file[layout.FRAME_TIME][:]
        values += np.arange(len(values)) // 2 * 10**12
        file[layout.FRAME_TIME][:] = values
    quality = bounded(copied)
    (gaps,) = [flag for flag in quality.flags if flag.kind == "frame_gap"]
    assert gaps.to_s - gaps.from_s == pytest.approx(299_010, abs=20)


def test_windows_lie_in_runs_of_times():
    t_s = np.concatenate([np.arange(0, 20, 0.1), 1e9 + np.arange(0, 12, 0.1)])
    windows = list(windows_over(t_s))
    assert windows[:2] == [(0.0, 10.0), (5.0, 15.0)]
    assert windows[-1] == pytest.approx((1e9 + 1.9, 1e9 + 11.9))
    assert len(windows) == 5


def test_windows_beside_many_spans():
    rng = np.random.default_rng(1)
    begins = rng.uniform(0, 1000, 40)
    spans = [(float(at), float(at + length)) for at, length in
             zip(begins, rng.uniform(0, 9, 40), strict=True)]
    expected = [
        (first, last) for first, last in windows_without([], 0.0, 1000.0)
        if not any(first < end and begin < last for begin, end in spans)
    ]
    assert windows_without(spans, 0.0, 1000.0) == expected
    many = [(at, at + 0.001) for at in np.arange(0, 100_000, 0.5).tolist()]
    begun = time.process_time()
    assert windows_without(many, 0.0, 100_000.0) == []
    assert time.process_time() - begun < 3


def test_many_spans_are_joined_in_the_time_that_sorting_takes():
    spans = [(2.0 * at, 2.0 * at + 0.5, (-1.0) ** at * at) for at in range(100_000)]
    begun = time.process_time()
    assert join_extremes(spans) == spans
    assert join_extremes(spans, within_s=2.0) == [(0.0, 199_998.5, -99_999.0)]
    assert time.process_time() - begun < 3


def test_more_flags_of_a_kind_than_can_be_read_become_one():
    flags = [Flag("frame_gap", "warning", at, at + 0.5, at, 150.0, f"no frame for {at} ms")
             for at in np.arange(MOST_FLAGS + 1.0).tolist()]
    other = Flag("too_short", "failure", None, None, 1.0, 10.0, "short")
    assert join_many([*flags[:-1], other]) == [*flags[:-1], other]
    joined, same = join_many([*flags, other])
    assert same == other
    assert (joined.from_s, joined.to_s, joined.value) == (0.0, MOST_FLAGS + 0.5, MOST_FLAGS)
    assert joined.text == f"{MOST_FLAGS + 1} times, the worst: no frame for {MOST_FLAGS}.0 ms"
