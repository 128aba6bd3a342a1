"""`acq check` as a whole: what is right, what is wrong and what to do, in a line each."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from acq.main import app
from acquire.sensor.port import Sensor
from acquire.simulation.rig import open_virtual_rig
from dataset.preflight.camera import check_camera
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
        views = []
        looked = check_camera(
            rig.camera, 25.0, with_subject=True, on_view=lambda *seen: views.append(seen)
        )
        checks = [*looked, *felt.result()]
        sensor.close()
    ((image, view),) = views
    assert image.shape == rig.camera.info.image_shape
    assert view.checks == looked[2:]
    named = by_name(checks)
    assert list(named) == [
        "camera", "rate", "light", "face", "place", "focus", "sensor", "sync", "samples", "pulse",
    ]
    assert not [check for check in checks if check.status == FAIL], checks
    assert "of 25 frames/s" in named["rate"].text
    assert named["face"].text.startswith("found")
    assert "bpm" in named["pulse"].text


def test_no_face_and_no_finger_fail_only_with_a_subject():
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


def test_the_verb_names_a_damaged_rig_file(acq_here, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rig.json").write_text("{")
    done = acq_here("check", "--camera", "replay:none.mkv", "--port", "/dev/none", "--json")
    checks = {check["name"]: check["verdict"] for check in json.loads(done.stdout)["looks"]}
    assert checks["light offset"] == FAIL


def test_the_verb_names_every_device_that_is_missing_and_fails(acq_here, tmp_path):
    done = acq_here(
        "check", "--camera", "replay:none.mkv", "--port", "/dev/none", "--json", "--duration",
        "1min",
    )
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["ok"] is False
    assert {check["name"]: check["verdict"] for check in result["looks"]} == {
        "camera": FAIL, "sensor": FAIL, "disk": OK, "space": OK,
    }
    shown = CliRunner().invoke(
        app, ["check", "--camera", "replay:none", "--port", "/dev/none", "--data", str(tmp_path)]
    )
    assert shown.exit_code == 1
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["fail", "fail", "ok", "ok"]
    assert list(tmp_path.iterdir()) == []
