"""A hidden offset between light and stamps goes in, and comes out within 2 ms and within its own
bound.
"""

import json
from contextlib import closing
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from acq.main import app
from acquire import data_folder, layout
from acquire.calibration.blink import BlinkLog, record_blinks
from acquire.calibration.light_offset import Toggles, average_cells, find_light, fit_light_offset
from acquire.calibration.rig_file import (
    Calibration,
    check_new,
    light_offset_for,
    read_rig,
    write_rig,
)
from acquire.camera.source import CameraInfo, LightOffset
from acquire.errors import CalibrationError, DeviceError, SessionError
from acquire.sensor.port import open_sensor
from acquire.sensor.protocol import Hello, Light
from acquire.simulation import rig as virtual_rig
from acquire.simulation.led import LedView
from acquire.simulation.sensor_device import SwitchedLed
from acquire.simulation.subject import VirtualSubject
from benchmarks import calibration as scenes
from dataset.convert.to_ubfc import convert_sessions
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from dataset.session.summary import summarise
from tests.support.fakes import HELLO, FakeCamera, FakeSensor
from tests.support.made_sessions import make_session

pytestmark = pytest.mark.real_time

CLEAR_NS = 2_000_000            # the tolerance: what the offset has to come out within


def blink(
    seed=0, *, fps=25.0, offset_ms=20.0, exposure_ms=10.0, noise=0.03, gamma=1.0, light=1.0,
    count=120, lost=0.0, hidden=0.0,
):
    """Give an LED's brightness in each frame, the frames' stamps and the toggles, by the definition
    of an exposure.
    """
    rng = np.random.default_rng(seed)
    period_ns = 1e9 / fps
    switched = 10**9 + np.cumsum(rng.uniform(3, 6, count) * period_ns).astype(np.int64)
    toggles = Toggles(switched, np.full(count, 800_000), np.arange(count) % 2 == 0)
    frames = int(switched[-1] / period_ns) + 20
    middle = np.rint(np.arange(frames) * period_ns + rng.normal(0, 150_000, frames)).astype(
        np.int64
    ) + int(rng.integers(10**8))
    half = round(exposure_ms * 5e5)
    seen = np.minimum(light * toggles.lit(middle - half, middle + half), 1.0) ** gamma
    first = rng.integers(0, round(frames * (1 - hidden)) + 1)
    seen[first : first + round(frames * hidden)] = 0.0
    seen += rng.normal(0, noise, frames)
    kept = rng.random(frames) >= lost
    return 40 * seen[kept] + 100, (middle + round(offset_ms * 1e6))[kept], toggles


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6), fps=st.sampled_from([15.0, 25.0, 30.0, 60.0]),
    offset_ms=st.floats(-30, 60), exposure=st.floats(0.1, 1.0), noise=st.floats(0, 0.08),
    gamma=st.sampled_from([1.0, 0.45]), light=st.sampled_from([0.9, 3.0, 30.0]),
    lost=st.sampled_from([0.0, 0.1]), hidden=st.sampled_from([0.0, 0.3]), off=st.floats(-0.2, 0.2),
)
def test_the_offset_comes_out_within_its_bound(
    seed, fps, offset_ms, exposure, noise, gamma, light, lost, hidden, off
):
    exposure_ms = exposure * min(33.0, 1e3 / fps)
    brightness, frame_ns, toggles = blink(
        seed, fps=fps, offset_ms=offset_ms, exposure_ms=exposure_ms, noise=noise, gamma=gamma,
        light=light, lost=lost, hidden=hidden,
    )
    fit = fit_light_offset(
        brightness, frame_ns, toggles, coarse_ns=round((offset_ms + off * 1e3 / fps) * 1e6)
    )
    error_ns = abs(fit.offset_ns - offset_ms * 1e6)
    assert error_ns < CLEAR_NS
    assert error_ns <= fit.bound_ns
    # which is three standard deviations, of a few dozen toggles
    assert error_ns <= 1.5 * fit.fit_ns
    assert fit.fit_ns < 4_000_000


def test_bounds_say_what_they_mean():
    errors, bounds = [], []
    for seed in range(40):
        fit = fit_light_offset(*blink(seed, exposure_ms=20.0), coarse_ns=20_000_000)
        errors.append(fit.offset_ns - 20_000_000)
        bounds.append(fit.fit_ns)
    rms = np.sqrt(np.mean(np.square(errors)))
    assert abs(np.mean(errors)) < 0.4 * rms                 # no bias
    assert 1.5 * rms < np.median(bounds) < 6 * rms          # three times, give or take what 40 say


