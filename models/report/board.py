"""The paper's table 4 in a report: what was measured on a board, put in after the run.

A run is trained on one machine and measured on another, later. So the table stands between two
marks in the report, the first and the last line of its template. It is made anew from what was
measured, which is kept in `board.json` beside it; nothing else of the report changes. No torch is
needed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.atomic import write_text
from acquire.documents import Kind, parse_document, read_text
from acquire.errors import Fix, TrainingError
from dataset.runs import METRICS
from models.evaluation.published import PUBLISHED_BOARD

from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

BOARD, REPORT = "board.json", "report.html"
PIPELINE = "pipeline, "      # before the name of a network: from decoded frame to pulse


@dataclass(frozen=True)
class StageTimes:
    """One step, timed many times on one frame."""

    name: str
    median_ms: float
    p99_ms: float
    runs: int
    mean_ms: float | None = None     # earlier measurements have none


@dataclass(frozen=True)
class BoardMeasurement:
    """What the report takes from a measurement on a board."""

    board: str
    cores: int
    onnxruntime: str
    peak_mb: float
    parameters: dict[str, int]
    multiply_adds: dict[str, int]    # for one frame
    stages: tuple[StageTimes, ...]

    @property
    def pipelines_ms(self) -> dict[str, float]:
        """Median of the whole pipeline by network."""
        return {
            stage.name.removeprefix(PIPELINE): stage.median_ms
            for stage in self.stages if stage.name.startswith(PIPELINE)
        }


KIND = Kind(
    BoardMeasurement, "times measured on a board", TrainingError, "measure on the board again"
)


def board(measured: BoardMeasurement | None = None) -> "Markup":
    """Make table 4 between its marks, with what was measured on a board where that is known."""
    return section("board", "board", published_s=PUBLISHED_BOARD, measured=measured)


def check_run(run: Path) -> None:
    """Refuse a folder that is no run with a report, before anything is measured for it.

    Raises
    ------
    TrainingError : it is none
    """
    missing = [name for name in (METRICS, REPORT) if not (run / name).is_file()]
    if missing:
        raise TrainingError(
            expected=f"a run with {METRICS} and {REPORT}", found=f"no {missing[0]}", where=run,
            fix="name an exported run, or measure without a report",
        )


def keep_board(run: Path, measured: str) -> Path:
    """Write a measurement, as JSON, to a run and its rows into the report; return that path.

    Raises
    ------
    TrainingError : the report is missing or older than its table 4, or `measured` is something else
    """
    report = run / REPORT
    measurement = parse_document(KIND, measured.encode(), run / BOARD)
    if not any(name.startswith("student") for name in measurement.pipelines_ms):
        raise TrainingError(
            expected="a student's pipeline among the measured stages", found="none",
            fix=Fix.EXPORT_AGAIN,
        )
    try:
        page = read_text(report)
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(
            expected=f"{REPORT} of a run", found=error, where=run, fix=Fix.TRAIN_AGAIN
        ) from error
    table = str(board(measurement))     # beside text that is no longer `Markup`
    begin, *_, end = table.splitlines()
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise TrainingError(
            expected="the marks of table 4", found="none: it is of an older acq", where=report,
            fix=Fix.TRAIN_AGAIN,
        )
    write_text(run / BOARD, measured)
    write_text(report, before + table + after)
    return report
