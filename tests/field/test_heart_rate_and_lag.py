"""A heart rate is told where there is one; labels whole beats late are not called good."""

import pytest

from tests.support.field import run_case

pytestmark = pytest.mark.shared


def test_an_athlete_at_38_bpm_does_not_read_76():
    assert "heart rate  38.0 bpm" in run_case("ubfc2-athlete38").stdout


def test_white_noise_has_no_heart_rate():
    done = run_case("ubfc2-noise").stdout
    assert "heart rate  cannot be told: no beat that repeats, as in noise" in done
    assert "no finger for 100 %" in done


def test_labels_a_whole_beat_late_are_flagged_or_said_to_be_possible():
    done = run_case("qc-lag-of-one-beat").stdout
    assert "or whole beats more or less" in done or "1 whole beat" in done
