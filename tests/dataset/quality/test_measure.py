"""A session is measured as a whole: real and virtual, and one of next to nothing."""


import pytest

from dataset.quality.result import read_quality, write_quality
from dataset.session.heart_rate import measure_ppg_rates
from dataset.session.reader import Session
from tests.support.quality_sessions import finger_session, flag_kinds, measure_quality, real_session

pytestmark = pytest.mark.xdist_group("one clean session")


@pytest.mark.shared
def test_the_real_face_is_good(real_face, tmp_path):
    quality = measure_quality(real_session(real_face, tmp_path / "S01-20260101T090000Z.h5"))
    assert quality.grade == "good", quality.flags
    assert flag_kinds(quality) == set()
    assert quality.measures["ppg_hr_bpm"] == pytest.approx(71.2, abs=1)
    assert quality.measures["pos_hr_bpm"] == pytest.approx(70.3, abs=1.5)
    assert quality.measures["lag_ms"] == pytest.approx(90, abs=15)


def test_a_clean_session_is_good(virtual):
    assert virtual.quality.grade == "good"
    assert flag_kinds(virtual.quality) == set()
    assert virtual.quality.measures["lag_error_ms"] < 5
    assert abs(virtual.quality.measures["ppg_rate_error_percent"]) < 0.01
    with Session(virtual.path) as session:
        rates = measure_ppg_rates(session)
    assert virtual.quality.measures["ppg_hr_bpm"] == pytest.approx(rates.hr_bpm, rel=1e-5)
    assert virtual.quality.measures["ppg_rate_hz"] == pytest.approx(rates.rate_hz, rel=1e-5)
    assert {
        "ppg", "ppg_filtered", "pos", "ppg_spectrum", "pos_spectrum", "ppg_hr", "pos_hr",
        "face_luma", "face_x", "face_y", "frame_interval_ms", "sample_interval_ms", "sync_bound_ms",
        "lag_ms",
    } == set(virtual.curves)
    assert all(len(curve.x) == len(curve.y) <= 2000 for curve in virtual.curves.values())


@pytest.mark.parametrize("count", [0, 1, 50])
def test_a_recording_of_next_to_nothing_is_bad_and_no_error(tmp_path, count):
    quality = measure_quality(
        finger_session([20_000] * count, tmp_path / "S01-20260101T090000Z.h5")
    )
    assert quality.grade == "bad"
    assert "too_short" in flag_kinds(quality)
    write_quality(tmp_path / "S01-20260101T090000Z.h5", quality)
    assert read_quality(tmp_path / "S01-20260101T090000Z.h5") == quality
