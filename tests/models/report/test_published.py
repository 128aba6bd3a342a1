from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.evaluation.methods import COLOUR_TITLES
from models.evaluation.published import (
    PUBLISHED,
    as_the_paper_counts,
    gap_closed,
    largest_ratio,
)
from models.report import published, tables
from models.report.write import report_head
from tests.support.made_reports import RATES, metrics_of, results
from tests.support.pages import Tables, words_of

TWO = results("S01", "S02")


@pytest.fixture(scope="module")
def metrics():
    return metrics_of(TWO)


def test_tables_of_further_networks_have_no_empty_row_of_the_paper():
    metrics = metrics_of(TWO, folds=2)
    for part in (metrics, *metrics["folds"]):
        part["methods"]["deepphys"] = part["methods"]["physnet"]        # six columns: two tables
    of_folds, of_hold_out = (
        Tables(table(metrics)).all for table in (published.folds, published.hold_out)
    )
    assert [table[-1][0].startswith("published") for table in of_folds] == [True, False]
    assert len(of_folds[0]) == len(of_folds[1]) + 1
    assert len(of_hold_out) == 1                                        # a run in folds has no row


def test_a_hold_out_fills_table_3_and_folds_fill_tables_1_and_2(metrics):
    held, folded = metrics, metrics_of(TWO, folds=5)
    ours = "this run, virtual subjects, trained on 2, tested on 2"
    table = Tables(published.hold_out(held))
    assert table.cell(ours, "student + KD") == "0.952 / 1.380 [0.95, 0.95] / [1.38, 1.38]"
    assert table.cell(ours, "gap closed") == "–"              # of two subjects it shows nothing
    # off by 2 in 10 of 21 windows, so that each recording's mean is off by 0.952
    assert table.cell("this run, per signal", "student + KD") == (
        "0.952 / 0.952 [0.95, 0.95] / [0.95, 0.95]"
    )
    caption = words_of(published.hold_out(held))
    assert "RMSE / MAE is 2.73, 2.40, 2.47 there, and over 5 recordings it is at most √5" in caption
    assert (
        table.cell(
            "published: the paper’s own recordings, trained on 3 subjects, tested on 1", "student"
        )
        == "2.800 / 6.706"
    )
    assert len(Tables(published.hold_out(folded)).all[0]) == 2
    assert len(Tables(published.folds(held)).all[0]) == 2
    assert "training in five folds fills this table" in published.folds(held)
    table = Tables(published.folds(folded))
    assert [row[0] for row in table.all[0]][1:6] == [f"fold {n}: S{n:02d}" for n in range(1, 6)]
    assert table.cell("fold 4: S04", "student") == "6.857 / 4.140"
    assert table.cell("mean of folds", "student") == "5.857 / 4.140"      # made 1 to 5 bpm worse
    assert table.cell("SD of folds", "student") == "1.581 / 0.000"
    assert table.cell("all windows, virtual subjects", "student") == (
        "2.857 / 4.140 [2.86, 2.86] / [4.14, 4.14]"
    )
    assert table.cell("all signals pooled", "student") == (
        "2.857 / 2.857 [2.86, 2.86] / [2.86, 2.86]"
    )
    assert table.cell("fold 2, per signal", "student") == "2.857 / 2.857"
    # one subject a fold: nothing can be drawn
    assert table.cell("mean of folds, per signal", "student") == "2.857 / 2.857"
    paper = "published: UBFC-rPPG, five subject-disjoint folds"
    assert (table.cell(paper, "teacher"), table.cell(paper, "gap closed")) == (
        "0.956 / 1.580", "31 %",
    )


def test_seeds_have_a_table_and_the_mean_gain_where_there_are_several(metrics):
    assert published.seeds(metrics) == ""
    page = published.seeds(metrics_of(TWO, seeds=3))
    table = Tables(page)
    assert [row[0] for row in table.all[0]] == ["seed", "0", "1", "2", "mean of seeds"]
    assert table.cell("2", "student MAE / RMSE") == "4.857 / 4.140"
    assert table.cell("mean of seeds", "student MAE / RMSE") == "3.857 / 4.140"
    assert table.cell("0", "SNR acq gained [dB]") == "4.0"
    # gains 1.90, 2.90, 3.90; t = 4.303
    assert "ahead of the student alone in 3 of 3 seeds, by 2.90 bpm [0.42, 5.39]" in words_of(page)
    assert "of the gap" not in words_of(page)
    # of six: gains of 1.90 to 6.90, leads of the teacher of 2.62 to 7.62, of all 4.40 of 5.12
    assert "It closes 86 % [8" in words_of(published.seeds(metrics_of(TWO, seeds=6)))


def test_a_teacher_that_is_not_ahead_closes_no_gap(metrics):
    methods = {**metrics["methods"], "teacher": {**metrics["methods"]["teacher"], "mae_bpm": 9.0}}
    behind = {**metrics, "methods": methods}
    assert (
        Tables(published.hold_out(behind)).cell(
            "this run, virtual subjects, trained on 2, tested on 2", "gap closed"
        )
        == "–"
    )


