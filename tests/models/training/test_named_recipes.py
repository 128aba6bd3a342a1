"""Recipes in files: those that come with acq, and what is refused in one's own."""

import re
from dataclasses import asdict, replace

import pytest
import yaml

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from dataset.signals.filters import FILTER_ORDER, WINDOW_S
from dataset.signals.windows import STEP_S
from models.nets.can import PAIRS_PER_MASK
from models.training.named_recipes import (
    NAMES,
    differences,
    find_recipe,
    flatten_recipe,
    read_recipe,
    write_recipe,
)
from models.training.recipe import NOT_HOW, Recipe


@pytest.mark.parametrize("name", NAMES)
def test_each_file_holds_every_key(name):
    body = yaml.safe_load(find_recipe(name).read_text())
    recipe = read_recipe(name)
    assert recipe.name == name
    expected = {key: value for key, value in asdict(recipe).items() if key not in NOT_HOW}
    assert body == {**expected, "seed": 0}


def test_the_usual_recipe_is_that_of_the_file_acq():
    assert read_recipe("acq") == Recipe()
    assert Recipe().clip == PAIRS_PER_MASK


@pytest.mark.parametrize("name", NAMES)
def test_one_that_comes_with_acq_is_written_as_it_stands(name):
    assert write_recipe(name, {"also": ("physnet",)}).encode() == find_recipe(name).read_bytes()


def test_one_of_ones_own_is_written_whole_as_it_will_train(tmp_path):
    mine, whole = tmp_path / "mine.yaml", tmp_path / "whole.yaml"
    mine.write_text("learning_rate: 2e-5\ndistill: {kd: at}")     # text in YAML 1.1
    whole.write_text(write_recipe(str(mine), {"epochs": 5}))
    assert yaml.safe_load(whole.read_text()).keys() == yaml.safe_load(
        find_recipe("acq").read_text()).keys()
    expected = replace(Recipe(), name="whole", learning_rate=2e-5, epochs=5)
    assert read_recipe(str(whole)) == replace(
        expected, distill=replace(expected.distill, kd="at"))
    mine.write_text("epochs: three")
    with pytest.raises(TrainingError, match="text instead of a whole number at"):
        write_recipe(str(mine), {})


