"""A subject withdraws: nothing of it is left, whatever interrupts, the others stay usable, and the
record names nobody.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.convert.to_ubfc import convert_sessions
from dataset.face.frames import cache_key
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.ubfc import load_manifest
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import read_split, write_split
from dataset.withdraw.find_files import find_subject_files
from dataset.withdraw.record import Withdrawal, read_withdrawals
from dataset.withdraw.withdraw import withdraw
from tests.support.made_sessions import make_session
from tests.support.made_withdrawals import GONE, OTHERS, files_in, left_of

pytestmark = pytest.mark.xdist_group("one folder to withdraw from")


def check_gone(data, template):
    assert left_of(data) == []
    assert [path.name for path in data.glob(".*")] == []
    before, now = read_manifest(template / "ubfc" / MANIFEST), load_manifest(data / "ubfc")
    was, left = (
        [replace(e, rows=replace(e.rows, excluded=())) for e in m.entries if e.subject != GONE]
        for m in (before, now)
    )
    assert was == left
    assert [part.reason for e in now.entries for part in e.rows.excluded] == ["like (withdrawn)"]
    assert now.stale == ()
    kept = {cache_key(e.video.file_sha256) for e in now.entries}
    assert len(kept) == len(now.entries)
    assert {path.stem for path in data_folder.frames_cache(data).iterdir()} == kept
    for subject in OTHERS:
        (path,) = data_folder.sessions_dir(data).joinpath(subject).glob("*.h5")
        assert path.read_bytes() == (template / path.relative_to(data)).read_bytes()
    (noted,) = read_withdrawals(data)
    assert (noted.recordings, noted.folders, noted.models, noted.models_removed) == (2, 2, 2, 0)
    assert not list(data_folder.pure_dir(data).rglob("*"))


def test_nothing_is_left_and_the_others_are_as_they_were(data, template):
    data_folder.known_sessions_file(data).write_text(f'{{"subject": "{GONE}"}}')
    assert len(left_of(data)) > 10
    done = withdraw(data, GONE)
    check_gone(data, template)
    assert [path.name for path in done.runs_left] == ["20260101T000000Z", "20260103T000000Z"]
    split = read_split(data_folder.split_file(data))
    assert split.folds[0].test == ("Bison2",)
    assert load_manifest(data / "ubfc").split_hash == split.hash
    (exclusion,) = read_exclusions(data).listed
    assert exclusion.session == "Adder1-20260101T090001Z"
    assert (data_folder.quality_dir(data) / "Bison2-20260101T090001Z.html").exists()
    assert not (data / "sessions/Adder1/Adder1-20260101T090001Z.qc.json").exists()
    assert (data / "sessions/Bison2/Bison2-20260101T090001Z.qc.json").exists()


LEFTOVERS = (
    # written by acquire.atomic
    ".exclusions.json.0123456789ab.part", "qc/.index.html.0123456789ab.part",
    ".rig.json.0123456789ab.part", "cache/frames/.0f.npy.0123456789ab.part",
    f"sessions/Adder1/.{GONE}-20260101T090001Z.h5.0123456789ab.part",
    # by earlier versions
    ".split.json-ab3_k9zz", ".rig.json.4321.part", "checkpoint.part",
    "cache/frames/0f.npy.4321.part",
)
LEFT_FOLDERS = (
    ".pure.0123456789ab.part", "ubfc/train/.subject9.0123456789ab.part", ".ubfc-partial",
    ".pure-partial",
)


def test_what_killed_writers_left_is_removed(data):
    for name in LEFTOVERS:
        (data / name).write_text(f'{{"subject": "{GONE}", half of the file')
    for name in LEFT_FOLDERS:
        (data / name / "new").mkdir(parents=True, exist_ok=True)
        (data / name / "new/vid.avi").write_bytes(b"half a video")
    files = find_subject_files(data, GONE)
    removable = {file.path for file in files.removable}
    assert {data / name for name in LEFT_FOLDERS + LEFTOVERS} <= removable
    assert files.mentions == ()
    withdraw(data, GONE)
    assert [name for name in LEFT_FOLDERS + LEFTOVERS if (data / name).exists()] == []
    assert left_of(data) == []


def test_a_half_written_file_of_another_subject_stays(data):
    other = data / ".exclusions.json.0123456789ab.part"
    other.write_text("Adder1")
    withdraw(data, GONE)
    assert other.read_text() == "Adder1"


def test_a_number_is_not_given_again(data):
    before = read_manifest(data / "ubfc" / MANIFEST)
    taken = {
        number for session, number in before.numbers.items() if session.startswith(f"{GONE}-2")
    }
    assert len(taken) == 2
    withdraw(data, GONE)
    make_session(data, "Newt9", seconds=3.0)
    write_split(
        split_by_subject(identify_sessions(data), holdout=["Bison2"]), data_folder.split_file(data),
        force=True,
    )
    now = convert_sessions(data).manifest
    assert {e.folder: e.session for e in before.entries if e.subject != GONE}.items() <= {
        e.folder: e.session for e in now.entries
    }.items()
    (new,) = (e.number for e in now.entries if e.subject == "Newt9")
    assert new == max(before.numbers.values()) + 1
    assert taken <= set(now.numbers.values())


def test_interrupted_at_any_step_it_is_completed(template, tmp_path):
    """What lies on the disk before a step is what a process leaves that is killed there."""
    data, left = shutil.copytree(template, tmp_path / "data"), []
    withdraw(
        data, GONE,
        on_step=lambda _: left.append(shutil.copytree(data, tmp_path / f"left{len(left)}")),
    )
    check_gone(data, template)
    assert len(left) > 50
    for data in left:
        if (data_folder.ubfc_dir(data) / MANIFEST).exists():
            load_manifest(data / "ubfc")           # who trains now can
        withdraw(data, GONE)
        check_gone(data, template)
        shutil.rmtree(data)


KILLED = """
import os, sys
from pathlib import Path
from dataset.withdraw.withdraw import withdraw
data, subject, what, count = Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
seen = []
def die(step):
    seen.append(step)
    if len([step for step in seen if step.startswith(what)]) == count:
        os.kill(os.getpid(), 9)
