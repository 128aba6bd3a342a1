"""Sessions into UBFC folders and back: what went in comes out, whatever interrupts it."""

import json
import shutil
from collections import namedtuple

import cv2
import h5py
import numpy as np
import pytest

from acquire import data_folder, layout
from acquire.errors import CurationError, Fix, SplitError
from dataset.convert import to_ubfc, ubfc_folder
from dataset.convert.to_ubfc import PARTIAL, convert_sessions
from dataset.layouts.avi import read_bgr
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.ubfc import LABELS, VIDEO, load_manifest, read_labels
from dataset.selection.decide import exclude
from dataset.selection.make_exclusion import make_exclusion
from dataset.session.reader import Session
from dataset.signals.align import ppg_on_frames
from tests.support.made_sessions import (
    HEIGHT,
    WIDTH,
    frame_times,
    make_session,
    picture,
    sample_times,
)
from tests.support.splits import write_new_split


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    data = tmp_path_factory.mktemp("ubfc") / "data"
    for subject in ("S01", "S02", "S03"):
        make_session(data, subject, seconds=4.0, bpm=60 + 10 * int(subject[1:]))
    write_new_split(data, "S03")
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


def tree(root):
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def on(side, manifest):
    return [e for e in manifest.entries if e.side == side]


# raw video of I420: test_session_to_ubfc_to_arrays
@pytest.mark.parametrize(
    ("codec", "pixel_format"), [("rawvideo", "RGB"), ("ffv1", "I420"), ("ffv1", "RGB")],
)
def test_round_trip(tmp_path, codec, pixel_format):
    make_session(tmp_path, "S01", seconds=12.0, pixel_format=pixel_format)
    path = make_session(tmp_path, "S02", seconds=12.0, pixel_format=pixel_format, bpm=90)
    write_new_split(tmp_path, "S02")
    convert_sessions(tmp_path, codec=codec)
    (entry,) = on("test", load_manifest(tmp_path / "ubfc"))
    folder = tmp_path / "ubfc" / entry.folder
    ppg, hr_bpm, time_s = read_labels(folder)
    with Session(path) as session:
        truth = ppg_on_frames(
            session.ppg, session.ppg_time_ns, session.ppg_sequence, session.frame_time_ns
        )
        assert truth.covered.all()
        assert entry.frames == len(ppg) == len(session.frames)
        for found, rgb in zip(read_bgr(folder / VIDEO), session.frames, strict=True):
            assert (found[..., ::-1] == rgb).all()
        assert np.abs(ppg - truth.ppg).max() < 1e-6 * np.abs(truth.ppg).max()
        assert (
            np.abs(time_s - (session.frame_time_ns - session.frame_time_ns[0]) / 1e9).max() < 1e-6
        )
    assert hr_bpm == pytest.approx(90, abs=0.05)
    assert entry.labels.hr_bpm == pytest.approx(90, abs=0.05)
    assert (entry.video.width, entry.video.height) == (WIDTH, HEIGHT)
    assert entry.timing.sync_bound_ms == 0.7
    assert np.loadtxt(folder / LABELS).shape == (3, len(ppg))
    capture = cv2.VideoCapture(str(folder / VIDEO))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(ppg)
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(30, rel=0.01)
    capture.release()


def test_nothing_lies_beside_the_folders(data):
    convert_sessions(data)
    assert list(tree(data / "ubfc")) == [
        "manifest.json", "test/subject3/ground_truth.txt", "test/subject3/vid.avi",
        "train/subject1/ground_truth.txt", "train/subject1/vid.avi",
        "train/subject2/ground_truth.txt", "train/subject2/vid.avi",
    ]
    assert not (data / PARTIAL).exists()


def test_frames_without_ppg_are_cut_and_listed(tmp_path):
    make_session(
        tmp_path, "S01", seconds=10.0, lost_samples={120, 121}, frame_offset_s=-0.2, lost_frames={5}
    )
    make_session(tmp_path, "S02", seconds=10.0)
    write_new_split(tmp_path, "S02")
    (entry,) = on("train", convert_sessions(tmp_path).manifest)
    kept = frame_times(300) - 200_000_000
    keep = kept >= sample_times(1)[0]
    hole = (kept > sample_times(120)[119]) & (kept < sample_times(123)[122])
    assert [(t.first, t.frames, t.reason) for t in entry.rows.trimmed] == [
        (0, int((~keep).sum()) - 1, "before the first usable sample"),
        (int(np.flatnonzero(hole)[0]) - 1, int(hole.sum()), "samples were lost"),
    ]
    assert (entry.source.lost_frames, entry.source.lost_samples) == (1, 2)
    keep &= ~hole
    keep[5] = False
    folder = tmp_path / "ubfc" / entry.folder
    assert read_labels(folder)[2] == pytest.approx((kept[keep] - kept[keep][0]) / 1e9, abs=1e-6)
    first = cv2.cvtColor(picture(int(np.flatnonzero(keep)[0])), cv2.COLOR_YUV2BGR_I420)
    assert (next(read_bgr(folder / VIDEO)) == first).all()