def test_the_paper_is_kept_to_the_letter():
    recipe = read_recipe("paper")
    assert (recipe.motion, recipe.clip, recipe.shift) == ("difference", 1, 0)
    assert (recipe.shape_weight, recipe.pretrain_epochs, recipe.init) == (0, 0, None)
    distill = recipe.distill
    assert (distill.kd, distill.levels, distill.norm) == ("tat", "both", "sum")
    assert (distill.weight_middle, distill.weight_last, distill.weight_pulse) == (1, 1, 0)
    assert (distill.scaled, distill.changes, distill.share) == (False, False, 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("epoch: 3", "the key epoch, which no recipe has; near is epochs"),
        (
            "distill: {weigth_last: 1}",
            "the key weigth_last under distill:, which no recipe has; near is weight_last in ",
        ),
        ("distill.kd: at", "the key distill.kd with a dot; put kd: under distill: in "),
        ("distill.weigth_last: 1", "put weight_last: under distill: in "),
        ("distil.kd: at", "the key distil.kd, which no recipe has; near is distill in "),
        ("init: shipped", "the key init, which is chosen with each training in "),
        ("also: physnet", "the key also, which is chosen with each training in "),
        ("name: mine", "the key name; a recipe has the name of its file in "),
        ("kd: at", "the key kd at the top; put it under distill: in "),
        ("weight_pulse: 0", "the key weight_pulse at the top; put it under distill: in "),
        ("distill: {epochs: 3}", "the key epochs under distill:; put it at the top in "),
        ("1: 3", "the key 1, which no recipe has in "),
        ("epochs: 010", r"text instead of a whole number at \$.epochs"),
        ("epochs: 0x10", r"text instead of a whole number at \$.epochs"),
        ("epochs: 1_0", r"text instead of a whole number at \$.epochs"),
        ("epochs: 1:30", r"text instead of a whole number at \$.epochs"),
        ("learning_rate: 1:30.5", r"text instead of a number at \$.learning_rate"),
        ("epochs: 0", r"of at least 1 at \$.epochs"),
        ("epochs: many", r"text instead of a whole number at \$.epochs"),
        ("distill: {norm: max}", r"distill.norm: 'max', which is none of mean, sum, root in "),
        ("distill: {kd: tatt}", "distill.kd: 'tatt', which is none of tat, fitnet, at, none in "),
        (
            "distill: {kd: at, weight_middle: 0, weight_last: 0, weight_pulse: 0}",
            "learns from its teacher, found under distill: kd: at, levels: both, weight_middle: 0, "
            "weight_last: 0, weight_pulse: 0 in ",
        ),
        ("distill: {levels: last, weight_last: 0, weight_pulse: 0}", "found under distill: kd: ta"),
        ("distill: {kd: none, weight_pulse: 0}", "found under distill: kd: none, levels: both, we"),
        ("precision: 32", "precision: 32, which is none of auto, float32, bfloat16 in "),
        ("learning_rate: .nan", "learning_rate"),
        ("clip: 1", "found clip: 1"),
        ("clip: [", "a recipe"),
        ("epochs: 1\nclip: 8\nepochs: 2", "the key epochs twice, in lines 1 and 3"),
        ("- epochs", "no keys with values"),
    ],
)
def test_what_no_recipe_can_be_is_refused_in_a_line(tmp_path, text, found):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=found) as caught:
        read_recipe(str(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", [
    "{kd: none}", "{weight_middle: 0, weight_last: 0}", "{weight_last: 0, weight_pulse: 0}",
    "{levels: middle, weight_last: 0, weight_pulse: 0}",
])
def test_one_way_of_teaching_is_enough(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(f"distill: {text}")
    assert read_recipe(str(path)).distill.teaches


def test_a_name_that_is_nearly_one_is_asked_about():
    with pytest.raises(TrainingError, match="acq, paper, fast, or a file, found 'papr'; did you"):
        read_recipe("papr")
    with pytest.raises(TrainingError, match="found 'PAPER'; did you mean paper"):
        read_recipe("PAPER")


def test_a_copy_has_its_own_name_and_the_same_hash(tmp_path):
    copy = tmp_path / "mine.yaml"
    copy.write_text(find_recipe("paper").read_text())
    recipe, paper = read_recipe(str(copy)), read_recipe("paper")
    assert (recipe.name, recipe.sha256) == ("mine", paper.sha256)
    copy.write_text(copy.read_text().replace("norm: sum ", "norm: mean"))
    changed = read_recipe(str(copy))
    assert changed.sha256 != paper.sha256
    (line,) = differences(changed, "paper")
    assert line == {"key": "distill.norm", "here": "mean", "there": "sum"}
    assert {line["key"] for line in differences(Recipe(), "paper")} >= {"motion", "clip", "shift"}


def test_the_document_has_every_key_with_the_values_of_the_files(repo):
    rows = {
        key: (acq, paper, told)
        for key, acq, paper, told in re.findall(
            r"^\| `([a-z_.]+)` \| `([^`]+)` \| `([^`]+)` \| ([^|]*) \|",
            (repo / "docs" / "recipes.md").read_text(), flags=re.M,
        )
    }
    files = [yaml.safe_load(find_recipe(name).read_text()) for name in ("acq", "paper")]
    flat = [{**flatten_recipe(body), "seed": body["seed"]} for body in files]
    assert rows.keys() == flat[0].keys()
    comments = dict(re.findall(
        r"^ *(\w+): \S+ +# (stated|choice)", find_recipe("paper").read_text(), flags=re.M
    ))
    for key, (acq, paper, told) in rows.items():
        assert [yaml.safe_load(acq), yaml.safe_load(paper)] == [of[key] for of in flat], key
        is_stated = comments[key.rpartition(".")[2]] == "stated"
        assert told.startswith("stated") == is_stated, key


@pytest.mark.parametrize(
    "line", [
        f"{key}: 99999999999999999999"
        for key in ("seed", "epochs", "teacher_epochs", "batch_clips", "pretrain_epochs", "clip")
    ],
)
def test_a_number_that_nothing_can_be_trained_with_is_refused_before_training(tmp_path, line):
    """torch takes a seed of 64 bits."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(line)
    with pytest.raises(TrainingError, match=rf"\$\.{line.partition(':')[0]} in "):
        read_recipe(str(mine))


def test_a_folder_is_no_recipe(tmp_path):
    with pytest.raises(TrainingError, match=rf"found '{tmp_path}', a folder; "):
        read_recipe(str(tmp_path))


def test_what_no_recipe_changes_says_why_where_the_paper_states_nothing(repo):
    text = (repo / "docs" / "recipes.md").read_text().split("## What no recipe changes")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()
            if line.startswith("|") and not line.startswith("|--")][1:]
    assert {row[0] for row in rows} >= {"optimiser", "overlap of windows", "order of the band-pass"}
    for what, _, here, why in rows:
        assert why or here == "the same" or here.startswith("[reproduce.md]"), what


def test_the_document_has_the_windows_and_the_filter_that_are_used(repo):
    text = (repo / "docs" / "recipes.md").read_text()
    assert f"| Butterworth of order {FILTER_ORDER}, forwards and backwards |" in text
    assert f"| {WINDOW_S:g} s each, one every second |" in text
    assert STEP_S == 1.0
