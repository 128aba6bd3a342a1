"""Runs on published folders, and with another network as the teacher."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from acquire.errors import CurationError, Fix, TrainingError
from models.data.curated import load_curated
from models.data.published_ubfc import load_dataset_2
from models.evaluation.compare import compare_methods
from models.experiment.run import train_kd
from models.published_nets.registry import OWN
from models.training import beside
from models.training.recipe import Recipe
from tests.support.curated_folders import write_dataset_2
from tests.support.tiny_nets import TINY

QUICK = Recipe(epochs=1, teacher_epochs=1, precision="float32")


@pytest.fixture(scope="module")
def published(data, tmp_path_factory):
    """The same videos as UBFC's DATASET_2 lays them out."""
    return write_dataset_2(tmp_path_factory.mktemp("DATASET_2"), data)


def test_published_folders_are_read_in_place(published, data, tmp_path, no_report):
    whole, defects = load_dataset_2(published, cache=tmp_path / "cache")
    ours = load_curated(data)
    assert [r.subject for r in whole.train] == ["subject1", "subject2", "subject3"]
    assert [text.partition(":")[0] for text in defects if "repeat" in text] == [
        "subject1", "subject2", "subject3"
    ]
    # the folders have rows of 72 bpm, the first PPG is of 60
    assert [text.partition(":")[0] for text in defects if "device's" in text] == ["subject1"]
    for r, own in zip(whole.train, (*ours.train, *ours.test), strict=True):
        assert torch.equal(r.motion, own.motion)
        inner = slice(30, -30)
        assert np.corrcoef(r.ppg[inner], own.ppg[inner])[0, 1] > 0.999
    assert sorted(p.name for p in published.iterdir()) == ["subject1", "subject2", "subject3"]


@pytest.fixture
def tiny_networks(monkeypatch):
    """Make the networks of other papers small: at 128x128 a step takes minutes."""
    tiny = {
        name: replace(spec, config=partial(spec.config, **TINY[name])) for name, spec in OWN.items()
    }
    monkeypatch.setattr(beside, "find_network", tiny.get)


def test_another_network_as_the_teacher(data, no_report, tiny_networks):
    recipe = replace(QUICK, teacher="pulsegan", also=("pulsegan",))
    run = train_kd(data, recipe=recipe, device="cpu")
    methods = run.metrics["methods"]
    assert methods["teacher"]["videos"] == methods["pulsegan"]["videos"]
    assert set(methods["student_kd"]["curve"][0]) == {"loss", "label", "pulse"}
    assert run.metrics["recipe"]["teacher"] == "pulsegan"
    assert run.metrics["recipe"]["distill"]["kd"] == "none"         # as it was done
    unlike = {"key": "teacher", "here": "pulsegan", "there": "can"}
    assert unlike in run.metrics["beside_paper"]
    again = compare_methods(data, [run.folder.name]).summary()["methods"]
    for name in ("teacher", "student_kd"):
        assert again[f"{run.folder.name}/{name}"]["mae_bpm"] == methods[name]["mae_bpm"]


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        pytest.param(
            lambda r: (r / "subject2" / "vid.avi").unlink(), CurationError,
            "1 files missing: .*subject2/vid.avi", id="gone",
        ),
        pytest.param(
            lambda r: (r / "subject1" / "ground_truth.txt").write_text("nan nan\n1 1\n0 0.1\n"),
            TrainingError, "expected a PPG, .*subject1", id="nan",
        ),
        pytest.param(
            lambda r: [(r / f"subject{n}").rename(r / f"s{n}") for n in (2, 3)], TrainingError,
            "two folders", id="one",
        ),
    ],
)
def test_broken_published_sets_are_refused_before_any_work(
    published, tmp_path, spoil, error, words
):
    root = tmp_path / "set"
    for folder in published.iterdir():
        (root / folder.name).mkdir(parents=True)
        for file in folder.iterdir():
            (root / folder.name / file.name).symlink_to(file)
    if (root / "subject1" / "ground_truth.txt").is_symlink():
        text = (root / "subject1" / "ground_truth.txt").read_text()
        (root / "subject1" / "ground_truth.txt").unlink()
        (root / "subject1" / "ground_truth.txt").write_text(text)
    spoil(root)
    with pytest.raises(error, match=words):
        train_kd(tmp_path / "data", recipe=QUICK, device="cpu", folds=2, source=root)
    assert not (tmp_path / "data").exists()


def test_published_folders_want_folds(published, tmp_path):
    with pytest.raises(TrainingError, match="no test side") as caught:
        train_kd(tmp_path, recipe=QUICK, device="cpu", source=published)
    assert caught.value.fix is Fix.TRAIN_WITH_FOLDS
