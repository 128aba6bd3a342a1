"""Files that acq wrote before its code was ordered into wings are read as they were meant.

`tests/data/before_wings/README.md` says how they were made.
"""

import gzip
import json
import shutil

import numpy as np
import pytest

from acquire import data_folder
from acquire.calibration.rig_file import read_rig
from dataset.layouts.export_manifest import read_export_entries
from dataset.layouts.manifest_file import write_manifest
from dataset.layouts.ubfc import LABELS, MANIFEST, load_manifest
from dataset.quality.result import read_quality
from dataset.runs import read_training_runs
from dataset.selection.choose import split_by_subject
from dataset.selection.exclusions import Exclusion
from dataset.selection.exclusions_file import read_exclusions, write_exclusions
from dataset.selection.identities import identify_sessions
from dataset.selection.split_file import read_split, write_split
from dataset.session.reader import Session
from dataset.session.subject import Subject, read_subject
from dataset.verify.verify import verify_data
from dataset.withdraw.record import read_withdrawals
from dataset.withdraw.withdraw import withdraw

FIRST, SECOND = "S01-20260101T090001Z", "S02-20260101T090002Z"
HASH_OF_FIRST = "25274621f612d81a93bfffd4586ec1f77088c06410b159cfd779067bf05a176c"
RUN = "20261128T185019Z"
DATA_HASH_OF_RUN = "e6d3c393b8cb623d7c10cce45975dc618b3688eb104b46a99212683c246cecff"


@pytest.fixture(scope="module")
def data(repo, tmp_path_factory):
    """The data folder of before, its session files unzipped."""
    folder = tmp_path_factory.mktemp("before") / "data"
    shutil.copytree(repo / "tests/data/before_wings", folder)
    for zipped in folder.glob("sessions/*/*.h5.gz"):
        zipped.with_suffix("").write_bytes(gzip.decompress(zipped.read_bytes()))
        zipped.unlink()
    return folder


def test_a_session(data):
    with Session(data / "sessions/S01" / f"{FIRST}.h5") as session:
        assert (session.session_id, session.subject) == (FIRST, "S01")
        assert session.complete
        assert not session.simulated
        assert len(session.frames) == len(session.frame_time_ns) == 180
        assert session.frames[0].shape == (24, 32, 3)
        assert len(session.ppg) == len(session.ppg_time_ns) == 151
        assert session.ppg[0] == 30_000
        assert set(session.ppg_bound_ns) == {700_000}
        assert session.started_monotonic_ns == 5_000_000_000_000
        assert session.content_hash() == HASH_OF_FIRST


def test_what_is_noted_of_a_subject(data):
    assert read_subject(data, "S01") == Subject("25-34", "F", "II", "3", "C-17")
    assert read_subject(data, "S02") is None


def test_a_rig(data):
    rig = read_rig(data)
    assert rig is not None
    assert (rig.camera, rig.width, rig.height, rig.fps) == ("virtual:S01", 640, 360, 25.0)
    assert (rig.light_offset_ns, rig.light_offset_bound_ns) == (-203_426, 330_346)
    assert rig.source.startswith("2026-11-28T18:50:32+00:00 sha256:")


def test_a_grade(data):
    quality = read_quality(data / "sessions/S01" / f"{FIRST}.h5")
    assert quality is not None
    assert (quality.grade, quality.session_hash) == ("bad", HASH_OF_FIRST)
    assert quality.flags[0].text == "no face in 100 % of the looks"
    assert quality.measures["sync_bound_ms"] == 0.7


def test_exclusions_are_read_and_written_alike(data, tmp_path):
    exclusions = read_exclusions(data)
    assert exclusions.listed == (
        Exclusion(SECOND, 1.0, 2.5, "moved", "2026-11-28T18:50:03+00:00"),
    )
    write_exclusions(tmp_path, exclusions)
    before, now = (data_folder.exclusions_file(folder) for folder in (data, tmp_path))
    assert now.read_bytes() == before.read_bytes()


