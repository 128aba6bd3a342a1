"""How far off a method is where only its surest windows are shown: the risk-coverage curve.

A network and a formula say nothing of how sure they are. What speaks for a window without looking
at the finger is how similar neighbouring beats of its pulse are; by that the windows are sorted.

Source: El-Yaniv and Wiener, "On the foundations of noise-free selective classification", JMLR 11,
2010 (risk and coverage).
"""

from typing import TYPE_CHECKING

import numpy as np

from dataset.common.drawings import as_svg
from dataset.common.wording import number
from dataset.signals.pulse_quality import beat_similarity
from models.evaluation.mean_rate import coverage_text
from models.evaluation.methods import COLOUR_TITLES, TITLES
from models.evaluation.video_result import VideoResult

from .accuracy import Results
from .drawing import COLOURS, legend, new_axes, pooled_rates
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

SHARES_PERCENT = (100, 75, 50, 25)
_FEWEST = 5             # windows, from which the curve is drawn


def shares_shown(results: Results, metrics: dict) -> "Markup":
    """Draw the MAE of each share of the windows, the surest first, and its table.

    Drawn are the networks, and the best of the methods without training; all are in the table.
    """
    curves = {name: mae_by_share(videos) for name, videos in results.items()}
    untrained = [name for name in results if name in COLOUR_TITLES]
    best = min(untrained, key=lambda name: metrics["methods"][name]["mae_bpm"], default=None)
    shown = [name for name in results if name not in COLOUR_TITLES or name == best]
    figure, axis = new_axes(5.2, 2.5)
    for name in shown:
        mae_bpm = curves[name]
        share = 100 * np.arange(1, len(mae_bpm) + 1) / len(mae_bpm)
        first = min(_FEWEST, len(mae_bpm)) - 1
        axis.plot(share[first:], mae_bpm[first:], color=COLOURS[name], lw=1.5)
    axis.set(xlabel="windows shown, the surest first [%]", ylabel="MAE [bpm]", xlim=(0, 100))
    axis.set_ylim(bottom=0)
    rows = {
        TITLES[name]: [
            float(mae_bpm[max(1, round(len(mae_bpm) * percent / 100)) - 1])
            for percent in SHARES_PERCENT
        ]
        for name, mae_bpm in curves.items()
    }
    coverages = {
        TITLES[name]: coverage_text([metrics["methods"][name]["coverage_percent"]])
        for name in curves
    }
    half = ", ".join(
        f"{TITLES[name]} {number(rows[TITLES[name]][SHARES_PERCENT.index(50)])}" for name in shown
    )
    drawing = as_svg(figure, alt=f"MAE by share of windows shown; of the surest half: {half} bpm")
    return section(
        "shares", "shares_shown", metrics=metrics, drawings=[drawing], legend_keys=legend(shown),
        shares=SHARES_PERCENT, rows=rows, coverages=coverages, best=TITLES[best] if best else "",
    )


def mae_by_share(videos: list[VideoResult]) -> np.ndarray:
    """Return the MAE of the k surest windows of all videos [bpm], (W,) for k from 1 to W."""
    predicted, reference = pooled_rates(videos)
    sure = np.concatenate([_similarities(video) for video in videos])
    error_bpm = np.abs(predicted - reference)[np.argsort(-sure, kind="stable")]
    return np.cumsum(error_bpm) / np.arange(1, len(error_bpm) + 1)


def _similarities(video: VideoResult) -> np.ndarray:
    """Return how similar neighbouring beats are in each window of a pulse, (W,).

    A window without a prediction is the least sure.
    """
    length = round(video.window_s * video.fs_hz)
    firsts = np.round((video.start_s - video.time_s[0]) * video.fs_hz).astype(int)
    similarities = np.array([
        beat_similarity(video.pulse[first : first + length], video.fs_hz)
        for first in firsts.tolist()
    ])
    return np.where(np.isfinite(video.predicted_bpm), similarities, -np.inf)
