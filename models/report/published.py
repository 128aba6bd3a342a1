"""The paper's tables 1 to 3 with this run's figures in them, and each fold and each seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.evaluation.gap import gap_over_seeds
from models.evaluation.mean_rate import coverage_text
from models.evaluation.methods import MEAN_RATE, NETWORK_TITLES, TITLES
from models.evaluation.published import (
    PUBLISHED,
    PUBLISHED_TEST_VIDEOS,
    SYSTEMS,
    as_the_paper_counts,
    coverage_of_subjects,
    gap_closed,
    largest_ratio,
    over_seeds,
)
from models.published_nets.titles import CAN
from models.published_nets.titles import titles as titles_of_networks

from .board import board
from .method import teacher_of, title_of_other_teacher
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

ERRORS = ("mae_bpm", "rmse_bpm")
FOLDS, HOLD_OUT = PUBLISHED          # its tables 1 and 2, and 3


@dataclass(frozen=True)
class TableRow:
    """A row of one of these tables."""

    label: str
    errors: Sequence[tuple[float, float] | None]    # MAE, RMSE [bpm] of each network
    gap_percent: float | None = None                # None: the teacher is not told to be ahead
    gap_interval: tuple[float, float] | None = None     # 95 %; None of what was published
    style: str = ""                                 # CSS class
    coverage: str = ""                              # of each column, where they differ


def beside_the_paper(metrics: dict) -> "Markup":
    """Set tables 1 to 4 of the paper beside this run."""
    return section(
        "published", "beside_the_paper", systems=systems(metrics), folds=folds(metrics),
        hold_out=hold_out(metrics), board=board(), other_teacher=title_of_other_teacher(metrics),
    )


@dataclass(frozen=True)
class SystemRow:
    """A system of table 1, and those beside that the paper does not have."""

    title: str
    published: tuple[float, float] | None
    here: tuple[float, float] | None                # over windows
    per_signal: tuple[float, float] | None          # as the paper counts
    why_not: str                                    # it has no figure here
    coverage: str


def systems(metrics: dict) -> "Markup":
    """Make table 1: each system as published, and what it gave in this run."""
    methods, teacher = dict(metrics["methods"]), teacher_of(metrics)
    if teacher != CAN:
        methods.setdefault(teacher, methods["teacher"])

    def here(name: str) -> tuple[float, float] | None:
        return (methods[name]["mae_bpm"], methods[name]["rmse_bpm"]) if name in methods else None

    def per_signal(name: str) -> tuple[float, float] | None:
        return as_the_paper_counts(methods[name], _tested(metrics)) if name in methods else None

    def coverage(name: str) -> str:
        return coverage_text([methods[name]["coverage_percent"]] if name in methods else [])

    rows = [
        SystemRow(
            system.title, system.errors, here(system.method), per_signal(system.method),
            "not trained in this run" if system.method else system.why_not,
            coverage(system.method),
        )
        for system in SYSTEMS
    ]
    of_the_paper = {system.method for system in SYSTEMS}
    rows += [
        SystemRow(TITLES[name], None, here(name), per_signal(name), "", coverage(name))
        for name in titles_of_networks() if name in methods and name not in of_the_paper
    ]
    return section("published", "systems", metrics=metrics, rows=rows)


def folds(metrics: dict) -> "Markup":
    """Make tables 1 and 2: MAE and RMSE of each fold, their mean, and all windows pooled."""
    networks, parts = _networks(metrics), metrics["folds"]
    rows = []
    if len(parts) > 1:
        for number, fold in enumerate(parts, 1):
            tested = fold["test"] if len(fold["test"]) < 6 else [f"{len(fold['test'])} subjects"]
            rows.append(_row(f"fold {number}: {', '.join(tested)}", fold["methods"], networks))
        means = _over_folds(parts, networks, lambda errors: float(np.mean(errors)))
        spread = _over_folds(parts, networks, lambda errors: float(np.std(errors, ddof=1)))
        rows += [
            TableRow("mean of folds", list(means.values()), style="mean"),
            TableRow("SD of folds", list(spread.values()), style="no-gap"),
            _with_gap(
                _row(f"all windows, {metrics['people']} subjects", metrics["methods"], networks),
                metrics,
            ),
            *(
                _per_signal(f"fold {number}, per signal", metrics, networks, [fold["test"]])
                for number, fold in enumerate(parts, 1)
            ),
            replace(
                _per_signal("mean of folds, per signal", metrics, networks, _tested(metrics)),
                style="mean",
            ),
            _per_signal(
                "all signals pooled", metrics, networks, [metrics["subjects"]["test"]]
            ),
        ]
    rows.append(_published(FOLDS, networks))
    return section("published", "folds", metrics=metrics, rows=rows, titles=_titles(networks))


def hold_out(metrics: dict) -> "Markup":
    """Make table 3: the held-out side."""
    networks, rows = _networks(metrics), []
    if len(metrics["folds"]) == 1:
        train, test = (len(metrics["subjects"][side]) for side in ("train", "test"))
        label = f"this run, {metrics['people']} subjects, trained on {train}, tested on {test}"
        rows.append(_with_gap(_row(label, metrics["methods"], networks), metrics))
        rows.append(_per_signal("this run, per signal", metrics, networks, _tested(metrics)))
    rows.append(_published(HOLD_OUT, networks))
    return section(
        "published", "hold_out", metrics=metrics, rows=rows, titles=_titles(networks),
        ratios=[rmse / mae for mae, rmse in PUBLISHED[HOLD_OUT].values()],
        videos=PUBLISHED_TEST_VIDEOS, most=largest_ratio(PUBLISHED_TEST_VIDEOS),
    )


def seeds(metrics: dict) -> "Markup | str":
    """Make the table of each seed, and the mean gain; nothing where there is one seed."""
    if len(metrics["seeds"]) < 2:
        return ""
    networks = _networks(metrics)
    rows = []
    for seed in metrics["seeds"]:
        methods = seed["methods"]
        gained_db = methods["student_kd"]["snr_db"] - methods["student"]["snr_db"]
        rows.append((_row(str(seed["seed"]), methods, networks), gained_db))
    means = _over_folds(metrics["seeds"], networks, lambda errors: float(np.mean(errors)))
    gains_db = float(np.mean([gained_db for _, gained_db in rows]))
    rows.append((TableRow("mean of seeds", list(means.values()), style="mean"), gains_db))
    return section(
        "published", "seeds", metrics=metrics, rows=rows, titles=_titles(networks),
        gain=over_seeds(metrics["seeds"]), gap_closed=gap_over_seeds(metrics["seeds"]),
    )


def _networks(metrics: dict) -> list[str]:
    """Return the columns of a table: the networks, and the guess that each has to beat."""
    return [name for name in (*NETWORK_TITLES, MEAN_RATE) if name in metrics["methods"]]


def _titles(networks: Sequence[str]) -> list[str]:
    return [TITLES[name] for name in networks]


def _row(label: str, methods: Mapping[str, dict], networks: Sequence[str]) -> TableRow:
    return TableRow(
        label, [(methods[name]["mae_bpm"], methods[name]["rmse_bpm"]) for name in networks],
        coverage=coverage_text(methods[name]["coverage_percent"] for name in networks),
    )


def _tested(metrics: dict) -> list[list[str]]:
    """Return the subjects that each fold tested."""
    return [fold["test"] for fold in metrics["folds"]]


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


def _with_gap(row: TableRow, metrics: dict) -> TableRow:
    """Return a row with how much of the gap is closed, where that can be told."""
    told = metrics["verdict"]["gap_closed"]
    if told is None:
        return row
    return replace(row, gap_percent=told["percent"], gap_interval=told["interval_percent"])


def _over_folds(
    parts: Sequence[dict], networks: Sequence[str], statistic: Callable[[list[float]], float]
) -> dict[str, tuple[float, float]]:
    mae, rmse = (
        [statistic([fold["methods"][name][error] for fold in parts]) for name in networks]
        for error in ERRORS
    )
    return dict(zip(networks, zip(mae, rmse, strict=True), strict=True))


def _published(data: str, networks: Sequence[str]) -> TableRow:
    errors = PUBLISHED[data]
    gap_percent = gap_closed({name: mae for name, (mae, _) in errors.items()})
    return TableRow(
        f"published: {data}", [errors.get(name) for name in networks], gap_percent,
        style="published",
    )
