"""What only shows beside other sessions: offsets, and copies."""

from pathlib import Path

import pytest

from dataset.common.workers import Workers
from dataset.quality.across_sessions import flag_across_sessions
from dataset.quality.grade_sessions import grade_sessions
from tests.support.made_sessions import make_session
from tests.support.quality_sessions import LIMITS, flag_kinds

pytestmark = pytest.mark.xdist_group("one clean session")


@pytest.mark.parametrize("offset_ms", [-33.3, 300.0])
def test_an_injected_offset_is_found_with_its_size(virtual, measured, offset_ms):
    """Stamps and arrivals of the frames are off alike: only the pulse shows it."""
    c, offset_ns = virtual.columns, round(offset_ms * 1e6)
    shifted = measured(
        frame_time_ns=c.frame_time_ns + offset_ns, frame_arrival_ns=c.frame_arrival_ns + offset_ns
    )
    three = {
        Path(f"{n}"): quality
        for n, quality in enumerate((virtual.quality, shifted, virtual.quality))
    }
    compared = flag_across_sessions(three, [], LIMITS)
    assert flag_kinds(compared[Path("0")]) == flag_kinds(compared[Path("2")]) == set()
    (flag,) = [flag for flag in compared[Path("1")].flags if flag.kind == "lag_subject"]
    assert flag.value == pytest.approx(offset_ms, abs=5)
    assert ("lag_high" in flag_kinds(shifted)) == (offset_ms == 300)
    two = flag_across_sessions({Path("0"): virtual.quality, Path("1"): shifted}, [], LIMITS)
    # neither can be believed
    assert all("lag_subject" in flag_kinds(quality) for quality in two.values())
    alone = flag_across_sessions({Path("0"): compared[Path("1")]}, [], LIMITS)
    assert "lag_subject" not in flag_kinds(alone[Path("0")])  # and the flag goes where it is alone


def test_a_copy_under_another_name_is_flagged_on_both(tmp_path):
    for subject in ("S01", "S02"):
        make_session(
            tmp_path, subject, seconds=16, session_id=f"{subject}-20260101T090001Z",
            content_of="S01",
        )
    graded = grade_sessions(tmp_path, [], limits=LIMITS, force=False, workers=Workers())
    assert all("duplicate" in flag_kinds(quality) for quality in graded.all.values())
    assert graded.first_of_copies == {"S01-20260101T090001Z"}
    others = {
        quality.session: flag.other for quality in graded.all.values()
        for flag in quality.flags if flag.kind == "duplicate"
    }
    assert others == {
        "S01-20260101T090001Z": "S02-20260101T090001Z",
        "S02-20260101T090001Z": "S01-20260101T090001Z",
    }
