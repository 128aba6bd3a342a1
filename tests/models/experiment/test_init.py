"""A whole run whose teacher starts from another: what it writes, and how it is gone on with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from acq.advice import advise
from acq.commands.train import ENOUGH_SUBJECTS, _suggest_init
from acquire.errors import ResumeError, TrainingError
from dataset.people import LearntFrom, Person
from dataset.runs import read_training_runs
from models.board import find_net
from models.experiment.run import train_kd
from models.experiment.run_folder import interrupted_recipe
from models.nets.checkpoint import load_checkpoint
from models.training.named_recipes import read_recipe
from models.training.recipe import Recipe
from models.training.teacher_init import read_teacher_init
from tests.support.curated_folders import three_entries, write_curated_folders
from tests.support.stand_ins import DRAWN, stand_in_teacher
from tests.support.trained_runs import trained_run

pytestmark = pytest.mark.xdist_group("one trained run")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return trained_run(tmp_path_factory.getbasetemp() / "models-data")[0]


def test_report_metrics_and_checkpoints_name_what_the_teacher_started_from(run):
    metrics = json.loads((run.folder / "metrics.json").read_text())
    start = metrics["started_from"]
    assert start["named"] == metrics["recipe"]["init"] == "stand-in.safetensors"
    assert start["people"] == {
        "named": [], "drawn": [{"seed": 0, "batches": 1, "clips": 1}], "data_hashes": [],
    }
    page = run.report.read_text()
    for text in ("stand-in.safetensors", start["sha256"], "virtual people drawn anew"):
        assert text in page
    here = LearntFrom(
        (Person("S01", "virtual"), Person("S02", "virtual")), data_hashes=(metrics["data_hash"],)
    )
    for name, people in (
        ("teacher", DRAWN + here), ("student_kd", DRAWN + here), ("student", here),
    ):
        checkpoint = load_checkpoint(run.folder / f"{name}.safetensors")
        assert checkpoint.learnt_from == people
        told = checkpoint.about["started_from"]
        alone = name == "student"
        assert told == (None if alone else {key: start[key] for key in start if key != "people"})
    (row,) = read_training_runs(run.folder.parents[1])
    assert row.started_from is not None
    assert row.started_from.sha256 == start["sha256"]


def test_its_people_go_along_where_another_starts_from_it(run):
    data = run.folder.parents[1]
    init = read_teacher_init(Path(run.folder.name), data)
    assert (init.learnt_from.subjects, init.learnt_from.drawn) == (("S01", "S02"), DRAWN.drawn)
    assert init.learnt_from.who_of([Person("S01", "virtual", 7)]) == ["S01"]
    assert init.learnt_from.who_of([Person("S03", "virtual", 7), Person("S01", "real")]) == []


def test_a_start_that_has_learnt_from_the_tested_is_refused_before_training(tmp_path):
    data = write_curated_folders(tmp_path, three_entries())
    init = stand_in_teacher(
        data / "t.safetensors", learnt_from=LearntFrom((Person("S03", "virtual", 5),))
    )
    stages = []
    with pytest.raises(TrainingError, match="nobody who is tested, found S03 among the people"):
        train_kd(
            data, recipe=Recipe(init=str(init)), device="cpu",
            on_progress=lambda stage, *_: stages.append(stage),
        )
    assert "teacher" not in stages
    assert not (data / "runs").exists()


def test_a_run_goes_on_from_the_same_start_and_from_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr("models.report.write.write_report", lambda *_, **__: None)  # a third of it
    data = write_curated_folders(tmp_path, three_entries())
    path = stand_in_teacher(data / "t.safetensors")
    recipe = Recipe(epochs=1, teacher_epochs=1, init=str(path))

    def stop(stage, done, total):
        if stage == "teacher" and done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_kd(data, recipe=recipe, device="cpu", on_progress=stop)
    (begun_with,) = (data / "runs").glob(".*.part/run.json")
    told = json.loads(begun_with.read_text())
    assert told["started_from"]["sha256"] == told["init_sha256"]
    assert interrupted_recipe(data, folds=None, seeds=1) == recipe

    whole = path.read_bytes()
    stand_in_teacher(path, seed=10)
    with pytest.raises(ResumeError) as caught:
        train_kd(data, recipe=recipe, device="cpu", resume=True)
    said = advise(caught.value, "train-kd")
    assert f"expected the teacher to start from, {told['init_sha256'][:8]} as in" in said
    assert "bring back the file that --init named then" in said
    with pytest.raises(ResumeError) as caught:
        train_kd(data, recipe=replace(recipe, init=None), device="cpu", resume=True)
    assert "found no --init; leave the recipe out" in advise(caught.value, "train-kd")

    path.write_bytes(whole)
    done = train_kd(data, recipe=recipe, device="cpu", resume=True)
    assert done.metrics["started_from"]["sha256"] == told["init_sha256"]
    assert not list(done.folder.rglob("teacher-init"))


@pytest.mark.parametrize(("train", "folds", "started_from", "trained_on"), [
    (ENOUGH_SUBJECTS - 1, [3], None, ENOUGH_SUBJECTS - 1),
    (1, [1], None, 1),
    (ENOUGH_SUBJECTS, [3], None, None),
    (ENOUGH_SUBJECTS + 3, [3, 4], None, ENOUGH_SUBJECTS - 1),   # the larger fold trains least
    (ENOUGH_SUBJECTS + 4, [3, 4], None, None),
    (1, [1], {"named": "shipped"}, None),
])
def test_a_start_is_suggested_where_the_teacher_learns_from_few(
    train, folds, started_from, trained_on
):
    metrics = {
        "subjects": {"train": [f"S{n:02d}" for n in range(train)]},
        "folds": [{"test": [f"S{n:02d}" for n in range(count)]} for count in folds],
        "started_from": started_from, "recipe": Recipe().as_dict(),
    }
    said = _suggest_init(metrics)
    if trained_on is None:
        assert said == ""
        return
    assert f"learns from {trained_on} subject{'s' if trained_on > 1 else ''} may not" in said
    assert "--init shipped" in said


def test_no_start_is_suggested_where_none_comes_with_acq(tmp_path, monkeypatch):
    metrics = {
        "subjects": {"train": ["S01"]}, "folds": [{"test": ["S02"]}], "started_from": None,
        "recipe": Recipe().as_dict(),
    }
    assert _suggest_init(metrics)
    for other in (Recipe(teacher="tscan"), read_recipe("paper")):       # it would be refused
        assert not _suggest_init({**metrics, "recipe": other.as_dict()})
    monkeypatch.setattr(find_net, "SHIPPED", tmp_path)
    assert not _suggest_init(metrics)
