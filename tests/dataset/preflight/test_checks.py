"""`acq check`: what is right, what is wrong and what to do, in a line each."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire.calibration.rig_file import Calibration, write_rig
from acquire.errors import Fix
from acquire.sensor.port import Sensor
from acquire.simulation.rig import open_virtual_rig
from dataset.preflight.camera import check_camera, check_light, check_light_offset, sample_camera
from dataset.preflight.disk import check_disk
from dataset.preflight.result import FAIL, OK, WARN
from dataset.preflight.sensor import check_sensor
from tests.support.fakes import FakeCamera, FakeSensor

pytestmark = pytest.mark.real_time


def by_name(checks):
    return {check.name: check for check in checks}


def test_a_virtual_subject_is_ready(tmp_path):
    with open_virtual_rig("S01", fps=25.0) as rig, ThreadPoolExecutor() as pool:
        sensor = Sensor(rig.port)
        felt = pool.submit(check_sensor, sensor, with_subject=True, seconds=4.5)
        checks = [*check_camera(rig.camera, 25.0, with_subject=True), *felt.result()]
        sensor.close()
    found = by_name(checks)
    assert list(found) == ["camera", "rate", "light", "face", "sensor", "sync", "samples", "pulse"]
    assert not [check for check in checks if check.status == FAIL], checks
    assert "of 25 frames/s" in found["rate"].text
    assert found["face"].text.startswith("found")
    assert "bpm" in found["pulse"].text


def test_no_face_and_no_finger_are_said_and_fail_only_with_a_subject():
    with FakeSensor() as device, ThreadPoolExecutor() as pool:
        sensor = Sensor(device.port)
        felt = pool.submit(check_sensor, sensor, with_subject=True, seconds=2.0)
        seen = by_name(check_camera(FakeCamera(fps=100.0), 25.0, with_subject=False))
        pulse = by_name(felt.result())["pulse"]
        sensor.close()
    assert pulse.status == FAIL
    assert "finger" in str(pulse.fix)
    assert seen["face"].status == WARN
    assert (seen["rate"].status, seen["rate"].text) == (WARN, "100.00 of 25 frames/s asked for")


def test_a_camera_at_half_its_rate_fails_and_one_that_loses_is_warned_of():
    slow = FakeCamera(fps=100.0, lose=range(1, 10_000, 2))
    slow.start(time.monotonic_ns())
    sample = sample_camera(slow, 25.0, 0.5, settle_s=0.0)
    assert sample.rate.fps == pytest.approx(50, rel=0.1)
    assert sample.lost == pytest.approx(sample.rate.fps * sample.rate.span_s, abs=2)


@pytest.mark.parametrize(
    ("level", "status", "word"), [(20, WARN, "dark"), (130, OK, "130"), (240, WARN, "bright")]
)
def test_light(level, status, word):
    check = check_light(np.full((40, 40), level, np.uint8), "the face")
    assert check.status == status
    assert word in check.text
    blown = np.full((40, 40), 120, np.uint8)
    blown[:4] = 255
    assert check_light(blown, "the face").status == WARN


def test_a_sensor_that_answers_no_ping_or_sends_nothing_fails():
    with FakeSensor(pongs=0, lose=range(10_000)) as device:
        sensor = Sensor(device.port)
        felt = by_name(check_sensor(sensor, with_subject=False, seconds=1.0))
        sensor.close()
    assert felt["sync"].status == FAIL
    assert felt["samples"].status == FAIL


def test_a_disk_too_small_or_too_slow_fails_and_is_left_as_it_was(tmp_path):
    good = by_name(check_disk(tmp_path / "not/yet", 1e3, 60.0))
    assert (good["disk"].status, good["space"].status) == (OK, OK)
    bad = by_name(check_disk(tmp_path, 1e15, 60.0))
    assert (bad["disk"].status, bad["space"].status) == (FAIL, FAIL)
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_a_file_fails(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "sessions"):
        (check,) = check_disk(folder, 1e3, 60.0)
        assert (check.status, check.fix) == (FAIL, Fix.CHOOSE_DATA_FOLDER)
        assert str(tmp_path / "file") in check.text


def test_the_light_offset_that_a_recording_would_get_is_told(tmp_path):
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


def test_the_verb_tells_a_damaged_rig_file_as_recording_would(acq, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rig.json").write_text("{")
    done = acq("check", "--camera", "replay:none.mkv", "--port", "/dev/none", "--json")
    checks = {check["name"]: check["verdict"] for check in json.loads(done.stdout)["looks"]}
    assert checks["light offset"] == FAIL


def test_the_verb_names_every_device_that_is_missing_and_fails(acq, tmp_path):
    done = acq(
        "check", "--camera", "replay:none.mkv", "--port", "/dev/none", "--json", "--duration",
        "1min",
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert {check["name"]: check["verdict"] for check in found["looks"]} == {
        "camera": FAIL, "sensor": FAIL, "disk": OK, "space": OK,
    }
    shown = CliRunner().invoke(
        app, ["check", "--camera", "replay:none", "--port", "/dev/none", "--data", str(tmp_path)]
    )
    assert shown.exit_code == 1
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["fail", "fail", "ok", "ok"]
    assert list(tmp_path.iterdir()) == []
