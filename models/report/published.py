"""The paper's tables 1 to 3 with this run's figures in them, and each fold and each seed."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from dataset.common.html import number, table, text
from models.evaluation.methods import NETWORKS, TITLES
from models.evaluation.published import PUBLISHED, gap_closed, over_seeds

from .style import basis

Row = tuple[str, Sequence[str]]      # CSS class, cells
NAMES = ("teacher", "student", "student_kd")
TABLES: dict[str, str] = dict(zip(("folds", "hold-out"), PUBLISHED, strict=True))
COMPARE = (
    "Grey: as published in the paper whose experiment this repeats, whose resolution is not known "
    "here. "
    "Other people, other light, other cameras: what may be compared is the order of the columns "
    "and the gap, not a "
    "number with a number."
)
GAP = (
    "Gap closed: how much of the way from the student’s MAE to the teacher’s the taught student "
    "goes; a dash where the "
    "teacher is not ahead."
)


def folds(metrics: dict) -> str:
    """Give tables 1 and 2: MAE and RMSE of each fold, their mean, and all windows pooled."""
    several = metrics["folds"] if len(metrics["folds"]) > 1 else []
    names = [name for name in NETWORKS if name in metrics["methods"]]
    rows: list[Row] = [
        ("", (_numbered(n, one["test"]), *_figures(one["methods"], names)))
        for n, one in enumerate(several, 1)
    ]
    if several:
        means = {
            n: float(np.mean([one["methods"][n]["mae_bpm"] for one in several])) for n in NAMES
        }
        rows.append(
            ("mean", ("mean of folds", *(_over(several, n, np.mean) for n in names), _gap(means)))
        )
        rows.append(("", ("SD of folds", *(_over(several, n, _sd) for n in names), "")))
        rows.append(
            (
                "",
                (
                    f"all windows, {metrics['people']} subjects",
                    *_figures(metrics["methods"], names),
                ),
            )
        )
    rows.append(_published("folds", names))
    said = (
        basis(metrics)
        if several
        else (
            "This run has no folds: <code>acq train-kd --folds 5</code> fills this table, with "
            "<code>--ubfc</code> from UBFC-rPPG itself."
        )
    )
    return table(("MAE / RMSE [bpm]", *(TITLES[n] for n in names), "gap closed"), rows, said)


def hold_out(metrics: dict) -> str:
    """Give table 3: the held-out side."""
    names = [name for name in NETWORKS if name in metrics["methods"]]
    held = len(metrics["folds"]) == 1
    rows: list[Row] = []
    if held:
        count = {side: len(metrics["subjects"][side]) for side in ("train", "test")}
        test = "1 tests" if count["test"] == 1 else f"{count['test']} test"
        label = f"this run, {metrics['people']} subjects, {count['train']} train, {test}"
        rows.append(("", (label, *_figures(metrics["methods"], names))))
    rows.append(_published("hold-out", names))
    said = (
        basis(metrics)
        if held
        else "This run tests folds; without --folds the split’s held-out side fills this table."
    )
    return table(("MAE / RMSE [bpm]", *(TITLES[n] for n in names), "gap closed"), rows, said)


def seeds(metrics: dict) -> str:
    """Give the figures of each seed, and whether the gain is more than luck; nothing where there is
    one seed.
    """
    if len(metrics["seeds"]) < 2:
        return ""
    names = [name for name in NETWORKS if name in metrics["methods"]]
    rows = []
    for one in metrics["seeds"]:
        gained = one["methods"]["student_kd"]["snr_db"] - one["methods"]["student"]["snr_db"]
        rows.append(("", (str(one["seed"]), *_figures(one["methods"], names), number(gained, 1))))
    found = over_seeds(metrics["seeds"])
    several = " all folds pooled," if len(metrics["folds"]) > 1 else ""
    verdict = (
        f"Student + KD is ahead of the student alone in {found['ahead']} of {found['seeds']} "
        "seeds, by "
        f"{number(found['gain_bpm'])} bpm [{number(found['low_bpm'])}, "
        f"{number(found['high_bpm'])}] (mean gain in MAE, 95 "
        "% by Student’s t over seeds)."
    )
    return f"<p><b>{verdict}</b></p>" + table(
        (
            "seed", *(f"{TITLES[n]}<br>MAE / RMSE" for n in names), "gap<br>closed",
            "SNR gained<br>[dB]",
        ),
        rows,
        f"MAE / RMSE [bpm] of each seed,{several} all else alike. Everything else in this report "
        "is of seed "
        f"{metrics['recipe']['seed']}. {basis(metrics)}",
    )


def _numbered(number_: int, subjects: Sequence[str]) -> str:
    return f"fold {number_}: {text(', '.join(subjects) if len(subjects) < 6 else f'{len(subjects)} subjects')}"


def _figures(methods: dict, names: Sequence[str]) -> list[str]:
    pairs = [
        f"{number(methods[n]['mae_bpm'], 3)} / {number(methods[n]['rmse_bpm'], 3)}" for n in names
    ]
    return [*pairs, _gap({n: methods[n]["mae_bpm"] for n in NAMES})]


def _over(several: Sequence[dict], name: str, what: Callable[[list[float]], float]) -> str:
    return " / ".join(
        number(float(what([one["methods"][name][key] for one in several])), 3)
        for key in ("mae_bpm", "rmse_bpm")
    )


def _sd(values: list[float]) -> float:
    return float(np.std(values, ddof=1))


def _published(which: Literal["folds", "hold-out"], names: Sequence[str]) -> Row:
    data = TABLES[which]
    pairs = [
        " / ".join(f"{v:.3f}" for v in PUBLISHED[data][n]) if n in PUBLISHED[data] else ""
        for n in names
    ]
    return "published", [
        f"published: {text(data)}", *pairs,
        _gap({n: figures[0] for n, figures in PUBLISHED[data].items()}),
    ]


def _gap(mae_bpm: dict[str, float]) -> str:
    closed = gap_closed(mae_bpm)
    return "–" if closed is None else f"{number(closed, 0)} %"