rename = os.replace
os.replace = lambda source, target: (die(f"rename {target}"), rename(source, target))
withdraw(data, subject, on_step=die)
"""


@pytest.mark.parametrize(
    ("what", "count"), [("rename", 1), ("rename", 3), ("end", 1)],
    ids=["its first file half written", "a manifest", "at the end"],
)
def test_killed_it_is_completed(data, template, what, count):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(data), GONE, what, str(count)], check=False
    )
    assert done.returncode == -9
    assert left_of(data)
    withdraw(data, GONE)
    check_gone(data, template)


def test_another_withdrawal_waits_until_the_first_is_complete(data):
    def stop(what):
        if what == "split":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        withdraw(data, GONE, on_step=stop)
    with pytest.raises(CurationError, match=f"found that of {GONE} interrupted in") as caught:
        withdraw(data, "Adder1")
    assert (caught.value.fix, caught.value.of) == (Fix.COMPLETE_WITHDRAWAL, GONE)


def test_with_an_empty_side_the_split_goes(data):
    withdraw(data, GONE)
    done = withdraw(data, "Bison2")
    assert done.split_removed
    assert not data_folder.split_file(data).exists()
    assert {e.side for e in load_manifest(data / "ubfc").entries} == {"train"}
    assert len(read_withdrawals(data)) == 2


def test_models_are_removed_only_when_asked_for(data):
    assert (data / "runs/20260101T000000Z").exists()
    withdraw(data, GONE)
    with pytest.raises(CurationError, match="nothing but the runs 20260101T000000Z") as caught:
        withdraw(data, GONE)
    assert caught.value.fix is Fix.WITHDRAW_MODELS
    withdraw(data, GONE, models=True)
    assert sorted(path.name for path in (data / "runs").iterdir()) == [
        "20260102T000000Z", "20260103T000000Z",
    ]
    assert left_of(data, runs=True) == []


def test_models_at_once(data):
    withdraw(data, GONE, models=True)
    assert [path.name for path in (data / "runs").iterdir()] == ["20260102T000000Z"]
    assert left_of(data, runs=True) == []
    assert read_withdrawals(data)[0].models_removed == 2


def test_the_record_names_nobody(data):
    withdraw(data, GONE)
    body = json.loads(data_folder.withdrawals_file(data).read_text())
    (withdrawal,) = body["withdrawals"]
    assert set(withdrawal) == set(Withdrawal.__dataclass_fields__)
    assert "quokka" not in json.dumps(body).lower()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", withdrawal["date"])


@pytest.mark.parametrize("place", ["Adder1/odd.h5", "odd.H5"])
def test_a_recording_in_another_folder_is_found(data, template, place):
    path = data / "sessions" / place
    (data / "sessions" / GONE / f"{GONE}-20260101T090002Z.h5").rename(path)
    beside = [
        path.parent / name
        for name in ("odd.qc.json", "odd.qc.npz", ".odd.qc.npz.0123456789ab.part", "odd.h5.killed")
    ]
    for path in beside:
        path.write_bytes(b"made of it")
    assert find_subject_files(data, GONE).mentions == ()
    withdraw(data, GONE)
    assert [path for path in beside if path.exists()] == []
    check_gone(data, template)


def test_one_that_the_system_stops_says_that_it_is_half_done_and_is_completed(data, monkeypatch):
    recording = data / "sessions" / GONE / f"{GONE}-20260101T090001Z.h5"
    unlink = Path.unlink

    def refuse(path, **how):
        if path == recording:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, **how)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(
        CurationError, match=f"found the withdrawal half done: Permission denied at {recording}"
    ) as caught:
        withdraw(data, GONE)
    assert (caught.value.fix, caught.value.of) == (Fix.COMPLETE_WITHDRAWAL, GONE)
    monkeypatch.undo()
    withdraw(data, GONE)
    assert left_of(data) == []


def test_one_that_cannot_begin_is_not_half_done(data, monkeypatch):
    def refuse(path, _):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("dataset.withdraw.withdraw.write_plan", refuse)
    before = files_in(data)
    with pytest.raises(OSError, match="No space left"):
        withdraw(data, GONE)
    assert files_in(data) == before


def test_traces_of_a_subject_whose_recordings_are_gone_are_removed(data):
    page = data_folder.quality_dir(data) / "Stoat3-20260101T090001Z.html"
    page.write_text("a waveform")
    done = withdraw(data, "Stoat3")
    assert (done.record.recordings, done.split_removed) == (0, False)
    assert not page.exists()
    assert data_folder.split_file(data).exists()


def test_face_frames_that_are_kept_in_the_home_go_too(data, tmp_path, monkeypatch):
    """They were made while the data folder could not be written; those of others stay."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    home = data_folder.home_frames_cache()
    home.mkdir(parents=True)
    for entry in read_manifest(data / "ubfc" / MANIFEST).entries:
        name = f"{entry.subject}-{entry.number}"
        (home / f"{name}.npy").write_bytes(b"frames")
        about = {"video": "vid.avi", "video_sha256": entry.video.file_sha256, "box": {}}
        (home / f"{name}.json").write_text(json.dumps(about))
    for session in data_folder.session_files(data):          # as read without curated folders
        name = f"{session.parent.name}-0"
        (home / f"{name}.npy").write_bytes(b"frames")
        about = {"video": session.name, "video_sha256": "0" * 64, "box": {}}
        (home / f"{name}.json").write_text(json.dumps(about))
    withdraw(data, GONE)
    left = [path.stem.rpartition("-")[0] for path in home.iterdir()]
    assert sorted(left) == sorted(4 * OTHERS)


def test_a_split_that_names_the_subject_in_the_place_of_anothers_recording_goes(data):
    path = data_folder.split_file(data)
    split = read_split(path)
    sessions = tuple(
        replace(session, file=f"sessions/{GONE}/odd.h5") if session.subject == "Adder1" else session
        for session in split.sessions
    )
    write_split(replace(split, sessions=sessions), path, force=True)
    assert withdraw(data, GONE).split_removed
    assert not path.exists()
    assert left_of(data) == []
