"""The paper's table 4 in a report: what `acq bench-board` measured on a board, put in after the
run.

A run is trained on one machine and measured on another, later. So the table stands between two
marks in the report, and is made anew from what was measured, which is kept in `board.json` beside
it; nothing else of the report changes. No torch is needed.
"""

import json
from pathlib import Path

from acquire.atomic import write_text
from acquire.errors import TrainingError
from dataset.common.html import number, table, text
from dataset.runs import METRICS
from models.evaluation.published import PUBLISHED_BOARD

BOARD, REPORT = "board.json", "report.html"
BEGIN, END = "<!-- table 4 -->", "<!-- end of table 4 -->"
PIPELINE = "pipeline, "      # before the name of a network: from decoded frame to pulse


def board(measured: dict | None = None) -> str:
    """Give table 4, with rows of `acq bench-board --json` where they are there, between its marks.

    Raises
    ------
    KeyError, TypeError, ValueError : `measured` is something else
    """
    teacher_s, student_s = PUBLISHED_BOARD
    rows = [
        (
            "published",
            (
                "published: Jetson Nano", f"{teacher_s:.2f} s", f"{student_s:.2f} s",
                f"{teacher_s / student_s:.0f}",
            ),
        )
    ]
    said = (
        "This run was not measured on a board yet: <code>acq export</code>, then <code>acq "
        "bench-board RUN --report</code> "
        "on the board, with the run’s folder copied there."
    )
    more = ""
    if measured is not None:
        rows += _ours(measured)
        said = (
            f"Medians of a frame on one of {int(measured['cores'])} cores, ONNX Runtime "
            f"{text(measured['onnxruntime'])}; "
            f"peak memory {number(float(measured['peak_mb']), 0)} MB. The published seconds are of "
            "another board and another "
            "runtime: what may be compared is how many times faster."
        )
        more = _stages(measured)
    head = ("whole pipeline, a frame", "teacher", "student", "times<br>faster")
    return f"{BEGIN}{table(head, rows, f'Grey: the paper’s table 4. {said}')}{more}{END}"


def _ours(measured: dict) -> list[tuple[str, tuple[str, ...]]]:
    medians = {str(one["name"]): float(one["median_ms"]) for one in measured["stages"]}
    teacher = medians.get(f"{PIPELINE}teacher")
    rows = []
    for name, ms in medians.items():
        if name.startswith(f"{PIPELINE}student"):
            net = name.removeprefix(PIPELINE)
            slow, times = (
                ("–", "–")
                if teacher is None
                else (f"{number(teacher)} ms", number(teacher / ms, 1))
            )
            rows.append(
                ("", (text(f"{measured['board']}, {net}"), slow, f"{number(ms)} ms", times))
            )
    if not rows:
        raise ValueError("no pipeline of a student among its stages")
    return rows


def _stages(measured: dict) -> str:
    rows = [
        (
            "",
            (
                text(one["name"]), *(number(float(one[key]), 3) for key in ("median_ms", "p99_ms")),
                f"{int(one['runs']):,}",
            ),
        )
        for one in measured["stages"]
    ]
    nets = "; ".join(
        f"{text(name)}: {int(count):,} parameters, {int(measured['multiply_adds'][name]):,} "
        "multiply-adds a frame"
        for name, count in measured["parameters"].items()
    )
    return table(
        ("stage", "median<br>[ms]", "99th per-<br>centile", "runs"), rows,
        f"{nets}. A face is looked for once a recording.",
    )


def check_run(run: Path) -> None:
    """Refuse a folder that is no run with a report, before anything is measured for it.

    Raises
    ------
    TrainingError : it is none
    """
    missing = [name for name in (METRICS, REPORT) if not (run / name).is_file()]
    if missing:
        raise TrainingError(
            f"expected a run with {METRICS} and {REPORT} in {run}, found no {missing[0]}; name an "
            "exported run, "
            "or leave --report out"
        )


def keep_board(run: Path, measured: str) -> Path:
    """Write what `acq bench-board --json` prints to `board.json` of a run, and its rows into the
    report; give that path.

    Raises
    ------
    TrainingError : the report is missing or older than its table 4, or `measured` is something else
    """
    report = run / REPORT
    try:
        page = report.read_text(encoding="utf-8")
        filled = board(json.loads(measured))
    except OSError as error:
        raise TrainingError(f"expected {REPORT} in {run}, got: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise TrainingError(
            f"expected what acq bench-board --json prints, got: {type(error).__name__} {error}"
        ) from error
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise TrainingError(
            f"expected the marks of table 4 in {report}, found none; it is of an older acq, train "
            "again"
        )
    write_text(run / BOARD, measured)
    write_text(report, before + filled + after)
    return report
