"""The command of docs/reproduce.md that gives tables 1 and 2 whole, with fewer folds and epochs."""

import json
import re
import shlex
from dataclasses import replace
from functools import partial

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from acq.main import app
from acquire.data_folder import runs_dir
from models.evaluation.compare import compare_methods
from models.published_nets.registry import OWN
from models.published_nets.titles import OWN_TITLES
from models.training import beside
from tests.support import REPO
from tests.support.curated_folders import three_entries, write_curated_folders, write_dataset_2
from tests.support.pages import Tables
from tests.support.tiny_nets import TINY

PATH = "/path/to/UBFC_rPPG/DATASET_2"
LESS = ("--epochs", "1", "--jobs", "1", "--device", "cpu")
MAE_AND_RMSE = re.compile(r"\d+\.\d{3} / \d+\.\d{3}")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Three people, as UBFC's DATASET_2 lays them out."""
    data = tmp_path_factory.mktemp("curated")
    write_curated_folders(data, three_entries())
    return write_dataset_2(tmp_path_factory.mktemp("DATASET_2"), data)


@pytest.fixture(scope="module")
def run(published, tmp_path_factory):
    """Run the command with small networks: at 128x128 a step takes minutes."""
    (command,) = re.findall(
        r"^acq (train-kd .*--also all)$", (REPO / "docs/reproduce.md").read_text(), re.MULTILINE
    )
    words = shlex.split(command.replace(PATH, str(published)).replace("--folds 5", "--folds 2"))
    data = tmp_path_factory.mktemp("run")
    tiny = {
        name: replace(spec, config=partial(spec.config, **TINY[name])) for name, spec in OWN.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beside, "find_network", tiny.get)
        result = CliRunner().invoke(app, [*words, *LESS, "--data", str(data)])
    assert result.exit_code == 0, result.output
    (folder,) = runs_dir(data).iterdir()
    return folder


@pytest.fixture(scope="module")
def metrics(run):
    return json.loads((run / "metrics.json").read_text())


@pytest.fixture(scope="module")
def tables(run):
    return [rows for rows in Tables((run / "report.html").read_text()).all if rows]


def test_table_1_has_every_system_as_published_and_here(tables):
    (whole,) = [rows for rows in tables if "published, UBFC-rPPG" in rows[0]]
    here = {system: cells for system, _published, *cells in whole[1:]}
    assert {*here} >= {*OWN_TITLES.values(), "CHROM", "AHRE", "proposed: student + KD"}
    assert here.pop("AHRE")[0] == "a quote: no public description was found"
    for system, (over_windows, per_signal, coverage) in here.items():
        assert MAE_AND_RMSE.match(over_windows), system
        assert MAE_AND_RMSE.match(per_signal), system
        assert coverage.endswith(" %"), system


def test_table_2_has_every_network_in_every_fold(tables, metrics):
    found = {}      # its parts stand below one another
    for head, *rows in (rows for rows in tables if rows[0][0] == "MAE / RMSE [bpm]"):
        for part, *cells in rows:
            found.update(
                {(part, title): cell for title, cell in zip(head[1:], cells, strict=True)}
            )
    folds = [f"fold {n}: {', '.join(f['test'])}" for n, f in enumerate(metrics["folds"], start=1)]
    assert len(folds) == 2
    for part in (*folds, "mean of folds"):
        for title in ("teacher", "student", "student + KD", *OWN_TITLES.values()):
            assert MAE_AND_RMSE.fullmatch(found[part, title]), (part, title)


def test_it_is_the_papers_recipe_on_real_people(metrics):
    assert {line["key"] for line in metrics["beside_paper"]} == {"epochs", "teacher_epochs"}
    assert {*metrics["methods"]["student_kd"]["curve"][0]} == {"loss", "label", "middle", "last"}
    assert metrics["people"] == "real"
    assert metrics["methods"]["pos"]["mae_bpm"] < 1.0


def test_evaluate_gives_the_figures_of_every_network_again(run, metrics, published):
    again = compare_methods(run.parents[1], [run.name], source=published).summary()
    assert json.loads(json.dumps(again["folds"])) == metrics["folds"]
    for name in ("teacher", "student", "student_kd", *OWN):
        found = json.loads(json.dumps(again["methods"][f"{run.name}/{name}"]))
        assert found.keys() >= {"mae_bpm", "rmse_bpm", "per_signal", "snr_db"}
        assert found == {key: metrics["methods"][name][key] for key in found}, name
