"""The PURE layout: pictures bit for bit, PPG and stamps as in the session, people on one side."""

import json

import cv2
import numpy as np
import pytest

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.convert.rows import plan_rows
from dataset.convert.settings import RequestedSettings, Settings
from dataset.export.write import PARTIAL, export_sessions
from dataset.layouts.export_manifest import read_export_entries, read_export_manifest
from dataset.session.reader import Session
from dataset.verify.verify import verify_data
from tests.support.made_sessions import make_session
from tests.support.splits import write_new_split

NATIVE = Settings("png", "filtered", "native", "repeat")
NATIVELY = RequestedSettings(fps="native", holes="repeat")


def test_session_to_pure_and_back(tmp_path, acq_here):
    paths = [
        make_session(tmp_path, "S01", seconds=14.0, lost_samples={170, 171}),
        make_session(tmp_path, "S02", seconds=7.0),
    ]
    write_new_split(tmp_path, "S02")
    done = export_sessions(tmp_path, asked=NATIVELY)
    assert done.failed == ()
    assert [(e.folder, e.subject, e.part) for e in done.entries] == [
        ("test/02-01", "S02", 1), ("train/01-01", "S01", 1), ("train/01-02", "S01", 2)
    ]
    with Session(paths[0]) as session:
        for part, name in zip(plan_rows(session, NATIVE).parts, ("01-01", "01-02"), strict=True):
            folder = tmp_path / "pure/train" / name
            body = json.loads((folder / f"{name}.json").read_text())
            wall_ns = part.time_ns - session.started_monotonic_ns + session.started_unix_ns
            assert [one["Timestamp"] for one in body["/Image"]] == wall_ns.tolist()
            waveform = [one["Value"]["waveform"] for one in body["/FullPackage"]]
            assert np.abs(np.array(waveform) - part.ppg).max() < 1e-5
            pictures = sorted((folder / name).iterdir())
            for path, index in zip(pictures, part.frame_index, strict=True):
                bgr = cv2.imread(str(path))
                assert bgr is not None
                assert (bgr[..., ::-1] == session.frames[int(index)]).all()
    assert read_export_entries(tmp_path / "pure") == done.entries
    body = json.loads((tmp_path / "pure/manifest.json").read_text())
    assert list(body) == [
        "schema", "schema_version", "acq_version", "split_hash", "fold", "folds", "filter", "fps",
        "holes", "entries", "layout", "tool", "content_hash",
    ]
    assert list(body["entries"][0]) == [
        "folder", "side", "subject", "session", "session_hash", "part", "simulated",
        "imported_from", "frames", "repeated", "excluded", "pixels_hash", "labels_sha256",
        "trimmed",
    ]
    assert not (tmp_path / PARTIAL).exists()
    with pytest.raises(CurationError, match="expected no export yet"):
        export_sessions(tmp_path, asked=NATIVELY)
    again = acq_here("convert", "--data", tmp_path, "--to", "pure", "--force", "--quiet")
    assert again.returncode == 0, again.stderr
    assert "wrote 3 recordings" in again.stdout      # cut where samples are lost
    refused = acq_here("convert", "--data", tmp_path, "--to", "pure", "--codec", "ffv1")
    assert refused.returncode == 2


def test_frames_in_parts_that_are_too_short_are_told_of(tmp_path, acq_here):
    make_session(tmp_path, "S01", seconds=9.0, lost_samples={50, 51})      # 2 s, and then 7 s
    make_session(tmp_path, "S02", seconds=6.0)
    write_new_split(tmp_path, "S02")
    for to in ("pure", "ubfc"):
        done = acq_here(
            "convert", "--data", tmp_path, "--to", to, "--fps", "native", "--holes", "cut",
            "--quiet",
        )
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stdout.splitlines() if "parts shorter than 5 s" in line]
        session, count, *_ = line.split()
        assert session.startswith("S01-")
        assert int(count) == pytest.approx(2 * 30, abs=4)


def test_verify_holds_every_picture_against_the_manifest(tmp_path):
    data = tmp_path
    for n in (1, 2):
        make_session(data, f"S0{n}", n, seconds=6.0)
    write_new_split(data, "S02")
    assert not export_sessions(data).failed
    assert verify_data(data).ok
    picture = sorted(data_folder.pure_dir(data).rglob("*.png"))[3]
    bgr = cv2.imread(str(picture))
    bgr[0, 0, 0] ^= 1
    cv2.imwrite(str(picture), bgr)
    (broken,) = [one for one in verify_data(data).findings if one.kind == "broken"]
    assert picture.parent.parent.name in broken.text
    assert "pictures as written" in broken.text


def test_a_session_that_cannot_be_used_leaves_the_old_export_in_place(tmp_path):
    for subject in ("S01", "S02"):
        make_session(tmp_path, subject, seconds=6.0)
    write_new_split(tmp_path, "S02")
    assert not export_sessions(tmp_path).failed
    before = read_export_entries(tmp_path / "pure")
    make_session(tmp_path, "S03", seconds=2.0)
    write_new_split(tmp_path, "S02")
    (failed,) = export_sessions(tmp_path, force=True).failed
    assert failed.session == "S03-20260101T090001Z"
    assert failed.error.fix is Fix.EXCLUDE
    assert read_export_entries(tmp_path / "pure") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pure", "sessions", "split.json"]


def test_an_export_that_is_made_anew_keeps_what_it_was_made_with(tmp_path):
    data = tmp_path
    for subject in ("S01", "S02"):
        make_session(data, subject, seconds=5.5)
    write_new_split(data, "S02")
    export_sessions(data, asked=RequestedSettings(fps="native", ppg="raw"))
    again = export_sessions(data, force=True)
    assert not again.failed
    manifest = read_export_manifest(again.root)
    assert (manifest.fps, manifest.holes, manifest.filter["kind"]) == ("native", "keep", "none")
    changed = export_sessions(data, asked=RequestedSettings(fps="25"), force=True)
    manifest = read_export_manifest(changed.root)
    assert (manifest.fps, manifest.holes, manifest.filter["kind"]) == ("25", "repeat", "none")
