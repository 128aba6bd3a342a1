"""The paper's tables 1 to 3 with this run's figures in them, and each fold and each seed."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    largest_ratio,
    over_seeds,
)
from models.published_nets.titles import CAN
from models.published_nets.titles import titles as titles_of_networks

from .board import board
from .method import teacher_of, title_of_other_teacher
from .paper_rows import (
    FOLDS,
    HOLD_OUT,
    Ends,
    TableRow,
    intervals_of,
    intervals_per_signal,
    over_parts,
    plain_row,
    published_row,
    rows_of_folds,
    rows_of_hold_out,
    subjects_tested,
)
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup


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
    by_fold: Sequence[tuple[float, float] | None]   # per signal, of each fold
    intervals: tuple[Ends, Ends] | None             # 95 % of MAE and RMSE over windows
    intervals_per_signal: tuple[Ends, Ends] | None


def systems(metrics: dict) -> "Markup":
    """Make table 1: each system as published, and what it gave in this run, also by fold."""
    methods, teacher = dict(metrics["methods"]), teacher_of(metrics)
    if teacher != CAN:
        methods.setdefault(teacher, methods["teacher"])
    tested = subjects_tested(metrics)
    rows = [
        _system(
            system.title, methods.get(system.method), tested, published=system.errors,
            why_not="not trained in this run" if system.method else system.why_not,
        )
        for system in SYSTEMS
    ]
    of_the_paper = {system.method for system in SYSTEMS}
    rows += [
        _system(TITLES[name], methods[name], tested)
        for name in titles_of_networks() if name in methods and name not in of_the_paper
    ]
    return section("published", "systems", metrics=metrics, rows=rows)


def _system(
    title: str, method: dict | None, tested: Sequence[Sequence[str]], *,
    published: tuple[float, float] | None = None, why_not: str = "",
) -> SystemRow:
    """Return the row of a system; without `method` it was not run."""
    if method is None:
        return SystemRow(title, published, None, None, why_not, "", (), None, None)
    return SystemRow(
        title, published, (method["mae_bpm"], method["rmse_bpm"]),
        as_the_paper_counts(method, tested), "", coverage_text([method["coverage_percent"]]),
        [as_the_paper_counts(method, [fold]) for fold in tested], intervals_of(method),
        intervals_per_signal(method, tested),
    )


def folds(metrics: dict) -> "Markup":
    """Make tables 1 and 2: MAE and RMSE of each fold, their mean, and all windows pooled."""
    networks = _networks(metrics)
    rows = [*rows_of_folds(metrics, networks), published_row(FOLDS, networks)]
    return section("published", "folds", metrics=metrics, rows=rows, titles=_titles(networks))


def hold_out(metrics: dict) -> "Markup":
    """Make table 3: the held-out side."""
    networks = _networks(metrics)
    train, test = (len(metrics["subjects"][side]) for side in ("train", "test"))
    label = f"this run, {metrics['people']} subjects, trained on {train}, tested on {test}"
    rows = rows_of_hold_out(metrics, networks, label=label)
    return section(
        "published", "hold_out", metrics=metrics, titles=_titles(networks),
        rows=[*rows, published_row(HOLD_OUT, networks)],
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
        rows.append((plain_row(str(seed["seed"]), methods, networks), gained_db))
    means = over_parts(metrics["seeds"], networks, lambda errors: float(np.mean(errors)))
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
