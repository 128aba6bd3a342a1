"""Folders of runs: one for each, and found again."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

pytest.importorskip("torch")

from acq.advice import word_interrupt
from acquire.errors import Fix, TrainingError
from acquire.interrupts import note_left, what_is_left
from dataset.runs import read_training_runs
from models.experiment.run_folder import claim_folder, find_interrupted, open_run_folder

BEGUN = datetime(2026, 11, 22, 10, 15, tzinfo=timezone.utc)


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path):
    claims = [claim_folder(tmp_path / "runs", BEGUN) for _ in range(2)]     # two at once
    for part, folder in claims:
        part.rename(folder)
    claims.append(claim_folder(tmp_path / "runs", BEGUN))  # and one when both are done
    assert [folder.name for _, folder in claims] == [
        "20261122T101500Z", "20261122T101500Z-2", "20261122T101500Z-3",
    ]


SUBJECTS = {"train": ["S01"], "test": ["S02"]}


def open_folder(data, begun_with, **options):
    return open_run_folder(data, begun_with, told={"subjects": SUBJECTS}, begun=BEGUN, **options)


def interrupt(data, begun_with, error=KeyboardInterrupt):
    with pytest.raises(error), open_folder(data, begun_with, resume=False) as (part, _):
        raise error
    return part


def test_an_interrupted_run_is_found_by_what_it_was_begun_with(tmp_path):
    part, runs = interrupt(tmp_path, {"seeds": 2, "betas": (0.9, 0.99)}), tmp_path / "runs"
    assert find_interrupted(runs, {"seeds": 2, "betas": (0.9, 0.99)}) == (
        part, runs / "20261122T101500Z",
    )
    words = r"seeds 2 as in .* 20261122T101500Z, found 3"
    with pytest.raises(TrainingError, match=words) as caught:
        find_interrupted(runs, {"seeds": 3})
    assert (caught.value.fix, caught.value.of) == (Fix.RESUME_AS_BEGUN, "20261122T101500Z")
    (part / "run.json").write_text("[")
    with pytest.raises(TrainingError, match="begun with"):
        find_interrupted(runs, {"seeds": 2})


def test_of_several_interrupted_runs_the_one_that_was_begun_with_the_same_goes_on(tmp_path):
    parts = [interrupt(tmp_path, {"seeds": seeds}) for seeds in (1, 2, 3)]
    for part, seeds in zip(parts, (1, 2, 3), strict=True):
        assert find_interrupted(tmp_path / "runs", {"seeds": seeds})[0] == part


def test_it_is_known_from_the_first_moment_on_what_a_signal_would_leave(tmp_path):
    note_left("nothing")
    with open_folder(tmp_path, {"seeds": 1}, resume=False):
        assert what_is_left() == "to resume"
    assert what_is_left() == "whole"
    assert "nothing is kept" in word_interrupt("train-kd", 15, "nothing")
    assert "--resume goes on" in word_interrupt("train-kd", 15, "to resume")


def test_a_run_under_way_is_resumed_by_nobody_else(tmp_path):
    interrupt(tmp_path, {"seeds": 1})
    with (
        open_folder(tmp_path, {"seeds": 1}, resume=True),
        pytest.raises(TrainingError, match="an interrupted run, found none"),
    ):
        find_interrupted(tmp_path / "runs", {"seeds": 1})


def test_who_is_in_a_run_that_has_not_ended_is_known(tmp_path):
    interrupt(tmp_path, {"seeds": 1, "data_hash": "a" * 64})
    (run,) = read_training_runs(tmp_path)
    assert run.is_interrupted
    assert (run.train, run.test, run.data_hash) == (("S01",), ("S02",), "a" * 64)
    assert run.problems == ()


def test_a_run_that_is_stopped_while_it_gets_its_name_gets_it(tmp_path, monkeypatch):
    rename, asked = Path.rename, []

    def stop_once(path, target):
        if not asked:
            asked.append(path)
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stop_once)
    with pytest.raises(KeyboardInterrupt), open_folder(tmp_path, {}, resume=False) as (part, _):
        (part / "metrics.json").write_text("{}")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["20261122T101500Z"]


def test_without_an_interrupted_run_there_is_nothing_to_resume(tmp_path):
    with pytest.raises(TrainingError, match="an interrupted run") as caught:
        find_interrupted(tmp_path, {})
    assert caught.value.fix is Fix.BEGIN_ANEW


def test_a_failure_removes_the_folder(tmp_path):
    interrupt(tmp_path, {}, ValueError)
    assert not list((tmp_path / "runs").iterdir())


def test_a_run_that_was_begun_before_teachers_had_names_goes_on(tmp_path):
    part = interrupt(tmp_path, {"seeds": 1, "recipe": {"sha256": "0", "epochs": 3}})
    begun_with = {"seeds": 1, "recipe": {"sha256": "0", "epochs": 3, "teacher": "can"}}
    assert find_interrupted(tmp_path / "runs", begun_with)[0] == part
    begun_with["recipe"]["teacher"] = "physnet"
    with pytest.raises(TrainingError, match=r"recipe\.teacher \"can\" as in"):
        find_interrupted(tmp_path / "runs", begun_with)
