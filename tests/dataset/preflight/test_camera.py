"""The camera, the light, the face, and the light offset of a session."""

import time
from dataclasses import replace

import pytest

from acquire.calibration.rig_file import Calibration, write_rig
from acquire.errors import Fix
from dataset.preflight.camera import check_light_offset, sample_camera
from dataset.preflight.result import FAIL, OK, WARN
from tests.support.fakes import FakeCamera

pytestmark = pytest.mark.real_time


def test_a_camera_at_half_its_rate_fails_and_one_that_loses_is_warned_of():
    slow = FakeCamera(fps=100.0, lose=range(1, 10_000, 2))
    slow.start(time.monotonic_ns())
    sample = sample_camera(slow, 25.0, 0.5, settle_s=0.0)
    assert sample.rate.fps == pytest.approx(50, rel=0.1)
    assert sample.lost == pytest.approx(sample.rate.fps * sample.rate.span_s, abs=2)


def test_the_light_offset_is_the_one_that_a_recording_would_get(tmp_path):
    info = FakeCamera(fps=25.0).info
    (check,) = check_light_offset(info, tmp_path)
    assert (check.status, check.fix) == (WARN, Fix.CALIBRATE)
    assert check_light_offset(None, tmp_path) == []
    write_rig(calibration_of(info), tmp_path)
    (check,) = check_light_offset(info, tmp_path)
    assert (check.status, check.text) == (OK, "stamps 23.00 ms later than the light, ± 1.30")
    (check,) = check_light_offset(replace(info, name="csi"), tmp_path)
    assert check.status == WARN
    assert check.fix is Fix.CALIBRATE_AGAIN
    (tmp_path / "rig.json").write_text("{")
    for camera in (info, None):
        assert [check.status for check in check_light_offset(camera, tmp_path)] == [FAIL]


def calibration_of(info):
    return Calibration(
        calibrated="2026-11-25T00:00:00+00:00", acq_version="0", method="m",
        simulated=info.simulated, camera=info.name, width=info.width, height=info.height,
        fps=info.fps, pixel_format=info.pixel_format, pipeline=info.pipeline,
        time_meaning=info.time_meaning, exposure=info.exposure, port="x", sensor="analog",
        firmware="0.1.0", light_offset_ns=23_000_000, light_offset_bound_ns=1_300_000,
        fit_ns=400_000, exposure_ns=15_000_000, residual=0.01, follows=0.9, row=0.5, column=0.2,
        seen=120, toggles=120, frames=540,
    )