def test_samples_without_a_bound_are_not_used_and_not_called_lost(tmp_path):
    path = make_session(tmp_path, "S01", seconds=10.0, lost_samples={200})
    with h5py.File(path, "r+") as file:
        file[layout.PPG_BOUND][120:125] = -1
    make_session(tmp_path, "S02", seconds=10.0)
    write_new_split(tmp_path, "S02")
    (entry,) = on("train", convert_sessions(tmp_path).manifest)
    assert [t.reason for t in entry.rows.trimmed] == [
        "samples had no bound on their time", "samples were lost",
    ]
    assert (entry.timing.sync_bound_ms, entry.source.lost_samples) == (0.7, 1)


def test_rerun_does_nothing(data):
    first = convert_sessions(data)
    before = tree(data / "ubfc")
    again = convert_sessions(data)
    assert (len(first.written), again.written, len(again.kept)) == (3, (), 3)
    assert tree(data / "ubfc") == before


def test_numbers_stay_when_sessions_are_added(data):
    convert_sessions(data)
    before = tree(data / "ubfc")
    make_session(data, "S00", seconds=4.0)
    write_new_split(data, "S03")
    done = convert_sessions(data)
    assert done.written == ("train/subject4",)
    after = tree(data / "ubfc")
    assert all(after[name] == content for name, content in before.items() if name != MANIFEST)
    assert {e.subject: e.number for e in load_manifest(data / "ubfc").entries} == {
        "S00": 4, "S01": 1, "S02": 2, "S03": 3,
    }


def test_another_split_needs_force_and_moves_folders(data):
    convert_sessions(data)
    before = tree(data / "ubfc")
    write_new_split(data, "S01")
    with pytest.raises(
        CurationError, match=r"found 2 that would change \(test/subject3, train/subject1\)"
    ) as caught:
        convert_sessions(data)
    assert caught.value.fix is Fix.REPLACE
    assert tree(data / "ubfc") == before
    done = convert_sessions(data, force=True)
    assert done.written == ()
    after = load_manifest(data / "ubfc")
    assert [(e.folder, e.subject) for e in after.entries] == [
        ("test/subject1", "S01"), ("train/subject2", "S02"), ("train/subject3", "S03")
    ]
    assert len(list((data / "ubfc").glob("*/*"))) == 3


def test_another_codec_needs_force(data):
    convert_sessions(data)
    with pytest.raises(CurationError, match="found 3 that would change"):
        convert_sessions(data, codec="ffv1")
    hashes = [e.video.pixels_hash for e in load_manifest(data / "ubfc").entries]
    assert len(convert_sessions(data, codec="ffv1", force=True).written) == 3
    assert convert_sessions(data).written == ()       # the codec is kept where none is named
    manifest = data / "ubfc" / "manifest.json"
    whole = manifest.read_text()
    manifest.write_text(json.dumps({**json.loads(whole), "codec": "mp4"}))
    with pytest.raises(CurationError, match=r"or ffv1 as the codec .*, found 'mp4'"):
        convert_sessions(data)
    manifest.write_text(whole)
    assert [e.video.pixels_hash for e in load_manifest(data / "ubfc").entries] == hashes


def test_a_changed_session_is_converted_again(data):
    convert_sessions(data)
    path = next((data / "sessions/S02").glob("*.h5"))
    with h5py.File(path, "r+") as file:
        file[layout.PPG_VALUE][50] += 100
    with pytest.raises(SplitError, match="S02-20260101T090001Z changed") as caught:
        convert_sessions(data)
    assert caught.value.fix is Fix.SPLIT_AGAIN
    write_new_split(data, "S03")
    with pytest.raises(CurationError, match=r"found 1 that would change \(train/subject2\)"):
        convert_sessions(data)
    assert convert_sessions(data, force=True).written == ("train/subject2",)


def test_damaged_folders_are_made_again(data):
    convert_sessions(data)
    before = tree(data / "ubfc")
    (data / "ubfc/train/subject1" / VIDEO).write_bytes(bytes(len(before["train/subject1/vid.avi"])))
    with pytest.raises(CurationError, match=r"\(train/subject1\)"):
        convert_sessions(data)
    assert convert_sessions(data, force=True).written == ("train/subject1",)
    shutil.rmtree(data / "ubfc/train/subject1")
    assert convert_sessions(data).written == ("train/subject1",)
    (data / "ubfc/train/subject1" / LABELS).write_text("1 2 3\n")
    with pytest.raises(CurationError, match=r"\(train/subject1\)"):
        convert_sessions(data)
    assert convert_sessions(data, force=True).written == ("train/subject1",)
    assert tree(data / "ubfc") == before


