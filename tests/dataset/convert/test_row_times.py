"""The times at which rows could stand, for frames whose losses are known."""

import numpy as np
import pytest

from acquire.errors import CurationError
from dataset.convert.row_times import even_rows, native_rows

PERIOD_NS = 40_000_000


def frames(*kept):
    """Return times and numbers of some frames of a camera at exactly 25 Hz."""
    number = np.array(kept, np.int64)
    return 10**12 + number * PERIOD_NS, number


def test_native_rows_fill_lost_frames_at_their_own_times():
    time_ns, number = frames(0, 1, 2, 5, 6)
    rows = native_rows(time_ns, number)
    assert (rows.time_ns == 10**12 + np.arange(7) * PERIOD_NS).all()
    assert rows.frame_index.tolist() == [0, 1, 2, 2, 2, 3, 4]
    assert rows.is_lost.tolist() == [False, False, False, True, True, False, False]
    assert (rows.is_repeated == rows.is_lost).all()


def test_where_numbers_begin_anew_the_time_says_how_many_were_lost():
    time_ns, _ = frames(0, 1, 2, 6, 7)
    rows = native_rows(time_ns, np.array([10, 11, 12, 0, 1]))
    assert (rows.time_ns == 10**12 + np.arange(8) * PERIOD_NS).all()


def test_a_number_that_jumps_far_fills_no_more_than_the_time_between():
    time_ns, _ = frames(0, 1, 2, 4)
    rows = native_rows(time_ns, np.array([0, 1, 2, 9_000]))
    assert len(rows.time_ns) <= 6


@pytest.mark.parametrize("fps", [10.0, 25.0, 30.0, 60.0])
def test_even_rows_show_the_nearest_frame(fps):
    time_ns, number = frames(*range(20))
    rows = even_rows(time_ns, number, fps, begin_ns=int(time_ns[3]) - 5)
    assert rows.time_ns[0] == time_ns[3]
    assert np.abs(np.diff(rows.time_ns) - 1e9 / fps).max() <= 1
    assert time_ns[-1] - rows.time_ns[-1] < 1e9 / fps
    shift_ns = np.abs(rows.time_ns - time_ns[rows.frame_index])
    assert (shift_ns == np.abs(rows.time_ns[:, None] - time_ns).min(axis=1)).all()
    assert not rows.is_lost.any()
    own = rows.frame_index[~rows.is_repeated]
    assert own.tolist() == sorted(set(rows.frame_index.tolist()))     # each picture once


def test_even_rows_among_lost_frames_are_marked():
    time_ns, number = frames(0, 1, 2, 3, 8, 9, 10)
    rows = even_rows(time_ns, number, 25.0, begin_ns=0)
    since = (rows.time_ns - 10**12) // PERIOD_NS
    assert since[rows.is_lost].tolist() == [4, 5, 6, 7]


def test_a_single_frame_makes_a_single_row():
    rows = even_rows(*frames(0), 30.0, begin_ns=0)
    assert (rows.time_ns.tolist(), rows.frame_index.tolist()) == ([10**12], [0])


LAYOUTS = pytest.mark.parametrize(
    "layout", [native_rows, lambda *frames: even_rows(*frames, 30.0, begin_ns=0)],
    ids=["native", "even"],
)


@LAYOUTS
def test_a_session_without_frames_has_no_rows(layout):
    rows = layout(np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(rows.time_ns) == len(rows.frame_index) == 0


@LAYOUTS
def test_a_hole_of_decades_is_refused_before_its_rows_are_made(layout):
    frame_ns = np.concatenate([np.arange(100), 10**9 * 30 + np.arange(100)]) * 33_333_333
    sequence = np.concatenate([np.arange(100), 10**10 + np.arange(100)])
    with pytest.raises(CurationError, match="for 200 frames: a hole of hours, or a wrong stamp"):
        layout(frame_ns, sequence)
