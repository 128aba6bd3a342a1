"""`acq export`: whole folders, compared with torch, or none."""

import errno
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from typer.testing import CliRunner

from acq.commands.export import describe_int8
from acq.main import app
from acquire.errors import CurationError, Fix, TrainingError
from dataset.face.mtcnn import Mtcnn
from dataset.layouts.manifest_file import read_manifest
from models.board.onnx_net import open_net
from models.export.export import FACE_FILES, FILES, Int8, export
from models.export.graphs import count_multiply_adds
from models.export.quantise import training_motion
from models.export.verify import verify_net
from models.nets.can import Student
from models.nets.checkpoint import load_checkpoint, save_checkpoint
from tests.support.boards import make_untrained
from tests.support.curated_folders import make_entry, write_curated_folders
from tests.support.tiny_nets import tiny_net


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two recordings of 60 frames, and a run that saw them."""
    data = tmp_path_factory.mktemp("data")
    entries = [
        replace(make_entry(1, "train", "S01"), frames=60),
        replace(make_entry(2, "test", "S02"), frames=60),
    ]
    write_curated_folders(data, entries)
    known = read_manifest(data / "ubfc" / "manifest.json").data_hash
    run = make_untrained(data / "runs" / "20260101T000000Z", data_hash=known)
    videos = [{"fs_hz": 15.0}, {"fs_hz": 17.0}]
    (run / "metrics.json").write_text(json.dumps({"methods": {"student": {"videos": videos}}}))
    return data


@pytest.fixture(scope="module")
def exported(data):
    """The newest run's export by the command line, once."""
    (data / "runs" / ".20270101T000000Z.part").mkdir()
    done = CliRunner().invoke(app, ["export", "--data", str(data), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_run_s_export_is_whole(data, exported):
    board = data / "runs" / "20260101T000000Z" / "board"
    assert exported["folder"] == str(board)
    assert names(board) == sorted(FILES)
    assert exported["checkpoint"].endswith("student_kd.safetensors")
    assert max(exported["largest_difference"].values()) < 1e-5
    checkpoints = [f"{name}.safetensors" for name in ("student", "student_kd", "teacher")]
    assert names(board.parent) == ["board", "metrics.json", *checkpoints]
    assert board.stat().st_mode & 0o777 == 0o755


def test_int8_is_a_quarter_of_the_size_and_close(data, exported):
    board = data / "runs" / "20260101T000000Z" / "board"
    assert (board / "student-int8.onnx").stat().st_size < (
        board / "student.onnx"
    ).stat().st_size / 2.5
    assert exported["int8_refused"] == ""
    assert exported["int8"]["pearson_r"] > 0.99
    assert exported["int8"]["is_close"] is True
    assert 0 < exported["int8"]["rms_percent"] < 10
    ranges, others = training_motion(
        data, load_checkpoint(board.parent / "student.safetensors").data_hash
    )
    full, small = (open_net(board / name) for name in ("student.onnx", "student-int8.onnx"))
    assert (full.constants["precision"], small.constants["precision"]) == ("float32", "int8")
    assert {**full.constants, "precision": ""} == {**small.constants, "precision": ""}
    assert full.constants["trained_fps"] == 16.0
    r = np.corrcoef(full.predict(others), small.predict(others))[0, 1]
    assert exported["int8"]["pearson_r"] == pytest.approx(r, abs=1e-6)
    assert not np.array_equal(ranges, others)


def test_a_checkpoint_of_a_fold_has_its_int8_from_those_it_learnt_from(data, exported, tmp_path):
    run = data / "runs" / "20260102T000000Z"
    make_untrained(run / "seed0" / "fold1", names=("student",))
    metrics = {"methods": {"student": {"videos": [{"fs_hz": 15.0}]}}}
    (run / "metrics.json").write_text(json.dumps(metrics))
    path = run / "seed0" / "fold1" / "student.safetensors"
    known = read_manifest(data / "ubfc" / "manifest.json").data_hash
    save_checkpoint(
        path, Student(), split_hash="", data_hash=known,
        about={"subjects": {"train": ["S02"], "test": ["S01"]}},
    )
    made = export(path, out=tmp_path / "out")
    assert made.int8_refused is None
    assert open_net(tmp_path / "out" / "student-int8.onnx").constants["trained_fps"] == 15.0
    of_side, of_fold = (
        training_motion(data, known, subjects=subjects)[0] for subjects in ((), ("S02",))
    )
    assert np.array_equal(of_side, training_motion(data, known, subjects=("S01",))[0])
    assert not np.array_equal(of_side, of_fold)


@pytest.mark.parametrize("motion", ["standardised", "difference"])
def test_a_network_says_in_its_file_what_it_reads(data, exported, tmp_path, motion):
    run = data / "runs" / "20260103T000000Z"
    of_normalised = load_checkpoint(
        data / "runs" / "20260101T000000Z" / "student_kd.safetensors"
    )
    run.mkdir()
    save_checkpoint(
        run / "student_kd.safetensors", of_normalised.net, split_hash="",
        data_hash=of_normalised.data_hash, about={"recipe": {"motion": motion}},
    )
    made = export(run, out=tmp_path / "out")
    assert made.int8_refused is None
    for name in ("student.onnx", "student-int8.onnx"):
        net = open_net(tmp_path / "out" / name)
        # an acq of before knows normalised differences alone, and refuses a file without cut_sd
        assert (net.motion, "cut_sd" in net.constants) == (motion, False)
    before = open_net(data / "runs" / "20260101T000000Z" / "board" / "student.onnx")
    assert (before.motion, before.constants["cut_sd"]) == ("normalised", 3.0)
    normalised, plain = (
        training_motion(data, of_normalised.data_hash, kind=kind)[0]
        for kind in ("normalised", "difference")
    )
    assert (np.rint(plain * 256) / 256 == plain).all()      # grey levels, in steps of 1/256
    assert np.std(normalised) == pytest.approx(1, abs=0.3)
    shutil.rmtree(run)


def test_a_teacher_of_another_kind_is_left_out(tmp_path):
    run = make_untrained(tmp_path / "run", names=("student",))
    save_checkpoint(run / "teacher.safetensors", tiny_net("pulsegan"), split_hash="1" * 64,
                    data_hash="0" * 64, about={})
    assert names(export(run).folder) == sorted([*FACE_FILES, "student.onnx"])


def test_other_data_are_no_ranges(data, tmp_path):
    with pytest.raises(CurationError, match="trained on"):
        training_motion(data, "f" * 64)
    with pytest.raises(CurationError, match="expected a manifest"):
        training_motion(tmp_path, "f" * 64)


def test_without_its_data_a_checkpoint_has_no_int8_and_the_reason_is_printed(tmp_path):
    run = make_untrained(tmp_path / "kept", names=("student",))
    done = CliRunner().invoke(
        app, ["export", str(run / "student.safetensors"), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert "no student-int8.onnx" in done.stderr
    assert "student.onnx" in done.stdout
    assert names(tmp_path / "out") == ["onet.onnx", "pnet.onnx", "rnet.onnx", "student.onnx"]
    assert open_net(tmp_path / "out" / "student.onnx").constants["trained_fps"] is None


def test_a_full_disk_is_named_by_the_folder_that_is_written(tmp_path, monkeypatch):
    """A copy names what it copies: the face finder that comes with acq."""
    run = make_untrained(tmp_path / "run", names=("student",))
    write = Path.write_bytes

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def refuse_some(path, body):
        return refuse() if path.name in FACE_FILES else write(path, body)

    monkeypatch.setattr(os, "sendfile", refuse)
    monkeypatch.setattr(Path, "write_bytes", refuse_some)
    with pytest.raises(OSError, match="No space left") as caught:
        export(run)
    assert caught.value.filename == str(run / "board")
    assert names(run) == ["student.safetensors"]


def test_nothing_is_overwritten_but_an_export_with_force(tmp_path):
    run = make_untrained(tmp_path / "run", names=("student",))
    export(run)
    with pytest.raises(TrainingError, match="a folder, found one that exists") as caught:
        export(run)
    assert caught.value.fix is Fix.REPLACE
    made = (run / "board").stat().st_ino
    export(run, force=True)
    assert (run / "board").stat().st_ino != made
    (run / "board" / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match=r"notes\.txt"):
        export(run, force=True)
    assert names(run) == ["board", "student.safetensors"]
    assert (run / "board" / "notes.txt").read_text() == "mine"


def test_a_failed_export_leaves_nothing(tmp_path):
    run = make_untrained(tmp_path / "run", names=("student",))
    teacher = (
        make_untrained(tmp_path / "other", names=("teacher",), data_hash="2" * 64)
        / "teacher.safetensors"
    )
    teacher.rename(run / "teacher.safetensors")
    with pytest.raises(TrainingError, match=r"this curated data .0000.*found one of another"):
        export(run)
    assert names(run) == ["student.safetensors", "teacher.safetensors"]
    with pytest.raises(TrainingError, match="found another network's"):
        export(run / "teacher.safetensors")
    with pytest.raises(TrainingError, match="expected a run with a student"):
        export(tmp_path / "other")
    with pytest.raises(TrainingError, match="expected a run, found none in"):
        assert CliRunner().invoke(app, ["export", "--data", str(tmp_path)], catch_exceptions=False)


def test_a_file_that_computes_something_else_than_torch_is_refused(data, exported):
    run = data / "runs" / "20260101T000000Z"
    with pytest.raises(TrainingError, match="what torch computes"):
        verify_net(run / "board" / "student.onnx", load_checkpoint(run / "student.safetensors").net)


def test_multiply_adds_by_hand(data, exported):
    """Convolutions of 3x3 on 36x36 and 18x18, and the layer over 64 maps of 9x9."""
    student = 9 * 3 * 32 * 36**2 + 9 * 32 * 64 * 18**2 + 64 * 9**2
    branch = 9 * (3 * 32 + 32 * 32) * 36**2 + 9 * (32 * 64 + 64 * 64) * 18**2
    teacher = 2 * branch + 32 * 36**2 + 64 * 18**2 + 64 * 9**2 * 128 + 128
    board = data / "runs" / "20260101T000000Z" / "board"
    for name, by_hand in (("student", student), ("teacher", teacher)):
        assert count_multiply_adds(onnx.load(board / f"{name}.onnx")) == by_hand
        assert open_net(board / f"{name}.onnx").constants["multiply_adds"] == by_hand
    assert 8.8 < teacher / student < 8.9


def test_the_constants_are_those_of_the_document(repo, data, exported):
    section = (
        (repo / "docs" / "format.md")
        .read_text()
        .partition("acq-board-1\n")[2]
        .partition("\n## ")[0]
    )
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", section, flags=re.M)
    named = {
        net: {
            name
            for names, of in rows
            for name in re.findall(r"`(\w+)`", names)
            if of == "all" or net in of
        }
        for net in ("student", "pnet")
    }
    board = data / "runs" / "20260101T000000Z" / "board"
    assert set(open_net(board / "student.onnx").constants) == named["student"]
    assert set(Mtcnn(board).constants) == named["pnet"]


def test_an_int8_that_is_far_from_float32_is_not_recommended():
    near, far = (describe_int8(Int8(320, 331.0, 41.6, r)) for r in (0.99, 0.9167))
    assert near.startswith("student-int8.onnx can be used in place of student.onnx: on 320 ")
    assert far.startswith("student-int8.onnx is too far from student.onnx to be relied on: on 320 ")
    assert "r 0.9167 with float32, off by 41.6 % of the SD (rms), at most 331.0 %; use " in far
