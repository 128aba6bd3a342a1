"""Options of before are refused by name, with what replaced them."""

import pytest
from typer.testing import CliRunner

from acq.gone import GONE
from acq.main import app
from acquire.errors import AcqError
from models.training.named_recipes import flatten_recipe, read_recipe


@pytest.mark.parametrize("option", sorted(GONE))
def test_an_option_that_is_gone_names_the_key_that_replaced_it(option):
    result = CliRunner().invoke(app, ["train-kd", f"{option}=1"])
    assert isinstance(result.exception, AcqError)
    assert f"it is the key {GONE[option]} of a recipe now" in str(result.exception)
    known = {**flatten_recipe(read_recipe("acq").as_dict()), "seed": 0}
    assert GONE[option].partition(":")[0] in known


def test_physnet_is_one_of_the_networks_beside():
    result = CliRunner().invoke(app, ["train-kd", "--physnet"])
    assert str(result.exception) == "--physnet is gone; write --also physnet"


def test_a_recipe_is_shown_as_the_file_that_it_is():
    result = CliRunner().invoke(app, ["train-kd", "--recipe", "paper", "--show-recipe"])
    assert result.exit_code == 0
    assert result.stdout.startswith("# The reference paper, to the letter.")
    assert "norm: sum" in result.stdout


@pytest.mark.parametrize("words", [
    ["ls", "--csv"], ["predict", "a.avi", "--csv", "x.csv"], ["live", "--csv=x.csv"],
    ["evaluate", "all", "--csv", "x.csv"],
], ids=lambda words: words[0])
def test_csv_names_table(words):
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, AcqError)
    assert str(result.exception).startswith("--csv is gone; write --table FILE.csv")
