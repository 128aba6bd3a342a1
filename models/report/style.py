"""How the report's drawings look, and what each of their captions says it was computed from."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dataset.common.html import BLUE, INK, ORANGE, SOFT, TEAL, VIOLET, text
from models.evaluation.evaluate import VideoResult
from models.evaluation.methods import TITLES

# of `PALETTE`
_NAMES = {
    "ppg": "ink", "teacher": "violet", "student": "orange", "student_kd": "teal", "physnet": "blue",
}
COLOURS = {
    **dict.fromkeys(TITLES, SOFT), "ppg": INK, "teacher": VIOLET, "student": ORANGE,
    "student_kd": TEAL, "physnet": BLUE,
}
MOST_POINTS = 600           # of one method in one drawing


def panel(
    width: float, height: float, *, left: float = 0.68, bottom: float = 0.46, top: float = 0.3
) -> tuple[Figure, Axes]:
    """Give a figure with one axis inside fixed margins [inches]: laying it out by what is drawn
    takes as long as drawing.
    """
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes(
        (left / width, bottom / height, 1 - (left + 0.2) / width, 1 - (bottom + top) / height)
    )
    return figure, axis


def legend(names: Iterable[str]) -> str:
    """Say in HTML which colour is whose: "ppg" and methods."""
    keys = "".join(
        f'<span><i style="background:var(--{_NAMES.get(name, "soft")})"></i>{TITLES.get(name, "contact PPG")}</span>'
        for name in names
    )
    return f'<p class="legend">{keys}</p>'


def pooled(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    """Give predicted and reference rates of all windows [bpm]; a window without a peak counts as 0,
    as in every table.
    """
    return np.nan_to_num(np.concatenate([v.predicted_bpm for v in videos])), np.concatenate(
        [v.reference_bpm for v in videos]
    )


def thinning(windows: int) -> tuple[int, str]:
    """Give the step by which windows are drawn, so that a page stays small, and what a caption says
    of it.
    """
    step = -(-windows // MOST_POINTS)
    return (
        step, f" One window in {step} is drawn; lines and figures are of all." if step > 1 else "",
    )


def basis(metrics: dict) -> str:
    """Say which data a drawing or a table of rates was computed from, and how finely rates are told
    apart.
    """
    windows, recordings = metrics["methods"]["teacher"]["windows"], metrics["recordings"]["test"]
    window_s = metrics["heart_rate"]["window_s"]
    return (
        f"Computed from {windows} windows of {window_s:g} s of {recordings} test "
        f"recording{'' if recordings == 1 else 's'}; "
        f"{hashes(metrics)}; {resolution(metrics)}."
    )


def hashes(metrics: dict) -> str:
    """Name the data and the split by the first digits of their hashes; the whole ones stand at the
    report's end.
    """
    folds = len(metrics["folds"])
    split = (
        f"split <code>{text(metrics['split_hash'][:12])}</code>"
        if folds == 1
        else f"dealt into {folds} folds"
    )
    return f"data <code>{text(metrics['data_hash'][:12])}</code>, {split}"


def resolution(metrics: dict) -> str:
    """Say how finely heart rates are told apart."""
    rate = metrics["heart_rate"]
    return (f"spectrum on a grid of {rate['fft_grid_bpm']:g} bpm, its peak refined; "
            f"a pulse is a peak {rate['main_lobe_bpm']:g} bpm wide")
