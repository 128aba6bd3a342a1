"""Table 1 of the paper: each system as published, beside what it gave in this run."""

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


def test_what_was_run_stands_beside_and_what_was_not_says_why(table):
    assert table.cell("PhysNet", HERE) == "1.905 / 2.760"          # made 4 bpm off in 10 of 21
    assert table.cell("PulseGAN", HERE) == "not trained in this run"
    for system in ("Meta-rPPG", "SynRhythm", "3D CNN (Bousefsaf)", "rPPGNet"):
        assert table.cell(system, HERE) == "not trained in this run"
    assert table.cell("AHRE", HERE) == "a quote: no public description was found"