@pytest.mark.parametrize("exposure_ms", [5.0, 16.0, 33.0])
def test_the_exposure_comes_out_as_a_by_product(exposure_ms):
    fit = fit_light_offset(*blink(exposure_ms=exposure_ms), coarse_ns=20_000_000)
    assert fit.exposure_ns / 1e6 == pytest.approx(exposure_ms, abs=1.5)
    assert fit.residual < 0.05
    assert fit.seen == fit.toggles == 120


def test_a_light_that_is_mostly_hidden_is_refused():
    brightness, frame_ns, toggles = blink(hidden=0.7)
    with pytest.raises(
        CalibrationError, match=r"at least half of the 120 times .* keep the LED uncovered"
    ):
        fit_light_offset(brightness, frame_ns, toggles, coarse_ns=20_000_000)


@pytest.mark.parametrize("moves", [0.0, 20.0])
def test_a_picture_without_the_light_is_refused(moves):
    rng = np.random.default_rng(5)
    _, frame_ns, toggles = blink()
    cells = rng.normal(100, 1, (len(frame_ns), 45, 80)).astype(np.float32)
    # somebody who moves
    cells[:, 10:30, 30:50] += moves * np.sin(np.arange(len(frame_ns)) / 3)[:, None, None]
    with pytest.raises(
        CalibrationError, match=r"none .* put the LED of pin 13 in the camera's view"
    ):
        find_light(cells, frame_ns, toggles)


def test_the_light_is_found_beside_flicker_that_is_brighter():
    rng = np.random.default_rng(6)
    brightness, frame_ns, toggles = blink(noise=0.0)
    cells = rng.normal(100, 0.3, (len(frame_ns), 45, 80)).astype(np.float32)
    cells += (
        8 * np.sin(2 * np.pi * (frame_ns[:, None] / 1e9 * 9.7 + np.arange(45) / 30))[:, :, None]
    )
    cells[:, 31, 12] += 0.1 * (brightness - 100)
    found, place = find_light(cells, frame_ns, toggles)
    assert (place.row * 45, place.column * 80) == pytest.approx((31.5, 12.5), abs=0.3)
    fit = fit_light_offset(found, frame_ns, toggles, coarse_ns=place.offset_ns)
    assert abs(fit.offset_ns - 20_000_000) < min(CLEAR_NS, fit.fit_ns)


def test_cells_average_luma_or_green():
    luma = np.tile(np.arange(64, dtype=np.uint8), (36, 1))
    i420 = np.concatenate([luma, np.full((18, 64), 7, np.uint8)])
    rgb = np.stack([np.zeros_like(luma), luma, np.zeros_like(luma)], axis=2)
    assert (average_cells(i420, "I420", 36) == average_cells(rgb, "RGB", 36)).all()
    assert average_cells(i420, "I420", 36).mean() == pytest.approx(31.5, abs=0.1)


def test_an_led_is_lit_for_the_part_of_an_exposure_that_it_was_on():
    led = SwitchedLed()
    led.switch(on=False, at_ns=50)
    led.switch(on=True, at_ns=100)
    led.switch(on=True, at_ns=150)
    led.switch(on=False, at_ns=200)
    led.switch(on=True, at_ns=1000)
    start = np.array([0, 50, 100, 150, 190, 200, 900, 2000])
    assert led.lit_share(start, start + 100).tolist() == [0, 0.5, 1, 0.5, 0.1, 0, 0, 1]


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(
            scenes.Scene("dim, 33 ms, 30 fps", exposure_ms=33.0, light=0.1, fps=30.0, toggles=60),
            id="dim",
        ),
        pytest.param(
            scenes.Scene("bright, flicker", exposure_ms=15.0, light=20.0, flicker=0.05, toggles=60),
            id="flicker",
        ),
        pytest.param(
            scenes.Scene(
                "top, lost, dark", exposure_ms=5.0, row_px=20, lost=0.1, dark=0.3, toggles=90
            ),
            id="top, lost",
        ),
    ],
)
def test_scenes_filmed_by_the_virtual_camera(scene):
    blinks, truth_ns = scenes.film(replace(scene, ppm=5000.0), seed=3)
    fit = scenes.fit(blinks)
    assert abs(fit.offset_ns - truth_ns) < min(CLEAR_NS, fit.bound_ns)
    assert fit.bound_ns < 3_000_000


