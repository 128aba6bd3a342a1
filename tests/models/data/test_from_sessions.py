"""Training data from the sessions themselves: bit for bit what comes through curated folders."""

import json
import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch

from acquire import data_folder
from acquire.errors import CurationError, Fix, SplitError, TrainingError
from acquire.simulation.sessions import SimulatedSession, write_sessions
from dataset.common.workers import Workers
from dataset.convert.to_ubfc import convert_sessions
from dataset.selection.decide import exclude
from dataset.selection.make_exclusion import make_exclusion
from dataset.withdraw.withdraw import withdraw
from models.data.curated import load_curated
from models.data.from_sessions import load_sessions, sessions_cache
from models.evaluation.compare import compare_methods, window_table
from models.nets.can import Student
from models.nets.checkpoint import save_checkpoint
from tests.support.in_this_process import run_here
from tests.support.splits import write_new_split


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two virtual people, of one of whom a part is excluded, and no curated folders."""
    data = tmp_path_factory.mktemp("sessions")
    plans = [
        SimulatedSession(subject, number, seed=7, duration_s=12.0, fps=9.0)
        for number, subject in enumerate(("S01", "S02"))
    ]
    write_sessions(plans, data, jobs=1)
    first = data_folder.session_files(data)[0]
    exclude(data, [make_exclusion(first, from_s=None, to_s=1.0, reason="talks")])
    write_new_split(data, "S02")
    return data


def test_every_tensor_is_the_one_that_curated_folders_give(data):
    ours = load_sessions(data)
    assert not data_folder.ubfc_dir(data).exists()
    convert_sessions(data)
    theirs = load_curated(data)
    assert ours.split_hash == theirs.split_hash
    assert ours.data_hash != theirs.data_hash              # no video stands behind it
    for one, other in zip([*ours.train, *ours.test], [*theirs.train, *theirs.test], strict=True):
        for name in (field.name for field in fields(one)):
            if name in ("video", "rows", "read_frames"):
                continue
            a, b = getattr(one, name), getattr(other, name)
            if isinstance(a, torch.Tensor):
                assert torch.equal(a.nan_to_num(7), b.nan_to_num(7)), name
            elif isinstance(a, np.ndarray):
                assert np.array_equal(a, b), name
            else:
                assert a == b, name
        assert np.array_equal(one.frames_at(18), other.frames_at(18))
        assert np.array_equal(next(one.pictures()), next(other.pictures()))
    assert ours.test[0].reference.is_used.any()


@pytest.mark.parametrize(
    ("read_from", "fix"),
    [("ubfc", Fix.READ_CURATED), ("published", Fix.READ_PUBLISHED), (None, Fix.ALLOW_OTHER_DATA)],
)
def test_a_run_that_read_from_elsewhere_is_refused_with_where(data, tmp_path, read_from, fix):
    data = shutil.copytree(data, tmp_path / "data")
    run = data_folder.runs_dir(data) / "20260101T000000Z"
    run.mkdir(parents=True)
    split_hash = load_sessions(data).split_hash
    save_checkpoint(
        run / "student.safetensors", Student(), split_hash=split_hash, data_hash="f00d", about={}
    )
    if read_from is not None:
        (run / "metrics.json").write_text(json.dumps({
            "data_hash": "f00d", "read_from": read_from, "subjects": {"train": [], "test": []},
        }))
    with pytest.raises(TrainingError, match=r"found one of another .f00d.") as refused:
        compare_methods(data, [str(run / "student.safetensors")], source="sessions")
    assert refused.value.fix is fix


@pytest.mark.parametrize(
    ("read_from", "fix"), [("sessions", Fix.READ_SESSIONS), ("ubfc", Fix.CONVERT)]
)
def test_where_no_curated_data_are_what_the_run_read_is_named(tmp_path, read_from, fix):
    run = data_folder.runs_dir(tmp_path) / "20260101T000000Z"
    run.mkdir(parents=True)
    save_checkpoint(
        run / "student.safetensors", Student(), split_hash="", data_hash="f00d", about={}
    )
    (run / "metrics.json").write_text(json.dumps({
        "data_hash": "f00d", "read_from": read_from, "subjects": {"train": [], "test": []},
    }))
    with pytest.raises(CurationError, match="expected a manifest, found nothing") as refused:
        compare_methods(tmp_path, [run.name])
    assert refused.value.fix is fix


def test_a_run_on_sessions_is_evaluated_to_its_digits_both_ways(data, tmp_path, monkeypatch):
    """From the sessions, and from the curated folders that were made of them."""
    monkeypatch.setattr("models.report.write.write_report", lambda *_, **__: None)
    if not data_folder.ubfc_dir(data).exists():
        convert_sessions(data)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("epochs: 1\nteacher_epochs: 1\nprecision: float32\n")
    done = run_here("train-kd", "--from", "sessions", "--recipe", recipe, "--device", "cpu",
                    "--quiet", "--data", data, cwd=data)
    assert done.returncode == 0, done.stderr
    (run,) = data_folder.runs_dir(data).iterdir()
    names = [run.name, "pos"]
    ours = compare_methods(data, names, source="sessions")
    with pytest.raises(TrainingError, match="one of another") as refused:
        compare_methods(data, names)
    assert refused.value.fix is Fix.READ_SESSIONS
    theirs = compare_methods(data, names, other_data=True)
    kept = json.loads((run / "metrics.json").read_text())["methods"]
    for read_from in (ours, theirs):
        figures = json.loads(json.dumps(read_from.summary()["methods"]))
        assert figures["pos"] == kept["pos"]
        for name in ("teacher", "student", "student_kd"):
            read = figures[f"{run.name}/{name}"]
            assert read == {key: kept[name][key] for key in read}, name
    assert window_table(ours).equals(window_table(theirs))


def test_face_frames_are_kept_and_go_with_a_subject(data, tmp_path):
    copy = shutil.copytree(data, tmp_path / "data")
    shutil.rmtree(data_folder.frames_cache(copy))
    load_sessions(copy, of_today=False, workers=Workers())
    kept = sorted(path.name for path in sessions_cache(copy).iterdir())
    assert len(kept) == 4                                  # an array and its description each
    assert load_sessions(copy).train[0].frames_at(36).base is not None     # memory-mapped
    withdraw(copy, "S01")
    assert not any(data_folder.frames_cache(copy).rglob("*.npy"))


def test_without_a_split_nothing_is_read(tmp_path):
    with pytest.raises(SplitError, match="split"):
        load_sessions(tmp_path)
