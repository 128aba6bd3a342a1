import json

import pytest

from acquire.errors import TrainingError
from models.report.board import board, check_run, keep_board
from tests.support.pages import Tables


def measured(**changes):
    """Return what `acq bench-board --json` prints, as an object."""
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
    assert "measure it there with a report" in board()
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
        pytest.param(board(), "[]", "expected times measured on a board", id="no object"),
        pytest.param(
            board(), json.dumps(measured(stages=[])), "expected a student's pipeline",
            id="no stages",
        ),
        pytest.param(
            board(), json.dumps(measured(cores="<b>")),
            r"found text instead of a whole number at \$\.cores", id="words for a number",
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
