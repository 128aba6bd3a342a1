"""The rows that stand beside the paper's in its tables 1 to 3, for the report and a terminal.

The paper has one heart rate a signal, and the mean over folds. So a row of windows is never alone
beside a row of the paper: the same errors by the paper's own count follow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dataset.common.wording import number
from models.evaluation.mean_rate import coverage_text
from models.evaluation.published import (
    PUBLISHED,
    as_the_paper_counts,
    coverage_of_subjects,
    gap_closed,
    intervals_as_the_paper_counts,
)

PER_SIGNAL = "per signal"            # how the label ends of a row by the paper's count
ERRORS = ("mae_bpm", "rmse_bpm")
FOLDS, HOLD_OUT = PUBLISHED          # its tables 1 and 2, and 3
Ends = tuple[float, float] | None    # of an interval; None with one subject


@dataclass(frozen=True)
class TableRow:
    """A row of one of these tables."""

    label: str
    errors: Sequence[tuple[float, float] | None]    # MAE, RMSE [bpm] of each network
    gap_percent: float | None = None                # None: the teacher is not told to be ahead
    gap_interval: tuple[float, float] | None = None     # 95 %; None of what was published
    style: str = ""                                 # CSS class
    coverage: str = ""                              # of each column, where they differ
    # 95 % of MAE and of RMSE, by subject, of each network; () of a fold, of a seed, and of the mean
    # of windows' errors over them
    intervals: Sequence[tuple[Ends, Ends]] = ()


def rows_of_folds(metrics: dict, networks: Sequence[str]) -> list[TableRow]:
    """Return the rows of tables 1 and 2: each fold, their mean, and all windows pooled.

    First come the errors of windows, then those by the paper's own count; none without folds.
    """
    parts = metrics["folds"]
    if len(parts) == 1:
        return []
    rows = []
    for count, fold in enumerate(parts, 1):
        tested = fold["test"] if len(fold["test"]) < 6 else [f"{len(fold['test'])} subjects"]
        rows.append(plain_row(f"fold {count}: {', '.join(tested)}", fold["methods"], networks))
    means = over_parts(parts, networks, lambda errors: float(np.mean(errors)))
    spread = over_parts(parts, networks, lambda errors: float(np.std(errors, ddof=1)))
    label = f"all windows, {metrics['people']} subjects"
    return [
        *rows,
        TableRow("mean of folds", list(means.values()), style="mean"),
        TableRow("SD of folds", list(spread.values()), style="no-gap"),
        _all_windows(label, metrics, networks),
        *(
            _per_signal(f"fold {count}, {PER_SIGNAL}", metrics, networks, [fold["test"]])
            for count, fold in enumerate(parts, 1)
        ),
        replace(
            _over_all_subjects(
                f"mean of folds, {PER_SIGNAL}", metrics, networks, subjects_tested(metrics)
            ),
            style="mean",
        ),
        _over_all_subjects("all signals pooled", metrics, networks, [metrics["subjects"]["test"]]),
    ]


def rows_of_hold_out(metrics: dict, networks: Sequence[str], *, label: str) -> list[TableRow]:
    """Return the rows of table 3: of windows, and by the paper's count; none of a run in folds."""
    if len(metrics["folds"]) > 1:
        return []
    return [
        _all_windows(label, metrics, networks),
        _over_all_subjects(
            f"this run, {PER_SIGNAL}", metrics, networks, [metrics["subjects"]["test"]]
        ),
    ]


def published_row(data: str, networks: Sequence[str]) -> TableRow:
    """Return a row of what the paper has: `FOLDS` or `HOLD_OUT`."""
    errors = PUBLISHED[data]
    gap_percent = gap_closed({name: mae for name, (mae, _) in errors.items()})
    return TableRow(
        f"published: {data}", [errors.get(name) for name in networks], gap_percent,
        style="published",
    )


def plain_row(label: str, methods: Mapping[str, dict], networks: Sequence[str]) -> TableRow:
    """Return a row of the errors of windows."""
    return TableRow(
        label, [(methods[name]["mae_bpm"], methods[name]["rmse_bpm"]) for name in networks],
        coverage=coverage_text(methods[name]["coverage_percent"] for name in networks),
    )


def subjects_tested(metrics: dict) -> list[list[str]]:
    """Return the subjects that each fold tested."""
    return [fold["test"] for fold in metrics["folds"]]


def over_parts(
    parts: Sequence[dict], networks: Sequence[str], statistic: Callable[[list[float]], float]
) -> dict[str, tuple[float, float]]:
    """Compute a statistic of MAE and of RMSE [bpm] of each network over folds or seeds."""
    mae, rmse = (
        [statistic([fold["methods"][name][error] for fold in parts]) for name in networks]
        for error in ERRORS
    )
    return dict(zip(networks, zip(mae, rmse, strict=True), strict=True))


def _per_signal(
    label: str, metrics: dict, networks: Sequence[str], tested: Sequence[Sequence[str]]
) -> TableRow:
    """Return a row of errors as the paper counts: one rate a signal, the mean over its windows."""
    errors = [as_the_paper_counts(metrics["methods"][name], tested) for name in networks]
    coverage = coverage_text(
        coverage_of_subjects(metrics["methods"][name], [s for fold in tested for s in fold])
        for name in networks
    )
    return TableRow(label, errors, style="no-gap", coverage=coverage)


def _all_windows(label: str, metrics: dict, networks: Sequence[str]) -> TableRow:
    """Return a row of the errors of all windows, and of the gap closed where that can be told."""
    methods, told = metrics["methods"], metrics["verdict"]["gap_closed"]
    row = replace(
        plain_row(label, methods, networks),
        intervals=[intervals_of(methods[name]) for name in networks],
    )
    if told is None:
        return row
    return replace(row, gap_percent=told["percent"], gap_interval=told["interval_percent"])


def _over_all_subjects(
    label: str, metrics: dict, networks: Sequence[str], tested: Sequence[Sequence[str]]
) -> TableRow:
    """Return the same of all who were tested, with intervals."""
    return replace(
        _per_signal(label, metrics, networks, tested),
        intervals=[intervals_per_signal(metrics["methods"][name], tested) for name in networks],
    )


def intervals_of(figures: Mapping) -> tuple[Ends, Ends]:
    """Return the intervals of MAE and of RMSE [bpm] over windows."""
    return _pair(figures["interval"])


def intervals_per_signal(method: Mapping, tested: Sequence[Sequence[str]]) -> tuple[Ends, Ends]:
    """Return the same as the paper counts; from the videos, so that an older run has them too."""
    return _pair(intervals_as_the_paper_counts(method, tested))


def _pair(interval: Mapping[str, Ends]) -> tuple[Ends, Ends]:
    mae, rmse = (interval[error] for error in ERRORS)
    return mae, rmse


def lines_of_intervals(row: TableRow) -> list[tuple[str, list[str]]]:
    """Return what a terminal shows below a row by the paper's count: a line for MAE, one for RMSE.

    Each has its label and a cell for each network. None below another row, and none with one
    subject.
    """
    if not row.label.endswith(PER_SIGNAL) or not any(mae for mae, _ in row.intervals):
        return []
    return [
        (f"  95 % of {error}", [_in_brackets(pair[at]) for pair in row.intervals])
        for at, error in enumerate(("MAE", "RMSE"))
    ]


def _in_brackets(ends: Ends) -> str:
    return f"[{number(ends[0])}, {number(ends[1])}]" if ends else "-"
