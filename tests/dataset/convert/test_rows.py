"""Which picture, time and PPG stand in each row, on signals and losses that are known."""

import re
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acq.commands.convert import _short_part_lines
from acquire import layout
from acquire.errors import CurationError, Fix
from dataset.convert.rows import plan_rows
from dataset.convert.settings import Settings
from dataset.layouts.manifest import FrameSpan
from dataset.selection.exclusions import Exclusion
from dataset.session.reader import Session
from tests.support.made_sessions import START_NS, frame_times, make_session, pulse, sample_times

NATIVE = Settings("rawvideo", "filtered", "native", "keep")
REPEAT, CUT = replace(NATIVE, holes="repeat"), replace(NATIVE, holes="cut")
EVEN = replace(NATIVE, fps="30", holes="repeat")


def plan(tmp_path, asked, *excluded, number=1, seconds=14.0, **kwargs):
    path = make_session(tmp_path, "S01", number, seconds=seconds, **kwargs)
    with Session(path) as session:
        return plan_rows(
            session, asked,
            [Exclusion(session.session_id, a, b, "moved", "2026-01-01") for a, b in excluded],
        )


def assert_on_time(part):
    """Away from the filter's ends the PPG is that of the rows' own times, within a millisecond."""
    t_s = (part.time_ns - START_NS) / 1e9
    middle = (t_s > t_s[0] + 3) & (t_s < t_s[-1] - 3)
    assert middle.sum() > 100
    angle = 2 * np.pi * 72 / 60 * t_s[middle]
    sine, cosine = np.linalg.lstsq(
        np.stack([np.sin(angle), np.cos(angle)], axis=1), part.ppg[middle], rcond=None
    )[0]
    assert np.hypot(sine, cosine) == pytest.approx(8000, rel=0.02)
    assert abs(np.arctan2(cosine, sine) / (2 * np.pi * 72 / 60)) < 1e-3


def test_lost_frames_are_filled_at_their_nominal_times(tmp_path):
    lost = {100, 101, 102, 250}
    (part,) = plan(tmp_path, REPEAT, lost_frames=lost).parts
    truth_ns = frame_times(420)[: len(part.time_ns)]
    there = [i for i in range(len(truth_ns)) if i not in lost]
    assert (part.time_ns[there] == truth_ns[there]).all()
    assert np.abs(part.time_ns - truth_ns).max() < 9e6  # the camera jitters by 4 ms
    assert np.diff(part.time_ns)[98:103] == pytest.approx(
        np.full(5, np.diff(part.time_ns)[98:103].mean()), rel=0.3
    )
    assert part.frame_index[99:104].tolist() == [99, 99, 99, 99, 100]
    assert part.repeated == (
        FrameSpan(100, 3, "frames were lost"), FrameSpan(250, 1, "frames were lost"),
    )
    assert_on_time(part)


def test_keep_lets_the_time_jump(tmp_path):
    (part,) = plan(tmp_path, NATIVE, lost_frames={100, 101, 102}).parts
    assert part.repeated == ()
    assert part.time_ns[100] - part.time_ns[99] > 120e6


@pytest.mark.parametrize("asked", [REPEAT, CUT], ids=["repeat", "cut"])
def test_a_hole_in_the_ppg_cuts(tmp_path, asked):
    rows = plan(
        tmp_path, asked, lost_samples={160, 161}, lost_frames={20} if asked is REPEAT else ()
    )
    first, second = rows.parts
    assert first.time_ns[-1] < sample_times(160)[159] + 1
    assert second.time_ns[0] >= sample_times(163)[162]
    assert rows.trimmed[0].reason == "samples were lost"
    assert [len(part.repeated) for part in rows.parts] == (
        [1, 0] if asked is REPEAT else [0, 0]
    )
    assert second.repeated == ()


def test_cut_cuts_at_lost_frames_and_leaves_short_parts_out(tmp_path):
    rows = plan(tmp_path, CUT, lost_frames={200, 290})
    (part,) = rows.parts
    assert part.frame_index.tolist() == list(range(200))
    assert rows.trimmed == (FrameSpan(200, 218, "part shorter than 5 s"),)