def test_the_way_to_the_teacher_is_told_where_teacher_and_student_are_ahead():
    found = results(*RATES)
    for name in found.keys() & COLOUR_TITLES.keys():
        found[name] = [replace(one, predicted_bpm=one.reference_bpm + 20) for one in found[name]]
    ahead = metrics_of(found)
    words = "73 % [73, 73] of the way to its teacher"            # (6 - 2) / (6 - 0.5)
    assert words in words_of(report_head(ahead))
    hold_out = Tables(published.hold_out(ahead))
    label = "this run, virtual subjects, trained on 2, tested on 6"
    assert hold_out.cell(label, "gap closed") == "73 % [73, 73]"
    found["teacher"] = [replace(one, predicted_bpm=one.reference_bpm + 9) for one in found["pos"]]
    assert "of the way to its teacher" not in words_of(report_head(metrics_of(found)))


def test_the_paper_s_accuracy_is_a_mean_of_folds_of_one_rate_a_signal():
    method = {"videos": [
        {"subject": subject, "predicted_bpm": 70 + off, "reference_bpm": 70}
        for subject, off in (("S01", 3), ("S01", -1), ("S02", 8))
    ]}
    # fold of S01: 2 and root of 5; of S02: 8 and 8. Pooled it would be 4
    assert as_the_paper_counts(method, [["S01"], ["S02"]]) == pytest.approx((5, (5**0.5 + 8) / 2))
    assert as_the_paper_counts(method, [["S01", "S02"]])[0] == pytest.approx(4)
    assert as_the_paper_counts(method, [["S03"]]) is None


def test_the_mean_of_folds_per_signal_has_an_interval_drawn_within_each_fold():
    found = results(*list(RATES)[:4])
    found["student"] = [
        replace(one, predicted_bpm=one.reference_bpm + off)
        for one, off in zip(found["student"], (1, 3, 10, 20), strict=True)
    ]
    metrics = metrics_of(found, folds=2)
    metrics["folds"][0]["test"], metrics["folds"][1]["test"] = ["S01", "S02"], ["S03", "S04"]
    table = Tables(published.folds(metrics))
    # ends: the better subject of both folds alone, and the worse
    assert table.cell("mean of folds, per signal", "student") == (
        "8.500 / 9.024 [5.50, 11.50] / [5.50, 11.50]"
    )
    assert table.cell("fold 1, per signal", "student") == "2.000 / 2.236"
    page = published.folds(metrics)
    for method in metrics["methods"].values():
        del method["per_signal"]                    # as of an earlier version
    assert published.folds(metrics) == page


def test_no_five_errors_have_the_ratio_of_the_paper_s_table_3():
    errors = np.random.default_rng(0).exponential(size=(2000, 5)) ** 3
    ratios = np.sqrt((errors**2).mean(axis=1)) / errors.mean(axis=1)
    assert 2 < ratios.max() < largest_ratio(5) == 5**0.5
    of_table_3 = list(PUBLISHED.values())[1]
    assert all(rmse / mae > largest_ratio(5) for mae, rmse in of_table_3.values())


def test_a_share_of_next_to_nothing_is_none():
    assert gap_closed({"teacher": 5.364, "student": 5.368, "student_kd": 1.093}) is None
    assert gap_closed({"teacher": 5.0, "student": 5.2, "student_kd": 5.1}) == pytest.approx(50)


def test_mixed_data_is_not_called_virtual(metrics):
    mixed = dict(metrics, people="virtual and real")
    page = report_head(mixed) + tables.results(mixed) + published.hold_out(mixed)
    assert "Every subject here is virtual" not in page
    assert "Partly simulated data" in page
    assert "this run, virtual and real subjects" in page


def test_the_verdict_comes_first_and_nothing_is_praised_that_is_worse_than_a_formula():
    bad = results(*RATES)
    for name in ("teacher", "student", "student_kd", "physnet"):
        bad[name] = [
            replace(one, predicted_bpm=one.reference_bpm + 20 + n)
            for n, one in enumerate(bad[name])
        ]
    head = words_of(report_head(metrics_of(bad)))
    verdict = "No network is shown to be better than POS, the best method without training"
    assert verdict in head
    assert "Worse than POS: teacher (by " in head
    assert "In brackets 95 % by bootstrap over 6 subjects." in head
    assert head.index(verdict) < head.index("mean absolute error of student + KD")
    for praise in ("of the way to its teacher", "bpm better"):
        assert praise not in head
    assert "not told apart" in head


def test_every_table_of_errors_has_the_guess_of_the_mean_rate(metrics):
    guess = "training’s mean rate"
    assert Tables(tables.results(metrics)).cell(guess, "MAE [bpm]").startswith("12.00")
    assert Tables(tables.toolbox(metrics)).cell(guess, "FFT MAE [bpm]").startswith("12.00")
    ours = "this run, virtual subjects, trained on 2, tested on 2"
    assert Tables(published.hold_out(metrics)).cell(ours, guess) == (
        "12.000 / 12.000 [12.00, 12.00] / [12.00, 12.00]"
    )
    assert guess in Tables(published.folds(metrics_of(TWO, folds=2))).all[0][0]
    assert f"{guess} MAE" in Tables(tables.recordings(metrics)).all[0][0]