def test_a_split_is_read_written_and_made_alike(data, tmp_path):
    path = data_folder.split_file(data)
    split = read_split(path)
    assert split.hash == "763159b20ee3bb1133d2e426d20f4b05078b7852de3e487d59a6783e7b6be073"
    assert (split.folds[0].train, split.folds[0].test) == (("S01",), ("S02",))
    assert split.folds[0].test_hr_bpm == (90.0, 90.0)
    assert split.sessions[0].hash == HASH_OF_FIRST
    write_split(split, tmp_path / "split.json")
    assert (tmp_path / "split.json").read_bytes() == path.read_bytes()
    assert split_by_subject(identify_sessions(data), holdout=["S02"]) == split


def test_curated_folders(data, tmp_path):
    manifest = load_manifest(data_folder.ubfc_dir(data))
    assert [entry.folder for entry in manifest.entries] == ["train/subject1", "test/subject2"]
    assert [entry.frames for entry in manifest.entries] == [180, 104]
    assert manifest.numbers == {FIRST: 1, SECOND: 2, "(withdrawn 3)": 3}
    assert manifest.data_hash.startswith("79b6afc40731")
    write_manifest(manifest, tmp_path / MANIFEST)
    before = data_folder.ubfc_dir(data) / MANIFEST
    lines = (tmp_path / MANIFEST).read_text().splitlines(keepends=True)
    new = [line for line in lines if line.startswith('  "content_hash": ')]
    assert len(new) == 1
    assert "".join(line for line in lines if line not in new) == before.read_text()
    labels = np.loadtxt(data_folder.ubfc_dir(data) / "train/subject1" / LABELS)
    assert labels.shape == (3, 180)


def test_withdrawals(data):
    (withdrawal,) = read_withdrawals(data)
    assert withdrawal.id == "98106fa8-da71-4755-a942-cdaeff8b1009"
    assert (withdrawal.date, withdrawal.recordings, withdrawal.folders) == ("2026-11-28", 1, 1)


def test_an_interrupted_withdrawal_is_completed(data, repo, tmp_path):
    copy = shutil.copytree(data, tmp_path / "data")
    plan = repo / "tests/data/before_wings/withdrawal_plan.json"
    (copy / "withdrawal_plan.json").rename(copy / ".withdrawal.json")
    withdraw(copy, "S02")
    assert read_withdrawals(copy)[1].id == json.loads(plan.read_text())["noted"]["id"]
    assert not (copy / ".withdrawal.json").exists()
    assert not (copy / "sessions/S02").exists()
    assert not data_folder.split_file(copy).exists()      # nobody is left to test


def test_a_pure_manifest(data, tmp_path):
    shutil.copy(data / "pure_manifest.json", tmp_path / MANIFEST)
    first, second = read_export_entries(tmp_path)
    assert (first.folder, first.session, first.frames) == ("test/02-01", SECOND, 104)
    assert (second.folder, second.session, second.frames) == ("train/01-01", FIRST, 180)


def test_a_training_run(data):
    (run,) = read_training_runs(data)
    assert run.problems == ()
    assert (run.train, run.test) == (("S01", "S02"), ("S03",))
    assert run.data_hash == DATA_HASH_OF_RUN
    assert run.checkpoints == {"student_kd.safetensors": DATA_HASH_OF_RUN}


def test_a_checkpoint(data):
    pytest.importorskip("torch")
    from models.nets.checkpoint import load_checkpoint

    checkpoint = load_checkpoint(data_folder.runs_dir(data) / RUN / "student_kd.safetensors")
    assert checkpoint.data_hash == DATA_HASH_OF_RUN
    assert sum(weight.numel() for weight in checkpoint.net.parameters()) == 24_769
    assert checkpoint.about["subjects"] == {"train": ["S01", "S02"], "test": ["S03"]}
    assert checkpoint.net.state_dict()["head.1.bias"].item() == pytest.approx(-0.008889647)


def test_every_hash_holds(data):
    verification = verify_data(data)
    assert [(finding.kind, finding.place) for finding in verification.findings] == [
        ("stale", str(data / "runs" / RUN)), ("unchecked", str(data / "runs")),
    ]
    assert verification.checked["sessions"] == verification.checked["folders"] == 2
    assert verification.checked["cards"] == 1
