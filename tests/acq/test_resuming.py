"""What an interrupted run was begun with, as options that begin the very same."""

import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from acq.advice import advise
from acq.main import main
from acq.resuming import resume_command
from acquire.errors import ResumeError
from models.distillation.distill import DistillConfig
from models.experiment.run_folder import find_interrupted, interrupted_recipe
from models.training.recipe import Recipe
from tests.models.experiment.test_run_folder import interrupt

DATA = {"data_hash": "a" * 64, "split_hash": "b" * 64}
OTHER = Recipe(name="mine", epochs=1, clip=16, distill=DistillConfig(kd="at"), also=("physnet",))


def begun(recipe, *, folds=None, seeds=1, **hashes):
    return {"recipe": recipe.as_dict(), "folds": folds, "seeds": seeds, **DATA, **hashes}


def test_the_command_that_goes_on_names_what_is_not_usual():
    assert resume_command(begun(Recipe()), Path("data")) == "acq train-kd --resume"
    assert resume_command(begun(OTHER, folds=5, seeds=2), Path("a b")) == (
        "acq train-kd --resume --folds 5 --seeds 2 --data 'a b'"
    )
    of_sessions = {**begun(Recipe()), "read_from": "sessions"}
    assert resume_command(of_sessions, Path("data")) == "acq train-kd --resume --from sessions"


def test_the_recipe_of_a_run_is_taken_from_it(tmp_path):
    interrupt(tmp_path, begun(OTHER, folds=5))
    assert interrupted_recipe(tmp_path, folds=5, seeds=1) == OTHER
    assert interrupted_recipe(tmp_path, folds=None, seeds=1) is None


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    recipe = json.loads(json.dumps(begun(replace(OTHER, name="acq"))))["recipe"]
    for key in ("name", "sha256", "motion", "also"):
        del recipe[key]
    for key in ("norm", "scaled"):
        del recipe["distill"][key]
    before = {"folds": None, "seeds": 1, **DATA, "recipe": {**recipe, "physnet": True}}
    interrupt(tmp_path, before)
    taken = interrupted_recipe(tmp_path, folds=None, seeds=1)
    assert taken == replace(OTHER, name="acq")
    part, _ = find_interrupted(tmp_path / "runs", begun(taken))
    assert part.name == ".20261122T101500Z.part"


@pytest.mark.parametrize(
    ("now", "expected", "found", "way"),
    [
        (
            begun(replace(OTHER, epochs=12, clip=8)), "epochs: 1, clip: 16", "epochs: 12, clip: 8",
            "leave the recipe out, which --resume takes from the run",
        ),
        (begun(OTHER, folds=3), "no --folds", "--folds 3", "give the options as it was begun with"),
        (
            begun(OTHER, split_hash="c" * 64), "split bbbbbbbb", "split cccccccc",
            "bring back the split.json",
        ),
    ],
    ids=["recipe", "settings", "split"],
)
def test_all_that_differs_is_named_at_once(tmp_path, now, expected, found, way):
    interrupt(tmp_path, begun(OTHER))
    with pytest.raises(ResumeError) as caught:
        find_interrupted(tmp_path / "runs", now)
    said = advise(pickle.loads(pickle.dumps(caught.value)), "train-kd")
    assert said.startswith(
        f"expected {expected} as in the interrupted run 20261122T101500Z, found {found}; {way}"
    )
    assert said.endswith("acq runs --remove 20261122T101500Z")


def test_after_an_error_it_is_said_what_is_kept_and_what_goes_on(monkeypatch, capsys, tmp_path):
    kept = "what is trained is kept: once the error is mended, the same command with --resume goes"
    for verb in ("train-kd", "evaluate"):
        monkeypatch.setattr(sys, "argv", ["acq", verb, "--data", str(tmp_path / "nowhere")])
        for left in ("after an error", "nothing"):
            monkeypatch.setattr("acq.main.what_is_left", lambda left=left: left)
            with pytest.raises(SystemExit) as caught:
                main()
            assert caught.value.code in (1, 2)
            is_said = kept in " ".join(capsys.readouterr().err.split())
            assert is_said == (verb == "train-kd" and left == "after an error")
