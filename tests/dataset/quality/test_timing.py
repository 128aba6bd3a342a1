"""Lengths, gaps, clocks and jitter: each fault is flagged where it is."""

import h5py
import numpy as np
import pytest

from acquire import layout
from dataset.convert.rows import plan_rows
from dataset.convert.settings import Settings
from dataset.session.reader import Session
from tests.support.made_sessions import make_session, pulse, sample_times
from tests.support.quality_sessions import flag_kinds, measure_quality, with_columns

pytestmark = pytest.mark.xdist_group("one clean session")


def test_a_stream_that_ends_early_is_flagged(tmp_path):
    """No counter knows what was to come."""
    short = make_session(
        tmp_path, "S01", 1, seconds=20.0, ppg=np.round(pulse(sample_times(8 * 25))).astype(int)
    )
    flags = {flag.kind: flag for flag in measure_quality(short).flags}
    assert (flags["one_stream"].from_s, flags["one_stream"].to_s) == pytest.approx(
        (8.0, 20.0), abs=0.15
    )
    assert flags["one_stream"].text == "no samples for 12.0 s at the end"
    assert flags["streams_apart"].value == pytest.approx(60, abs=1)
    whole = make_session(tmp_path, "S02", 2, seconds=20.0)
    assert not {"one_stream", "streams_apart"} & flag_kinds(measure_quality(whole))


@pytest.mark.parametrize("stream", ["frame", "sample"])
def test_a_gap_is_flagged_where_it_is_and_what_is_lost_is_counted(virtual, measured, stream):
    c, gap_ns = virtual.columns, 600_000_000
    name = "frame" if stream == "frame" else "ppg"
    time_ns, arrival_ns, sequence = (
        getattr(c, f"{name}_{column}") for column in ("time_ns", "arrival_ns", "sequence")
    )
    later = time_ns >= c.start_ns + 30_000_000_000
    quality = measured(
        **{
            f"{name}_time_ns": time_ns + later * gap_ns,
            f"{name}_arrival_ns": arrival_ns + later * gap_ns,
            f"{name}_sequence": sequence + later * 15,
        }
    )
    flags = {flag.kind: flag for flag in quality.flags}
    assert flags[f"{stream}_gap"].value == pytest.approx(640, abs=2)
    assert flags[f"{stream}_gap"].from_s <= 30 <= flags[f"{stream}_gap"].to_s
    assert flags[f"lost_{stream}s"].value == pytest.approx(100 * 15 / (len(time_ns) + 15), abs=0.01)


def test_times_that_go_back_are_bad(virtual, measured):
    time_ns = virtual.columns.ppg_time_ns.copy()
    time_ns[500] = time_ns[498]
    quality = measured(ppg_time_ns=time_ns)
    (flag,) = [flag for flag in quality.flags if flag.kind == "times_back"]
    assert quality.grade == "bad"
    assert flag.from_s <= 20 <= flag.to_s


def test_numbers_that_repeat_are_bad(virtual, measured):
    sequence = virtual.columns.frame_sequence.copy()
    sequence[500:] -= 5
    quality = measured(frame_sequence=sequence)
    (flag,) = [flag for flag in quality.flags if flag.kind == "times_back"]
    assert "1 frame number not higher than the one before" in flag.text
    assert flag.from_s <= 20 <= flag.to_s
    assert quality.grade == "bad"


def test_jittering_stamps_and_missing_bounds_are_flagged(virtual, measured):
    c = virtual.columns
    jitter_ns = np.random.default_rng(0).integers(-19_000_000, 19_000_000, len(c.frame_time_ns))
    quality = measured(
        frame_time_ns=c.frame_time_ns + jitter_ns, ppg_bound_ns=np.full_like(c.ppg_bound_ns, -1)
    )
    assert {"frame_jitter", "sync_missing"} <= flag_kinds(quality)
    assert quality.measures["sync_bound_ms"] is None


def test_a_sensor_without_a_clock_has_a_note_and_its_samples_are_used_all_the_same(
    virtual, measured
):
    timing = (0, 36_000_000, -1, "nobody states it", "single ones")
    with h5py.File(virtual.path, "r+") as file:
        file["ppg"].attrs.update(zip(layout.ARRIVAL_ATTRS, timing, strict=True))
    unknown = np.full_like(virtual.columns.ppg_bound_ns, -1)
    try:
        quality = measured(ppg_bound_ns=unknown)
        with (
            with_columns(virtual.path, ppg_bound_ns=unknown), Session(virtual.path) as session,
        ):
            rows = plan_rows(session, Settings("ffv1", "filtered", "native", "keep"))
    finally:
        with h5py.File(virtual.path, "r+") as file:
            for name in layout.ARRIVAL_ATTRS:
                del file["ppg"].attrs[name]
    (flag,) = [flag for flag in quality.flags if flag.kind == "sync_one_sided"]
    assert flag.severity == "note"
    assert "earlier by an unknown time (nobody states it)" in flag.text
    assert "sync_missing" not in flag_kinds(quality)
    used = sum(len(part.frame_index) for part in rows.parts)
    assert used > 0.9 * len(virtual.columns.frame_time_ns)


@pytest.mark.parametrize(("column", "kind", "percent"), [
    ("ppg_time_ns", "ppg_rate_error", 0.1), ("frame_time_ns", "frame_rate_error", -0.1),
])
def test_a_wrong_rate_shows_in_the_clocks(virtual, measured, column, kind, percent):
    time_ns = getattr(virtual.columns, column)
    quality = measured(
        **{
            column: time_ns[0]
            + np.round((time_ns - time_ns[0]) * (1 + percent / 100)).astype(np.int64)
        }
    )
    (flag,) = [flag for flag in quality.flags if flag.kind.endswith("rate_error")]
    assert flag.kind == kind
    assert flag.value == pytest.approx(percent, abs=0.01)


def test_a_clock_that_was_set_is_a_step_and_no_rate(virtual, measured):
    c = virtual.columns
    later = c.ppg_time_ns >= c.start_ns + 21_000_000_000
    quality = measured(ppg_time_ns=c.ppg_time_ns - later * 60_000_000 + ~later * 0)
    (flag,) = [flag for flag in quality.flags if flag.kind == "clock_step"]
    assert flag.value == pytest.approx(60, abs=3)
    assert flag.from_s <= 21 <= flag.to_s
    assert "ppg_rate_error" not in flag_kinds(quality)