def test_nothing_long_enough_is_refused(tmp_path):
    with pytest.raises(
        CurationError,
        match=r"expected 5 s without a hole, found at most 3\.\d s",
    ) as caught:
        plan(tmp_path, CUT, seconds=6.0, lost_frames={70})
    assert (caught.value.fix, caught.value.of) == (Fix.KEEP_HOLES, "S01-20260101T090001Z")


def test_what_is_excluded_is_cut_out_and_does_not_reach_the_filter(tmp_path):
    """A finger that is off for 3 s swings the filter; once excluded, it does not."""
    values = np.round(pulse(sample_times(501))).astype(int)
    values[200:275] = 200
    rows = plan(tmp_path, REPEAT, (8.0, 11.2), seconds=20.0, ppg=values)
    begin, end = START_NS + 8.0e9, START_NS + 11.2e9
    first, second = rows.parts
    assert first.time_ns[-1] < begin
    assert second.time_ns[0] >= end
    assert [t.reason for t in rows.trimmed if t.reason[:3] != "aft"][:2] == [
        "beside an excluded part", "excluded",
    ]
    shown = np.concatenate([first.frame_index, second.frame_index])
    out = np.flatnonzero((frame_times(600) >= begin) & (frame_times(600) < end))
    assert not set(shown) & set(out)
    assert np.abs(first.ppg - (pulse(first.time_ns) - 30_000))[60:-60].max() < 0.05 * 8000
    keep = plan(tmp_path, NATIVE, (8.0, 11.2), number=2, seconds=20.0, ppg=values).parts
    assert len(keep) == 1
    assert np.diff(keep[0].time_ns).max() > 3.1e9


def test_good_ppg_too_short_to_filter_is_named_as_that(tmp_path):
    """It was called before the first and after the last usable sample, though it was there."""
    exclusions = ((2.0, 3.0), (11.0, 11.5))
    rows = plan(tmp_path, NATIVE, *exclusions)
    reasons = [span.reason for span in rows.trimmed]
    short = "less than 2.9 s of PPG, too short to filter"
    assert reasons.count(short) == 2
    assert set(reasons) <= {
        short, "excluded", "beside an excluded part", "after the last usable sample",
    }
    frames = sum(span.frames for span in rows.trimmed if span.reason == short)
    (line,) = _short_part_lines([("S01-x", rows.trimmed)])
    assert line.startswith(f"S01-x: {frames} frames left out, in parts shorter than 2.9 s")


def test_open_ended_exclusions(tmp_path):
    (part,) = plan(tmp_path, NATIVE, (None, 2.0), (12.0, None)).parts
    assert part.time_ns[0] >= START_NS + 2e9
    assert part.time_ns[-1] < START_NS + 12e9


@pytest.mark.parametrize(
    ("fps", "rate_hz"), [("30", 30.0), ("25", 25.0), ("60", 60.0), ("29.97", 29.97)]
)
def test_an_even_grid(tmp_path, fps, rate_hz):
    rows = plan(tmp_path, replace(EVEN, fps=fps), lost_frames={200, 201, 202, 203})
    (part,) = rows.parts
    assert part.time_ns - part.time_ns[0] == pytest.approx(
        np.arange(len(part.time_ns)) / rate_hz * 1e9, abs=1.0
    )
    times = np.delete(frame_times(420), [200, 201, 202, 203])
    shift = np.abs(part.time_ns[:, None] - times[None, :])
    assert (np.abs(part.time_ns - times[part.frame_index]) == shift.min(axis=1)).all()
    assert part.picture_shift_ms == pytest.approx(shift.min(axis=1).max() / 1e6)
    listed = np.zeros(len(part.frame_index), bool)
    for span in part.repeated:
        assert not listed[span.first : span.first + span.frames].any()
        listed[span.first : span.first + span.frames] = True
    _, firsts = np.unique(part.frame_index, return_index=True)
    shown_once = np.ones(len(part.frame_index), bool)
    shown_once[firsts] = False
    assert listed.sum() >= shown_once.sum()             # every further use of a picture is listed
    assert {span.reason for span in part.repeated} >= {"frames were lost"}
    assert_on_time(part)