def test_a_rig_calibrates_in_real_time_and_then_records_with_it(acq, tmp_path, monkeypatch):
    view = LedView(latency_ms=41.0, exposure_ms=12.0, row_px=90)
    monkeypatch.setattr(
        virtual_rig,
        "open_virtual_rig",
        lambda *_, fps, seed, **__: virtual_rig.VirtualRig(
            VirtualSubject("S03"), fps=fps, seed=seed, view=view, ppm=40, hold_ms=4
        ),
    )
    data = tmp_path / "data"
    words = [
        "calibrate", "--simulate", "--fps", "30", "--toggles", "44", "--quiet", "--data", str(data),
    ]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.exception
    found = read_rig(data)
    assert found.light_offset_ns == pytest.approx(view.offset_ns(360), abs=CLEAR_NS)
    assert 0 < found.light_offset_bound_ns <= CLEAR_NS
    assert (found.row, found.column) == pytest.approx((90 / 360, 90 / 640), abs=0.02)
    assert found.simulated
    assert f"stamps are {found.light_offset_ns / 1e6:.2f} ms later than the light" in made.output

    recorded = acq(
        "record", "--subject", "S02", "--simulate", "--fps", "30", "--duration", "0.5s", "--quiet",
        "--json",
    )
    assert recorded.stderr == ""
    path = tmp_path / json.loads(recorded.stdout)["path"]
    with Session(path) as session:
        offset = session.camera.light_offset
        assert offset == LightOffset(
            found.light_offset_ns, found.light_offset_bound_ns, found.source
        )
        assert offset.source.startswith(found.calibrated)
    assert summarise(path).camera.light_offset == offset

    other = acq(
        "record", "--subject", "S02", "--simulate", "--duration", "0.5s", "--quiet", "--json"
    )
    assert (
        "rig.json was made for 30.00 fps, not 25.00: no light offset for this session; acq "
        "calibrate"
        in other.stderr
    )
    with Session(tmp_path / json.loads(other.stdout)["path"]) as session:
        assert session.camera.light_offset is None


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
    assert (offset.offset_ns, offset.bound_ns, warning) == (23_000_000, 1_300_000, "")
    assert light_offset_for(INFO, rig / "elsewhere") == (None, "")
    for change in (
        {"name": "csi"}, {"width": 1280}, {"fps": 25.0}, {"pipeline": "other"},
        {"time_meaning": "arrival"},
    ):
        offset, warning = light_offset_for(replace(INFO, **change), rig)
        assert offset is None
        assert "rig.json was made for " in warning
        assert "acq calibrate --force" in warning
        assert len(warning.replace(str(rig), "data")) < 160


def test_a_replay_and_a_virtual_rig_are_not_told_to_calibrate_over_a_real_one(rig):
    replay, virtual = (
        replace(INFO, name="replay:face.mkv"), replace(INFO, name="virtual:S02", simulated=True),
    )
    path = data_folder.rig_file(rig)
    offset, warning = light_offset_for(replay, rig)
    assert offset is None
    assert (
        warning
        == f"{path} was made for {INFO.name}, not replay:face.mkv: no light offset for this session"
    )
    assert light_offset_for(virtual, rig)[1].endswith(
        "not the virtual rig: no light offset for this session"
    )
    write_rig(replace(read_rig(rig), simulated=True), rig)
    assert light_offset_for(virtual, rig)[0] is not None
    assert "made for the virtual rig, not " in light_offset_for(INFO, rig)[1]


def test_nothing_is_calibrated_over_without_force(rig):
    with pytest.raises(
        CalibrationError,
        match=r"expected no calibration yet, found .*rig.json; replace it with --force",
    ):
        check_new(rig, force=False)
    check_new(rig, force=True)
    check_new(rig / "elsewhere", force=False)
    # made before anything is filmed, or refused before
    assert list((rig / "elsewhere").iterdir()) == []


