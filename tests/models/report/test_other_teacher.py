"""The report of a run whose teacher is not the paper's: it is named wherever that matters."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from models.experiment.summary import beside_paper
from models.published_nets.clips.physnet import PhysNet, PhysNetConfig
from models.published_nets.rates.synrhythm import SynRhythm
from models.report import published
from models.report.method import method
from models.report.training import curves
from models.report.write import report_head
from models.training.beside import choose_teacher
from models.training.recipe import Recipe
from tests.support.made_reports import metrics_of, networks, results
from tests.support.pages import Tables

FOUND = results("S01", methods=("teacher", "student", "student_kd", "pos"))


def metrics_with(recipe):
    return metrics_of(FOUND) | {
        "recipe": recipe.as_dict(), "beside_paper": beside_paper(recipe),
    }


@pytest.fixture(scope="module")
def metrics():
    return metrics_with(choose_teacher(Recipe(teacher="physnet")))


def words(section):
    return " ".join(section.split())


def test_the_head_and_the_method_name_it_and_how_it_learnt(metrics):
    assert "the teacher is PhysNet, not the paper’s" in words(report_head(metrics))
    made = words(method(metrics))
    assert "PhysNet (Yu, Li, Zhao, BMVC 2019), from scratch" in made
    assert "one cycle to 0.001; loss: 1 − r over the clip" in made
    assert '<code>teacher</code></td><td>"physnet"</td><td>"can"</td>' in made
    usual = metrics_with(Recipe())
    assert "<code>teacher</code>" not in method(usual)
    assert "not the paper’s" not in report_head(usual)
    assert "from scratch, as the students" in method(usual)


def test_table_1_has_it_in_its_own_row_and_the_columns_are_not_the_paper_s(metrics):
    here = "here, virtual subjects, over windows"
    teacher = metrics["methods"]["teacher"]
    found = Tables(published.systems(metrics)).cell("PhysNet", here)
    assert found == f"{teacher['mae_bpm']:.3f} / {teacher['rmse_bpm']:.3f}"
    said = "The teacher of this run is PhysNet; what is published is of the paper’s own."
    assert said in published.beside_the_paper(metrics)
    usual = metrics_with(Recipe())
    assert Tables(published.systems(usual)).cell("PhysNet", here) == "not trained in this run"
    assert said not in published.beside_the_paper(usual)


def test_its_loss_is_named_and_a_rate_is_not_drawn_beside_pulses(metrics):
    trained = networks(FOUND)
    trained["teacher"] = replace(
        trained["teacher"], net=PhysNet(PhysNetConfig(channels=(2, 2, 2), size=8))
    )
    trained["synrhythm"] = replace(trained["student"], net=SynRhythm())
    both = metrics | {"methods": metrics["methods"] | {"synrhythm": {"seconds": 1.0}}}
    said = words(curves(trained, both))
    assert "drawn: teacher, 1 − r over the clip." in said
    assert "Not drawn, for a rate is not a pulse: SynRhythm." in said


