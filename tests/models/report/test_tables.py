import json
import re

import pytest

torch = pytest.importorskip("torch")

from acquire.errors import TrainingError
from models.evaluation.methods import TITLES
from models.evaluation.published import gap_closed
from models.report import (
    published,
    tables,
)
from models.report.board import board, check_run, keep_board
from models.report.write import _head
from tests.support.made_reports import DATA_HASH, Tables, metrics_of, results

TWO = results("S01", "S02")


@pytest.fixture(scope="module")
def metrics():
    return metrics_of(TWO)


def test_every_method_has_its_row_and_its_interval(metrics):
    found = dict(metrics["methods"])
    found["pos"] = {
        **found["pos"], "mae_bpm": 1.234, "pearson_r": float("nan"),
        "interval": {**found["pos"]["interval"], "mae_bpm": (0.5, 12.345), "pearson_r": None},
    }
    seen = Tables(tables.results({**metrics, "methods": found}))
    assert [row[0] for row in seen.all[0]][1:] == list(TITLES.values())
    # off by 6 in 10 of 21 windows, in both subjects
    assert seen.cell("student", "MAE [bpm]") == "2.86 [2.86, 2.86]"
    assert seen.cell("student", "SNR [dB]") == "−6.0"
    assert seen.cell("PhysNet", "parameters") == "768,577"
    assert seen.cell("POS", "MAE [bpm]") == "1.23 [0.50, 12.35]"
    assert seen.cell("POS", "Pearson r") == "–"
    assert seen.cell("POS", "parameters") == "none"


def test_the_toolbox_s_metric_and_the_limits_stand_beside(metrics):
    page = tables.otherwise(metrics)
    seen = Tables(page)
    assert seen.cell("student + KD", "bias [bpm]") == "0.95"
    assert seen.cell("student + KD", "limits of agreement") == "−1.0 to 2.9"
    # made 1 bpm higher than the other rates
    assert seen.cell("teacher", "toolbox MAE [bpm]") == "1.24"
    assert "256 points" in page
    assert "a multiple of 4.69 bpm" in page                                 # 60 * 20 Hz / 256


@pytest.mark.parametrize(
    "table", [tables.results, tables.otherwise, tables.recordings, published.hold_out]
)
def test_a_table_says_its_data_windows_and_resolution(metrics, table):
    caption = table(metrics)
    for said in (
        DATA_HASH[:12], "5e5e5e5e5e5e", "42 windows of 10 s of 2 test recordings",
        "grid of 0.1 bpm", "24 bpm wide",
    ):
        assert said in caption


def test_one_subject_has_no_interval():
    one = metrics_of(results("S01"))
    assert "No interval is given: one subject says nothing about others." in tables.results(one)
    assert "[" not in Tables(tables.results(one)).cell("student", "MAE [bpm]")


def test_the_better_student_is_tinted(metrics):
    assert re.findall(r'<tr class="best"><td>([^<]*)', tables.results(metrics)) == ["student + KD"]


def test_a_hold_out_fills_table_3_and_folds_fill_tables_1_and_2(metrics):
    held, folded = metrics, metrics_of(TWO, folds=5)
    ours = "this run, virtual subjects, 2 train, 2 test"
    table = Tables(published.hold_out(held))
    assert table.cell(ours, "student + KD") == "0.952 / 1.380"
    assert table.cell(ours, "gap closed") == "73 %"  # (6 - 2) / (6 - 0.5)
    assert (
        table.cell("published: the paper’s own recordings, 3 subjects train, 1 tests", "student")
        == "2.800 / 6.706"
    )
    assert len(Tables(published.hold_out(folded)).all[0]) == 2
    assert len(Tables(published.folds(held)).all[0]) == 2
    assert "acq train-kd --folds 5" in published.folds(held)
    table = Tables(published.folds(folded))
    assert [row[0] for row in table.all[0]][1:6] == [f"fold {n}: S{n:02d}" for n in range(1, 6)]
    assert table.cell("fold 4: S04", "student") == "6.857 / 4.140"
    assert table.cell("mean of folds", "student") == "5.857 / 4.140"      # made 1 to 5 bpm worse
    assert table.cell("SD of folds", "student") == "1.581 / 0.000"
    assert table.cell("all windows, virtual subjects", "student") == "2.857 / 4.140"
    paper = "published: UBFC-rPPG, five subject-disjoint folds"
    assert (table.cell(paper, "teacher"), table.cell(paper, "gap closed")) == (
        "0.956 / 1.580", "31 %",
    )