@pytest.mark.parametrize(
    "asked", [NATIVE, EVEN, replace(EVEN, fps="50")], ids=["native", "30", "50"]
)
def test_raw_ppg_at_the_rows_times_to_a_millionth(tmp_path, asked):
    """The values are a straight line of whole numbers, so that values between them are known."""
    values = 20_000 + 40 * np.arange(351)
    (part,) = plan(tmp_path, replace(asked, ppg="raw"), ppg=values).parts
    truth = 20_000 + 40 * (part.time_ns - START_NS) / 1e9 * 25 / (1 + 400e-6)
    assert np.abs(part.ppg - truth).max() < 1e-6 * np.ptp(values)


def test_published_sessions_have_no_bound_and_are_taken(tmp_path):
    path = make_session(tmp_path, "S01", seconds=8.0, bound_ns=-1)
    with (
        Session(path) as session,
        pytest.raises(CurationError, match="expected PPG samples, found 0"),
    ):
        plan_rows(session, NATIVE)
    with h5py.File(path, "r+") as file:
        file.attrs[layout.IMPORTED_ATTR] = "UBFC-rPPG DATASET_2"
    with Session(path) as session:
        rows = plan_rows(session, NATIVE)
        assert len(rows.parts[0].frame_index) > 230
        assert session.sync_bound_ms is None


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lost_frames=st.sets(st.integers(1, 418), max_size=12),
    lost_samples=st.sets(st.integers(1, 348), max_size=4),
    spans=st.lists(st.tuples(st.floats(0, 13), st.floats(0.05, 3)), max_size=2),
    holes=st.sampled_from(["keep", "repeat", "cut"]),
    fps=st.sampled_from(["native", "30", "20", "47"]),
)
def test_every_frame_is_shown_or_listed_or_counted(
    tmp_path_factory, lost_frames, lost_samples, spans, holes, fps
):
    data = tmp_path_factory.mktemp("property")
    asked = Settings("rawvideo", "raw", fps, holes)
    spans = [(round(a, 3), round(a + b, 3)) for a, b in spans]
    try:
        rows = plan(data, asked, *spans, lost_frames=lost_frames, lost_samples=lost_samples)
    except CurationError as error:
        if not re.search(r"expected (5 s|frames and PPG|2\.9 s of PPG)", str(error)):
            raise
        return
    trimmed = [i for t in rows.trimmed for i in range(t.first, t.first + t.frames)]
    shown = {int(i) for part in rows.parts for i in part.frame_index}
    assert len(trimmed) == len(set(trimmed))
    assert not shown & set(trimmed)
    assert len(shown) + len(trimmed) + rows.unused == 420 - len(lost_frames)
    assert rows.unused == 0 or fps != "native"
    times = np.delete(frame_times(420), sorted(lost_frames))
    for part in rows.parts:
        assert (np.diff(part.time_ns) > 0).all()
        assert np.isfinite(part.ppg).all()
        for a, b in spans:
            at_s = (part.time_ns - START_NS) / 1e9
            assert not ((at_s >= a) & (at_s < b)).any()
        listed = {
            i for span in part.repeated for i in range(span.first, span.first + span.frames)
        }
        own = [int(i) for at, i in enumerate(part.frame_index) if at not in listed]
        assert len(own) == len(set(own))
        if fps == "native":
            assert all(
                part.time_ns[at] == times[part.frame_index[at]]
                for at in range(len(part.frame_index))
                if at not in listed
            )
        if holes != "keep":
            assert np.diff(part.time_ns).max() < 90e6
            assert part.time_ns[-1] - part.time_ns[0] >= 5e9