@pytest.mark.parametrize(
    "name", ["train/subject9/vid.avi", "train/notes.txt", "test/subject3_old/x"]
)
def test_what_is_not_ours_is_left_alone(data, name):
    convert_sessions(data)
    (data / "ubfc" / name).parent.mkdir(exist_ok=True)
    (data / "ubfc" / name).write_text("mine")
    write_new_split(data, "S02")
    with pytest.raises(CurationError, match="expected"):
        convert_sessions(data)
    with pytest.raises(CurationError, match="move it away"):
        convert_sessions(data, force=True)
    assert (data / "ubfc" / name).read_text() == "mine"


def test_pixels_that_change_on_the_way_are_found_and_nothing_is_left(data, monkeypatch):
    whole = ubfc_folder.check_video

    def flip_then_check(path, pixels, **kwargs):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        return whole(path, pixels, **kwargs)

    monkeypatch.setattr(ubfc_folder, "check_video", flip_then_check)
    done = convert_sessions(data)
    assert len(done.failed) == 3
    for failed in done.failed:
        assert "expected the frames as written, found frame" in str(failed)
    assert list(tree(data / "ubfc")) == [MANIFEST]
    assert not (data / PARTIAL).exists()


def test_a_full_disk_is_told_before_the_start(data, monkeypatch):
    usage = namedtuple("usage", "free")(1000)
    monkeypatch.setattr(to_ubfc.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CurationError, match=r"expected \d+\.\d MB of free space, found 0\.0 MB"):
        convert_sessions(data)
    assert not (data / "ubfc").exists()


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        pytest.param({"seconds": 2.0}, "2.9 s of PPG without a hole", id="too short"),
        pytest.param(
            {"frame_offset_s": 60.0}, "frames and PPG at the same time, found 0", id="apart"
        ),
        pytest.param({"ppg": np.full(101, 5)}, "found PPG that is flat", id="finger off"),
    ],
)
def test_a_session_that_cannot_be_used_is_named(data, kwargs, says):
    path = make_session(data, "S04", **{"seconds": 4.0, **kwargs})
    write_new_split(data, "S03")
    done = convert_sessions(data)
    (line,) = map(str, done.failed)
    assert line.startswith("S04-20260101T090001Z: expected")
    assert says in line
    assert str(path) in line
    assert "\n" not in line
    assert (len(done.written), done.manifest.complete) == (3, False)
    with pytest.raises(CurationError, match="found an unfinished one"):
        load_manifest(data / "ubfc")


def test_folds(data):
    write_new_split(data, folds=3)
    with pytest.raises(CurationError, match=r"the split has 3 folds.*; name one of the folds"):
        convert_sessions(data)
    with pytest.raises(CurationError, match="folds, 1 to 3, found fold 4"):
        convert_sessions(data, fold=4)
    convert_sessions(data, fold=2)
    manifest = load_manifest(data / "ubfc")
    assert (manifest.fold, manifest.folds, [e.subject for e in on("test", manifest)]) == (
        2, 3, ["S02"],
    )
    assert convert_sessions(data, fold=3, force=True).written == ()
    assert [e.subject for e in on("test", load_manifest(data / "ubfc"))] == ["S03"]


def test_progress_reaches_its_totals(data):
    calls = []
    convert_sessions(data, on_progress=lambda *call: calls.append(call))
    assert {stage: (done, total) for stage, done, total in calls} == {
        "reading sessions": (3, 3), "comparing subjects": (3, 3), "writing frames": (360, 360),
        "checking frames": (360, 360),
    }


def test_command(acq_here, data):
    first = data_folder.session_files(data)[0]
    exclude(data, [make_exclusion(first, from_s=0.0, to_s=0.5, reason="coughs")])
    done = acq_here("convert", "--data", data, "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "test/subject3" in done.stdout
    assert "wrote 3 folders" in done.stdout
    assert "trimmed are frames of a session that no row shows: " in done.stdout
    assert "excluded (" in done.stdout
    again = acq_here("convert", "--data", data, "--quiet", "--json")
    assert len(json.loads(again.stdout)["kept"]) == 3
    data_folder.split_file(data).write_text(
        data_folder.split_file(data).read_text().replace('"S02"', '"S03"', 1)
    )
    leak = acq_here("convert", "--data", data, "--quiet")
    assert leak.returncode == 1
    assert len(leak.stderr.splitlines()) == 1
    assert "S03 on both" in leak.stderr
    data_folder.split_file(data).unlink()
    missing = acq_here("convert", "--data", data, "--quiet")
    assert missing.returncode == 1
    assert f"run acq split --data {data} first" in missing.stderr
