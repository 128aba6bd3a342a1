"""From a calibration in real time to the labels of a session whose stamps are late."""

import json
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from acq.advice import advise
from acq.main import app
from acquire import data_folder, layout
from acquire.calibration.blink import Blinks
from acquire.calibration.calibrate import calibrate, check_certain
from acquire.calibration.light_offset import LightFit, Toggles
from acquire.calibration.rig_file import (
    read_rig,
)
from acquire.camera.source import CameraInfo, LightOffset
from acquire.errors import CalibrationError, SessionError
from acquire.simulation import rig as virtual_rig
from acquire.simulation.led import LedView
from acquire.simulation.subject import VirtualSubject
from dataset.convert.to_ubfc import convert_sessions
from dataset.selection.choose import split_by_subject
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import write_split
from dataset.session.reader import Session
from dataset.session.summary import summarise_session
from tests.support.made_sessions import make_session

CLEAR_NS = 2_000_000            # the tolerance: what the offset has to come out within


@pytest.mark.real_time
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
    assert summarise_session(path).camera.light_offset == offset

    other = acq(
        "record", "--subject", "S02", "--simulate", "--duration", "0.5s", "--quiet", "--json"
    )
    assert (
        "rig.json was made for 30.00 fps, not 25.00: no light offset for this session; run "
        "acq calibrate --simulate --force"
        in other.stderr
    )
    with Session(tmp_path / json.loads(other.stdout)["path"]) as session:
        assert session.camera.light_offset is None


@pytest.mark.parametrize(("toggles", "is_virtual", "words"), [
    (40, True, "; switch the LED more often, such as with --toggles 120"),
    (120, True, "; switch the LED more often, such as with --toggles 240"),
    (400, False, "dim the room, or switch the LED more often, such as with --toggles 600"),
    (600, False, "; make the LED larger or brighter in the picture, or dim the room"),
    (600, True, "; calibrate again"),
])
def test_an_offset_that_is_not_certain_is_refused_with_what_can_be_done(toggles, is_virtual, words):
    fit = LightFit(
        offset_ns=-300_000, bound_ns=2_100_000, fit_ns=1_800_000, exposure_ns=9_000_000,
        residual=0.1, seen=toggles, toggles=toggles,
    )
    with pytest.raises(CalibrationError, match=r"within 2 ms, found -0\.30 ± 2\.10") as refused:
        check_certain(fit, toggles, is_virtual=is_virtual)
    said = advise(refused.value, "calibrate")
    assert said.endswith(words)
    assert is_virtual != ("larger" in said)
    check_certain(replace(fit, bound_ns=2_000_000), toggles, is_virtual=is_virtual)


def test_a_virtual_led_that_is_not_seen_is_not_to_be_moved(monkeypatch):
    rng, frame_ns = np.random.default_rng(0), np.arange(200) * 40_000_000
    noise = Blinks(
        rng.normal(100, 5, (200, 45, 80)).astype(np.float32), frame_ns,
        Toggles(frame_ns[10:130:3], np.full(40, 500_000), np.arange(40) % 2 == 0),
    )
    monkeypatch.setattr("acquire.calibration.calibrate.record_blinks", lambda *_, **__: noise)
    real = CameraInfo("csi", 640, 360, 25.0, "RGB", "end of frame")
    for info, fix in ((real, "put the LED"), (replace(real, simulated=True), "calibrate again")):
        with pytest.raises(CalibrationError, match="follows the LED") as refused:
            calibrate(SimpleNamespace(info=info), None)
        assert refused.value.fix.startswith(fix)


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
    labels, offsets_ms = [], []
    for data in (tmp_path / "late", tmp_path / "true"):
        make_session(data, "S02")
        write_split(
            split_by_subject(identify_sessions(data), holdout=["S02"]), data_folder.split_file(data)
        )
        manifest = convert_sessions(data).manifest
        labels.append(np.loadtxt(data / "ubfc/train/subject1/ground_truth.txt"))
        offsets_ms.append(
            next(e.timing.light_offset_ms for e in manifest.entries if e.subject == "S01")
        )
    assert (labels[0] == labels[1]).all()
    assert offsets_ms == [40.0, None]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param(
            "light_offset_ns", "forty",
            "expected the attribute light_offset_ns as nanoseconds up to 2 s, found 'forty'",
            id="text",
        ),
        pytest.param(
            "light_offset_ns", 10**12, "as nanoseconds up to 2 s, found 1000000000000", id="1000 s"
        ),
        pytest.param(
            "light_offset_bound_ns", -1,
            "expected the attribute light_offset_bound_ns as nanoseconds up to 2 s, found -1",
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