def test_where_no_calibration_can_be_written_is_said_before_anything_is_filmed(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(
            CalibrationError, match=r"rig\.json, found a file where its folder should be; .* --data"
        ):
            check_new(data, force=True)

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(
        CalibrationError,
        match=r"rig\.json, found Permission denied in .*; name another folder with --data",
    ):
        check_new(tmp_path, force=True)


def test_another_exposure_is_warned_of_and_another_gain_is_not(rig):
    offset, warning = light_offset_for(
        replace(INFO, exposure={"exposure": 300.0, "gain": 3.0}), rig
    )
    assert offset is not None
    assert "off by half the difference" in warning
    assert light_offset_for(replace(INFO, exposure={"exposure": 156.0, "gain": 9.0}), rig)[1] == ""


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(
            lambda body: body[: len(body) // 2], "expected a calibration as JSON", id="cut short"
        ),
        pytest.param(lambda _: "[]", "expected schema acq-rig 1", id="another file"),
        pytest.param(
            lambda body: body.replace('_version": 1', '_version": 2'), "expected schema acq-rig 1",
            id="version",
        ),
        pytest.param(
            lambda body: body.replace('"fit_ns"', '"fit"'), "expected a whole calibration",
            id="a name",
        ),
        pytest.param(
            lambda body: body.replace("23000000", '"23"'), "expected an offset and its bound",
            id="no number",
        ),
        pytest.param(
            lambda body: body.replace("1300000", "-1"), "expected an offset and its bound",
            id="no bound",
        ),
    ],
)
def test_a_damaged_rig_file_is_one_clear_line(rig, damage, says):
    path = data_folder.rig_file(rig)
    path.write_text(damage(path.read_text()))
    with pytest.raises(CalibrationError, match=says) as error:
        light_offset_for(INFO, rig)
    assert "acq calibrate makes it anew" in str(error.value)


def test_a_session_s_frames_move_by_the_offset_and_its_stamps_stay(tmp_path):
    """Stamps 40 ms late, and an offset that says so, give the labels of stamps that are not late.
    """
    offset = LightOffset(40_000_000, 900_000, "by a test")
    late = make_session(tmp_path / "late", frame_offset_s=0.04, light_offset=offset)
    true = make_session(tmp_path / "true")
    with Session(late) as session, Session(true) as other:
        assert session.camera.light_offset == offset
        assert other.camera.light_offset is None
        assert (session.frame_light_ns == other.frame_time_ns).all()
        assert (session.frame_time_ns == other.frame_time_ns + 40_000_000).all()
        assert (other.frame_light_ns == other.frame_time_ns).all()
        assert session.content_hash() != other.content_hash()
    labels, said = [], []
    for data in (tmp_path / "late", tmp_path / "true"):
        make_session(data, "S02")
        write_split(
            split_by_subject(identify_sessions(data), holdout=["S02"]), data_folder.split_file(data)
        )
        manifest = convert_sessions(data).manifest
        labels.append(np.loadtxt(data / "ubfc/train/subject1/ground_truth.txt"))
        said.append(
            next(e.timing.light_offset_ms for e in manifest.entries if e.subject == "S01")
        )
    assert (labels[0] == labels[1]).all()
    assert said == [40.0, None]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param(
            "light_offset_ns", "forty",
            "expected a light offset and its bound in ns, found 'forty'", id="text",
        ),
        pytest.param(
            "light_offset_bound_ns", -1, "expected a light offset and its bound in ns",
            id="no bound",
        ),
        pytest.param("light_offset_bound_ns", None, "found no light_offset_bound_ns", id="missing"),
    ],
)
def test_a_session_with_half_an_offset_is_refused(tmp_path, name, value, says):
    path = make_session(tmp_path, seconds=0.2, light_offset=LightOffset(1, 2, "a test"))
    with h5py.File(path, "r+") as file:
        del file[layout.FRAMES].attrs[name]
        if value is not None:
            file[layout.FRAMES].attrs[name] = value
    with pytest.raises(SessionError, match=says):
        Session(path)


def test_a_firmware_that_does_not_say_when_it_switched_is_named():
    with (
        FakeSensor() as board,
        closing(open_sensor(board.port)) as sensor,
        pytest.raises(
            DeviceError,
            match=r"each of 2 times .* found 0; flash firmware/ppg_logger of this version",
        ),
    ):
        record_blinks(FakeCamera(fps=50.0), sensor, toggles=2)


def test_a_file_has_no_light_to_switch():
    with FakeSensor() as board, closing(open_sensor(board.port)) as sensor, \
            pytest.raises(CalibrationError, match="a live camera that sees the LED"):
        record_blinks(FakeCamera(fps=50.0, last=3), sensor, toggles=2)


def test_lost_answers_and_restarts_are_not_calibrated_over():
    log = BlinkLog(HELLO)
    log.take(Light(5, 1), 10**9)
    with pytest.raises(
        DeviceError, match="each of 2 times that the LED was switched, found 1; calibrate again"
    ):
        log.toggles(2)
    with pytest.raises(DeviceError, match="found a restart"):
        log.take(Hello(1, 0, 1, 0, HELLO.boot_id + 1, 2_000_000, 25, 10, 0), 10**9)
