"""Table 1 of the paper: each system as published, beside what it gave in this run."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from models.report import published
from tests.support.made_reports import metrics_of, results
from tests.support.pages import Tables

HERE = "here, virtual subjects, over windows"
THERE = "published, UBFC-rPPG"


@pytest.fixture(scope="module")
def table():
    return Tables(published.systems(metrics_of(results("S01"))))


@pytest.mark.parametrize(
    ("system", "there"),
    [
        ("Meta-rPPG", "5.970 / 7.420"), ("SynRhythm", "5.590 / 6.820"),
        ("3D CNN (Bousefsaf)", "5.450 / 8.640"), ("CHROM", "4.700 / 6.610"),
        ("AHRE", "4.200 / 5.780"), ("PhysNet", "3.630 / 5.290"), ("PulseGAN", "1.190 / 2.100"),
        ("rPPGNet", "0.720 / 1.470"), ("proposed: student + KD", "3.444 / 7.298"),
    ],
)
def test_every_system_has_its_published_figures(table, system, there):
    assert table.cell(system, THERE) == there


def test_a_run_in_folds_has_each_system_by_fold_as_the_paper_counts():
    found = results("S01", "S02", "S03")
    first, *others = found["chrom"]
    found["chrom"] = [replace(first, predicted_bpm=first.reference_bpm + 9), *others]
    metrics = metrics_of(found, folds=2)
    metrics["folds"][1]["test"] = ["S02", "S03"]
    page = published.systems(metrics)
    whole, by_fold = Tables(page).all
    assert by_fold[0] == ["MAE / RMSE [bpm], per signal", "fold 1", "fold 2"]
    rows = {row[0]: row[1:] for row in by_fold[1:]}
    assert rows["CHROM"] == ["9.000 / 9.000", "1.429 / 1.429"]      # 3 off in 10 of 21 windows
    assert rows["PhysNet"] == ["1.905 / 1.905"] * 2
    assert "PulseGAN" not in rows
    (chrom,) = (row for row in whole if row[0] == "CHROM")
    # their mean; nothing varies where S02 and S03 alone can be drawn, which are alike
    assert chrom[3] == "5.214 / 5.214 [5.21, 5.21] / [5.21, 5.21]"
    assert chrom[2] == "3.952 / 5.464 [1.43, 9.00] / [2.07, 9.00]"
    assert len(Tables(published.systems(metrics_of(found))).all) == 1


def test_what_was_run_stands_beside_and_what_was_not_says_why(table):
    assert table.cell("PhysNet", HERE) == "1.905 / 2.760"          # made 4 bpm off in 10 of 21
    assert table.cell("PulseGAN", HERE) == "not trained in this run"
    for system in ("Meta-rPPG", "SynRhythm", "3D CNN (Bousefsaf)", "rPPGNet"):
        assert table.cell(system, HERE) == "not trained in this run"
    assert table.cell("AHRE", HERE) == "a quote: no public description was found"
