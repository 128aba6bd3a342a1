"""What an interrupted run was begun with, as options that begin the very same."""

import pickle
from dataclasses import asdict
from pathlib import Path

import pytest

from acq.advice import advise
from acq.commands.train import _recipe
from acq.resuming import OPTIONS, resume_command
from acquire.errors import ResumeError
from models.experiment.run_folder import find_interrupted
from models.training.recipe import Recipe
from tests.models.experiment.test_run_folder import interrupt

DATA = {"data_hash": "a" * 64, "split_hash": "b" * 64}


def begun(recipe, *, folds=None, seeds=1, **hashes):
    return {"recipe": asdict(recipe), "folds": folds, "seeds": seeds, **DATA, **hashes}


def test_every_option_has_the_default_of_the_recipe():
    assert resume_command(begun(Recipe()), Path("data")) == "acq train-kd --resume"
    for path, (_, default) in OPTIONS.items():
        value = begun(Recipe())
        for key in path.split("."):
            value = value[key]
        assert value == default, path


def test_the_command_that_goes_on_names_what_is_not_usual():
    recipe = _recipe(
        {"kd": "at", "weight_pulse": 0.5}, {"epochs": 1, "clip": 16, "physnet": True},
        augment=False,
    )
    assert resume_command(begun(recipe, folds=5), Path("a b")) == (
        "acq train-kd --resume --folds 5 --epochs 1 --kd at --soft-weight 0.5 --clip 16 "
        "--no-augmentation --physnet --data 'a b'"
    )


@pytest.mark.parametrize(
    ("now", "expected", "found", "way"),
    [
        (begun(Recipe()), "--epochs 1, --clip 16", "--epochs 12, --clip 8", "give the options"),
        (
            begun(_recipe({}, {"epochs": 1, "clip": 16}, augment=True), split_hash="c" * 64),
            "split bbbbbbbb", "split cccccccc", "bring back the split.json",
        ),
    ],
    ids=["settings", "split"],
)
def test_all_that_differs_is_named_at_once_as_options(tmp_path, now, expected, found, way):
    interrupt(tmp_path, begun(_recipe({}, {"epochs": 1, "clip": 16}, augment=True)))
    with pytest.raises(ResumeError) as caught:
        find_interrupted(tmp_path / "runs", now)
    said = advise(pickle.loads(pickle.dumps(caught.value)), "train-kd")
    assert said.startswith(
        f"expected {expected} as in the interrupted run 20261122T101500Z, found {found}; {way}"
    )
    assert said.endswith("acq runs --remove 20261122T101500Z")
