"""acq convert over settings, parts, exclusions, workers, and a kill in the middle."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import astuple, replace

import h5py
import numpy as np
import pytest

from acquire import data_folder, layout
from acquire.errors import CurationError, Fix
from dataset.convert.settings import RequestedSettings, choose_settings
from dataset.convert.swap import REPLACING
from dataset.convert.to_ubfc import PARTIAL, convert_sessions
from dataset.layouts.avi import read_bgr
from dataset.layouts.manifest import MANIFEST, ExcludedPart, FrameSpan
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.ubfc import LABELS, VIDEO, load_manifest, read_labels
from dataset.quality.result import SessionQuality, write_quality
from dataset.selection.exclusions import Exclusion, Exclusions
from dataset.selection.exclusions_file import write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.session.reader import Session
from dataset.signals.align import ppg_on_frames
from tests.support.made_sessions import START_NS, frame_times, make_session
from tests.support.splits import write_new_split


def folders(manifest):
    return {e.key: e.folder for e in manifest.entries}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """S01 lost samples in the middle, S02 frames, S03 nothing."""
    data = tmp_path_factory.mktemp("settings") / "data"
    make_session(data, "S01", seconds=14.0, lost_samples={170, 171})
    make_session(data, "S02", seconds=10.0, lost_frames={100, 101})
    make_session(data, "S03", seconds=7.0)
    write_new_split(data, "S03")
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        pytest.param({}, ("rawvideo", "filtered", "native", "keep"), id="usual"),
        pytest.param({"fps": "30.0"}, ("rawvideo", "filtered", "30", "repeat"), id="even"),
        pytest.param(
            {"fps": "30", "holes": "cut"}, ("rawvideo", "filtered", "30", "cut"), id="cut"
        ),
        pytest.param({"codec": "ffv1", "ppg": "raw"}, ("ffv1", "raw", "native", "keep"), id="raw"),
    ],
)
def test_settings_that_are_not_asked_for_are_the_usual(asked, chosen):
    assert astuple(choose_settings(None, RequestedSettings(**asked))) == (*chosen, False)


@pytest.mark.parametrize("pixel_format", ["I420", "RGB"])
@pytest.mark.parametrize("ppg", ["filtered", "raw"])
def test_session_to_ubfc_to_arrays(tmp_path, ppg, pixel_format):
    for subject in ("S01", "S02"):
        path = make_session(
            tmp_path, subject, seconds=8.0, pixel_format=pixel_format, lost_frames={50},
            lost_samples={120},
        )
    write_new_split(tmp_path, "S02")
    convert_sessions(tmp_path, ppg=ppg)
    entry = load_manifest(tmp_path / "ubfc").entries[1]
    folder = tmp_path / "ubfc" / entry.folder
    found = np.loadtxt(folder / LABELS)
    with Session(path) as session:
        truth = ppg_on_frames(
            session.ppg, session.ppg_time_ns, session.ppg_sequence, session.frame_time_ns,
            filtered=ppg == "filtered",
        )
        kept = np.flatnonzero(truth.covered)
        pixels = np.array(list(read_bgr(folder / VIDEO)))
        wrong = int((pixels[..., ::-1] != np.stack([session.frames[int(i)] for i in kept])).sum())
        ppg_error = float(np.abs(found[0] - truth.ppg[kept]).max())
        time_error = float(
            np.abs(
                found[2] - (session.frame_time_ns[kept] - session.frame_time_ns[kept[0]]) / 1e9
            ).max()
        )
    print(
        f"{pixel_format}, {ppg}: {wrong} of {pixels.size} values differ, PPG {ppg_error:.1e}, time "
        f"{time_error:.1e} s off"
    )
    assert wrong == 0
    assert ppg_error < 1e-6
    assert time_error < 1e-6
    assert entry.labels.ppg_filter["kind"] == (
        "none" if ppg == "raw" else "Butterworth band-pass, forwards and backwards"
    )


def test_parts_have_numbers_of_their_own_and_keep_them(data):
    done = convert_sessions(data, holes="repeat")
    first, second = "S01-20260101T090001Z", "S01-20260101T090001Z#2"
    assert folders(done.manifest) == {
        first: "train/subject1", "S02-20260101T090001Z": "train/subject2",
        "S03-20260101T090001Z": "test/subject3", second: "train/subject4",
    }
    by_key = {e.key: e for e in done.manifest.entries}
    assert (
        sum(t.frames for e in done.manifest.entries for t in e.rows.trimmed if e.subject == "S01")
        + by_key[first].frames
        + (by_key[second].frames)
        == 420
    )
    assert by_key[second].rows.trimmed == ()
    assert by_key["S02-20260101T090001Z"].rows.repeated == (
        FrameSpan(100, 2, "frames were lost"),
    )
    assert read_labels(data / "ubfc" / by_key[second].folder)[2][0] == 0
    make_session(data, "S00", seconds=7.0)
    write_new_split(data, "S03")
    again = convert_sessions(data)
    assert again.written == ("train/subject5",)
    assert folders(again.manifest) == {
        **folders(done.manifest), "S00-20260101T090001Z": "train/subject5",
    }
    whole = convert_sessions(data, holes="keep", force=True)  # one part less
    assert folders(whole.manifest) == {
        k: v for k, v in folders(again.manifest).items() if k != second
    }
    assert not (data / "ubfc/train/subject4").exists()
    assert convert_sessions(data, holes="cut", force=True).manifest.numbers[second] == 4
    assert load_manifest(data / "ubfc").holes == "cut"
    assert sorted(p.name for p in data.iterdir()) == ["sessions", "split.json", "ubfc"]


def test_an_even_rate_for_readers_that_assume_one(data):
    done = convert_sessions(data, fps="30.0")
    assert (done.manifest.fps, done.manifest.holes) == ("30", "repeat")
    for entry in done.manifest.entries:
        folder = data / "ubfc" / entry.folder
        _, _, time_s = read_labels(folder)
        assert np.abs(time_s - np.arange(entry.frames) / 30).max() < 1e-7
        assert len(list(read_bgr(folder / VIDEO))) == entry.frames
        assert entry.video.fps == pytest.approx(30, abs=1e-6)
        assert entry.timing.picture_shift_ms is not None
        assert 0 < entry.timing.picture_shift_ms < 60
    with pytest.raises(CurationError, match="found 4 that would change"):
        convert_sessions(data, fps="25")
    assert convert_sessions(data).written == ()
    native = convert_sessions(data, fps="native", force=True).manifest
    assert (native.holes, native.entries[0].timing.picture_shift_ms) == ("keep", None)
    for fps in ("0.5", "1000", "fast", "nan"):
        with pytest.raises(CurationError, match="expected native or 1 to 240 frames per second"):
            convert_sessions(data, fps=fps)


def test_an_exclusion_needs_force_and_is_listed(data):
    convert_sessions(data)
    session = "S02-20260101T090001Z"
    write_exclusions(
        data, Exclusions((Exclusion(session, 2.0, 3.0, "moved", "2026-01-01T00:00:00+00:00"),))
    )
    with pytest.raises(CurationError, match=r"found 1 that would change \(train/subject2\)"):
        convert_sessions(data)
    done = convert_sessions(data, force=True)
    assert done.written == ("train/subject2",)
    entry = next(e for e in done.manifest.entries if e.session == session)
    assert entry.rows.excluded == (ExcludedPart(2.0, 3.0, ""),)         # the reason stays home
    assert "moved" not in (data / "ubfc" / "manifest.json").read_text()
    at_s = (frame_times(300) - START_NS) / 1e9
    inside = int(((at_s >= 2.0) & (at_s < 3.0)).sum())
    assert sum(t.frames for t in entry.rows.trimmed if t.reason == "excluded") == inside
    write_exclusions(
        data,
        Exclusions((Exclusion(session, 2.0, 3.0, "moved a lot", "2026-01-01T00:00:00+00:00"),)),
    )
    assert convert_sessions(data, reasons=True).written == ()   # other words, the same pixels
    assert (
        next(e for e in load_manifest(data / "ubfc").entries if e.session == session)
        .rows.excluded[0].reason
        == "moved a lot"
    )


def test_the_grade_of_this_very_recording_is_noted(data):
    identity = next(found for found in identify_sessions(data) if found.subject == "S01")
    quality = SessionQuality(identity.session, "S01", "0", False, 14.0, "good", (), {}, "", "")
    write_quality(data / identity.file, quality)
    assert [e.source.grade for e in convert_sessions(data).manifest.entries] == [None] * 3
    of_this_recording = replace(quality, session_hash=identity.hash, grade="usable")
    write_quality(data / identity.file, of_this_recording)
    again = convert_sessions(data)
    assert again.written == ()
    assert [e.source.grade for e in load_manifest(data / "ubfc").entries] == ["usable", None, None]
    data_folder.quality_file(data / identity.file).write_text("{")
    with pytest.raises(CurationError, match="expected a quality file") as caught:
        convert_sessions(data)
    assert caught.value.fix is Fix.GRADE_AGAIN


def test_published_sessions_are_converted(data):
    path = make_session(data, "P01", seconds=7.0, bound_ns=-1)
    with h5py.File(path, "r+") as file:
        file.attrs[layout.IMPORTED_ATTR] = "UBFC-rPPG DATASET_2"
    write_new_split(data, "S03")
    entry = next(e for e in convert_sessions(data).manifest.entries if e.subject == "P01")
    assert entry.source.imported_from == "UBFC-rPPG DATASET_2"
    assert entry.timing.sync_bound_ms is None


def test_workers_make_the_same_bytes_and_a_failure_holds_nobody_up(data, acq_here, tmp_path):
    make_session(data, "S04", seconds=2.0)
    write_new_split(data, "S03")
    alone = convert_sessions(shutil.copytree(data, tmp_path / "alone"), holes="repeat").manifest
    done = acq_here("convert", "--data", data, "--holes", "repeat", "--jobs", 2, "--quiet")
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["S04-20260101T090001Z"]
    assert "leave it out with acq exclude S04-20260101T090001Z" in done.stderr
    assert "1 session is missing" in done.stdout
    with pytest.raises(CurationError, match="found an unfinished one"):
        load_manifest(data / "ubfc")
    shared = read_manifest(data / "ubfc" / MANIFEST)
    assert {e.key: (e.video.file_sha256, e.labels.sha256) for e in shared.entries} == {
        e.key: (e.video.file_sha256, e.labels.sha256) for e in alone.entries
    }
    next((data / "sessions/S04").glob("*.h5")).unlink()
    write_new_split(data, "S03")
    assert convert_sessions(data).written == ()
    load_manifest(data / "ubfc")


def test_killed_and_continued(tmp_path):
    for number in range(1, 6):
        make_session(tmp_path, "S01", number, seconds=15.0)
    make_session(tmp_path, "S02", seconds=15.0)
    write_new_split(tmp_path, "S02")
    command = [
        sys.executable, "-m", "acq.main", "convert", "--data", str(tmp_path), "--codec", "ffv1",
        "--quiet",
    ]
    running = subprocess.Popen(command)
    while not list(tmp_path.glob("ubfc/*/subject*")) and running.poll() is None:
        time.sleep(0.001)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL, "it was over before it could be killed"
    body = json.loads((tmp_path / "ubfc" / MANIFEST).read_text())
    assert body["complete"] is False
    assert list((tmp_path / PARTIAL).iterdir())
    done = convert_sessions(tmp_path)
    assert len(done.kept) >= 1
    assert len(done.kept) + len(done.written) == 6
    assert {e.video.codec for e in load_manifest(tmp_path / "ubfc").entries} == {"ffv1"}
    assert not (tmp_path / PARTIAL).exists()
    assert not (tmp_path / REPLACING).exists()


def test_a_leak_in_the_manifest_stops_it(data):
    convert_sessions(data)
    path = data / "ubfc" / MANIFEST
    body = json.loads(path.read_text())
    body["entries"][2]["subject"] = "S01"
    path.write_text(json.dumps(body))
    with pytest.raises(CurationError, match="expected each subject on one side, found S01 on both"):
        convert_sessions(data)