def test_seeds_have_a_table_and_a_verdict_where_there_are_several(metrics):
    assert published.seeds(metrics) == ""
    page = published.seeds(metrics_of(TWO, seeds=3))
    table = Tables(page)
    assert [row[0] for row in table.all[0]] == ["seed", "0", "1", "2"]
    assert table.cell("2", "student MAE / RMSE") == "4.857 / 4.140"
    assert table.cell("2", "gap closed") == "85 %"
    assert table.cell("0", "SNR gained [dB]") == "4.0"
    # gains 1.90, 2.90, 3.90; t = 4.303
    assert "ahead of the student alone in 3 of 3 seeds, by 2.90 bpm [0.42, 5.39]" in page


def test_a_teacher_that_is_not_ahead_closes_no_gap(metrics):
    methods = {**metrics["methods"], "teacher": {**metrics["methods"]["teacher"], "mae_bpm": 9.0}}
    behind = {**metrics, "methods": methods}
    assert (
        Tables(published.hold_out(behind)).cell(
            "this run, virtual subjects, 2 train, 2 test", "gap closed"
        )
        == "–"
    )
    assert "its teacher is not ahead of it here" in _head(behind)


def test_a_share_of_next_to_nothing_is_none():
    assert gap_closed({"teacher": 5.364, "student": 5.368, "student_kd": 1.093}) is None
    assert gap_closed({"teacher": 5.0, "student": 5.2, "student_kd": 5.1}) == pytest.approx(50)


def test_mixed_data_is_not_called_virtual(metrics):
    mixed = dict(metrics, people="virtual and real")
    page = _head(mixed) + tables.results(mixed) + published.hold_out(mixed)
    assert "Every subject here is virtual" not in page
    assert "Partly simulated data" in page
    assert "this run, virtual and real subjects" in page


def measured(**changes):
    """What `acq bench-board --json` prints."""
    stages = {
        "crop and average": 0.2, "student": 0.165, "teacher": 1.5, "pipeline, student": 0.5,
        "pipeline, student int8": 0.4, "pipeline, teacher": 5.0,
    }
    return {
        "board": "Jetson Nano <4 GB>",
        "cores": 4,
        "onnxruntime": "1.18",
        "folder": "/somewhere",
        "peak_mb": 210.0,
        "parameters": {"student": 24_769},
        "multiply_adds": {"student": 7_096_896},
        "stages": [
            {"name": k, "median_ms": v, "p99_ms": 2 * v, "runs": 300} for k, v in stages.items()
        ],
        **changes,
    }


def test_table_4_waits_for_a_board_and_is_filled_by_one(tmp_path):
    assert "acq bench-board RUN --report" in board()
    (tmp_path / "report.html").write_text(f"<p>before</p>{board()}<p>after</p>")
    (tmp_path / "metrics.json").write_text("{}")
    check_run(tmp_path)
    for _ in range(2):  # a second measurement replaces the first
        keep_board(tmp_path, json.dumps(measured()))
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<p>before</p>")
    assert page.endswith("<p>after</p>")
    assert "/somewhere" not in page
    assert "<4 GB>" not in page
    seen = Tables(page)
    mine = ["Jetson Nano <4 GB>, student", "Jetson Nano <4 GB>, student int8"]
    assert [row[0] for row in seen.all[0]][1:] == ["published: Jetson Nano", *mine]
    assert seen.all[0][2][1:] == ["5.00 ms", "0.50 ms", "10.0"]
    assert seen.cell("crop and average", "99th per- centile", table=1) == "0.400"
    assert len(seen.all) == 2
    assert "7,096,896 multiply-adds" in page
    assert json.loads((tmp_path / "board.json").read_text()) == measured()


@pytest.mark.parametrize(
    ("page", "said", "error"),
    [
        pytest.param(board(), "[]", "expected what acq bench-board --json prints", id="no object"),
        pytest.param(
            board(), json.dumps(measured(stages=[])), "no pipeline of a student", id="no stages"
        ),
        pytest.param(
            board(), json.dumps(measured(cores="<b>")), "expected what acq bench-board",
            id="words for a number",
        ),
        pytest.param(
            "<p>old</p>", json.dumps(measured()), "expected the marks of table 4",
            id="a report without table 4",
        ),
        pytest.param(None, json.dumps(measured()), "expected report.html", id="no report"),
    ],
)
def test_what_is_no_measurement_or_no_report_is_refused_and_changes_nothing(
    tmp_path, page, said, error
):
    if page:
        (tmp_path / "report.html").write_text(page)
    with pytest.raises(TrainingError, match=error):
        keep_board(tmp_path, said)
    assert [p.name for p in tmp_path.iterdir()] == (["report.html"] if page else [])
    assert page is None or (tmp_path / "report.html").read_text() == page


def test_a_folder_that_is_no_run_is_told_before_measuring(tmp_path):
    with pytest.raises(TrainingError, match=r"found no metrics\.json"):
        check_run(tmp_path)
