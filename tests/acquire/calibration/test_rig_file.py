"""Which sessions get the offset of a rig file, and which files are refused."""

from dataclasses import replace

import pytest

from acquire import data_folder
from acquire.calibration.rig_file import (
    Calibration,
    check_writable,
    light_offset_for,
    read_rig,
    write_rig,
)
from acquire.camera.source import CameraInfo
from acquire.errors import CalibrationError, Fix

INFO = CameraInfo(
    "v4l2:/dev/video0", 640, 360, 30.0, "RGB", "end of frame", pipeline="V4L2",
    exposure={"exposure": 156.0, "gain": 3.0},
)


@pytest.fixture
def rig(tmp_path):
    """Write a rig file, as if INFO had been calibrated; give its folder."""
    calibration = Calibration(
        calibrated="2026-11-25T00:00:00+00:00", acq_version="0", method="m", simulated=False,
        camera=INFO.name, width=INFO.width, height=INFO.height, fps=INFO.fps,
        pixel_format=INFO.pixel_format, pipeline=INFO.pipeline, time_meaning=INFO.time_meaning,
        exposure=INFO.exposure, port="/dev/ttyACM0", sensor="analog", firmware="0.1.0",
        light_offset_ns=23_000_000, light_offset_bound_ns=1_300_000, fit_ns=400_000,
        exposure_ns=15_000_000, residual=0.01, follows=0.9, row=0.5, column=0.2, seen=120,
        toggles=120, frames=540,
    )
    return write_rig(calibration, tmp_path).parent


def test_the_offset_goes_to_sessions_of_the_same_camera_only(rig):
    offset, warning = light_offset_for(INFO, rig)
    assert (offset.offset_ns, offset.bound_ns, warning) == (23_000_000, 1_300_000, None)
    assert light_offset_for(INFO, rig / "elsewhere") == (None, None)
    for change in (
        {"name": "csi"}, {"width": 1280}, {"fps": 25.0}, {"pipeline": "other"},
        {"time_meaning": "arrival"},
    ):
        offset, warning = light_offset_for(replace(INFO, **change), rig)
        assert offset is None
        assert "rig.json was made for " in warning.facts
        assert warning.fix is Fix.CALIBRATE_AGAIN
        assert len(str(warning).replace(str(rig), "data")) < 160


def test_a_replay_and_a_virtual_rig_are_not_told_to_calibrate_over_a_real_one(rig):
    replay, virtual = (
        replace(INFO, name="replay:face.mkv"), replace(INFO, name="virtual:S02", simulated=True),
    )
    path = data_folder.rig_file(rig)
    offset, warning = light_offset_for(replay, rig)
    assert offset is None
    assert (
        str(warning)
        == f"{path} was made for {INFO.name}, not replay:face.mkv: no light offset for this session"
    )
    assert str(light_offset_for(virtual, rig)[1]).endswith(
        "not the virtual rig: no light offset for this session"
    )
    write_rig(replace(read_rig(rig), simulated=True), rig)
    assert light_offset_for(virtual, rig)[0] is not None
    assert "made for the virtual rig, not " in light_offset_for(INFO, rig)[1].facts
    moved = replace(virtual, fps=25.0)
    assert light_offset_for(moved, rig)[1].fix is Fix.CALIBRATE_VIRTUAL_AGAIN


def test_nothing_is_calibrated_over_without_force(rig):
    with pytest.raises(
        CalibrationError,
        match=r"expected no calibration yet, found .*rig.json; allow it to replace",
    ):
        check_writable(rig, replace=False)
    check_writable(rig, replace=True)
    check_writable(rig / "elsewhere", replace=False)
    # made before anything is filmed, or refused before
    assert list((rig / "elsewhere").iterdir()) == []


def test_where_no_calibration_can_be_written_is_said_before_anything_is_filmed(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(
            CalibrationError, match=r"rig\.json, found a file where its folder should be; .* folder"
        ):
            check_writable(data, replace=True)

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(
        CalibrationError,
        match=r"rig\.json, found Permission denied at .*; name another data folder",
    ):
        check_writable(tmp_path, replace=True)


def test_another_exposure_is_warned_of_and_another_gain_is_not(rig):
    offset, warning = light_offset_for(
        replace(INFO, exposure={"exposure": 300.0, "gain": 3.0}), rig
    )
    assert offset is not None
    assert "off by half the difference" in warning.facts
    assert warning.fix is Fix.CALIBRATE_AGAIN
    other_gain = replace(INFO, exposure={"exposure": 156.0, "gain": 9.0})
    assert light_offset_for(other_gain, rig)[1] is None


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(lambda body: body[: len(body) // 2], "cut short", id="cut short"),
        pytest.param(lambda _: "[]", "a list instead of an object", id="another file"),
        pytest.param(
            lambda body: body.replace('_version": 1', '_version": 2'),
            "of version 2 instead of 'acq-rig' of version 1", id="version",
        ),
        pytest.param(lambda body: body.replace('"fit_ns"', '"fit"'), "field fit_ns", id="a name"),
        pytest.param(
            lambda body: body.replace("23000000", '"23"'),
            r"text instead of a whole number at \$\.light_offset_ns", id="no number",
        ),
        pytest.param(
            lambda body: body.replace("1300000", "-1"), "light_offset_bound_ns -1", id="no bound"
        ),
        pytest.param(
            lambda body: body.replace("1300000", "2000001"), "light_offset_bound_ns 2000001",
            id="too wide a bound",
        ),
        pytest.param(
            lambda body: body.replace("23000000", "23000000000"),
            "light_offset_ns 23000000000, not in", id="an offset of 23 s",
        ),
        pytest.param(
            lambda body: body.replace("23000000", "-300000000"),
            "light_offset_ns -300000000, not in", id="light that comes after its frame",
        ),
    ],
)
def test_a_damaged_rig_file_is_one_clear_line(rig, damage, says):
    path = data_folder.rig_file(rig)
    path.write_text(damage(path.read_text()))
    with pytest.raises(CalibrationError, match=says) as error:
        light_offset_for(INFO, rig)
    assert (error.value.where, error.value.fix) == (f"in {path}", Fix.CALIBRATE_AGAIN)
