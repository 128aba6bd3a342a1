"""How far each method is off: drawings of agreement, of each subject, of how clean pulses are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataset.common.drawings import INK, Drawing, as_svg
from dataset.common.wording import number
from models.evaluation.methods import COLOUR_TITLES as WITHOUT_TRAINING
from models.evaluation.methods import TITLES
from models.evaluation.video_result import VideoResult

from .drawing import COLOURS, legend, new_axes, pooled_rates, window_step
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup

Results = dict[str, list[VideoResult]]
SMALL = (3.5, 2.5)          # inches: three beside each other on a laptop, one on a phone
ROWS = 11                   # subjects in one drawing


def agreement(results: Results, metrics: dict) -> "Markup":
    """Draw a Bland-Altman plot of each method: difference against mean of the two rates."""
    drawings, step = [], 1
    for name, videos in results.items():
        predicted, reference = pooled_rates(videos)
        step = window_step(len(predicted))
        limits = metrics["methods"][name]["bland_altman"]
        figure, axis = new_axes(*SMALL)
        axis.plot(
            ((predicted + reference) / 2)[::step], (predicted - reference)[::step], "o", ms=4,
            mew=0, alpha=0.6, color=COLOURS[name],
        )
        axis.axhline(limits["bias_bpm"], color=INK, lw=1)
        for limit in ("low_bpm", "high_bpm"):
            axis.axhline(limits[limit], color=INK, lw=0.9, ls="--")
        low, high = (number(limits[limit], 1) for limit in ("low_bpm", "high_bpm"))
        words = f"{number(limits['bias_bpm'])} [{low}, {high}]"
        axis.set(
            title=f"{TITLES[name]}: {words}", xlabel="mean of both [bpm]",
            ylabel="predicted − PPG [bpm]",
        )
        alt = f"Bland-Altman plot of {TITLES[name]}: mean difference and limits of agreement"
        drawings.append(as_svg(figure, alt=f"{alt} {words} bpm"))
    return section("accuracy", "agreement", metrics=metrics, drawings=drawings, step=step)


def scatter(results: Results, metrics: dict) -> "Markup":
    """Draw predicted against reference heart rate of each method."""
    references = np.concatenate([pooled_rates(videos)[1] for videos in results.values()])
    margin = 0.06 * float(np.ptp(references)) or 1.0
    ends = float(references.min()) - margin, float(references.max()) + margin
    drawings, step = [], 1
    for name, videos in results.items():
        predicted, reference = pooled_rates(videos)
        step = window_step(len(predicted))
        figure, axis = new_axes(*SMALL)
        axis.plot(ends, ends, color=INK, lw=0.8)
        axis.plot(
            reference[::step], predicted[::step], "o", ms=4, mew=0, alpha=0.6, color=COLOURS[name]
        )
        r = number(metrics["methods"][name]["pearson_r"])
        axis.set(
            title=f"{TITLES[name]}: r = {r}", xlabel="PPG [bpm]", ylabel="predicted [bpm]",
            xlim=ends,
        )
        alt = f"predicted against reference heart rate by {TITLES[name]}, r = {r}"
        drawings.append(as_svg(figure, alt=alt))
    return section("accuracy", "scatter", metrics=metrics, drawings=drawings, step=step)


def spreads(results: Results, metrics: dict) -> "Markup":
    """Draw how SNR and MACC spread over the windows, for each method."""
    drawings = []
    for field, title in (("snr_db", "SNR acq [dB]"), ("macc", "MACC")):
        figure, axis = new_axes(5.2, 0.8 + 0.24 * len(results), left=1.0)
        values = [
            np.concatenate([getattr(video, field) for video in videos])
            for videos in results.values()
        ]
        values = [v[np.isfinite(v)] for v in values]  # a pulse that is flat has neither
        boxes = axis.boxplot(
            values, orientation="horizontal", showfliers=False, widths=0.6, patch_artist=True
        )
        for box, name in zip(boxes["boxes"], results, strict=True):
            box.set(facecolor=COLOURS[name], alpha=0.6, lw=0.6)
        for line in boxes["medians"]:
            line.set_color(INK)
        axis.set(
            xlabel=title, yticks=range(1, len(results) + 1),
            yticklabels=[TITLES[name] for name in results],
        )
        axis.invert_yaxis()
        medians = ", ".join(
            f"{TITLES[name]} {number(float(np.median(v)) if len(v) else None)}"
            for name, v in zip(results, values, strict=True)
        )
        drawings.append(as_svg(figure, alt=f"{title} over windows, medians: {medians}"))
    return section("accuracy", "spreads", metrics=metrics, drawings=drawings)


def subjects(results: Results, metrics: dict) -> "Markup":
    """Draw each subject's mean absolute error and the range of its windows.

    Shown are the networks, and the best of the methods without training.
    """
    untrained = [name for name in results if name in WITHOUT_TRAINING]
    best = min(untrained, key=lambda name: metrics["methods"][name]["mae_bpm"], default=None)
    shown = [name for name in results if name not in WITHOUT_TRAINING or name == best]
    names = list(dict.fromkeys(video.subject for video in results["teacher"]))
    errors = {name: [_errors(results[name], subject) for subject in names] for name in shown}
    furthest = max(
        float(np.percentile(error, 95)) for of_method in errors.values() for error in of_method
    )
    drawings = [
        _draw_subjects(names, errors, slice(first, first + ROWS), furthest)
        for first in range(0, len(names), ROWS)
    ]
    return section(
        "accuracy", "subjects", metrics=metrics, drawings=drawings, legend_keys=legend(shown),
        best=TITLES[best] if best else "",
    )


def _draw_subjects(
    names: Sequence[str], errors: dict[str, list[np.ndarray]], part: slice, furthest: float
) -> Drawing:
    names = names[part]
    figure, axis = new_axes(5.2, 0.6 + len(names) * (0.14 + 0.08 * len(errors)), left=1.0, top=0.1)
    for row, (name, of_subjects) in enumerate(errors.items()):
        shown = of_subjects[part]
        y = np.arange(len(names)) + (row - (len(errors) - 1) / 2) * 0.6 / len(errors)
        low, high = (np.array([np.percentile(e, percent) for e in shown]) for percent in (5, 95))
        axis.hlines(y, low, high, color=COLOURS[name], lw=1.3, alpha=0.7)
        axis.plot([e.mean() for e in shown], y, "o", ms=4.5, mew=0, color=COLOURS[name])
    axis.set_xscale("symlog", linthresh=1.0)
    axis.xaxis.set_major_formatter(lambda bpm, _: f"{bpm:g}")
    axis.set(
        yticks=range(len(names)), yticklabels=names, xlabel="absolute error [bpm]",
        ylim=(len(names) - 0.5, -0.5), xlim=(0, 1.2 * max(furthest, 1.0)),
    )
    return as_svg(figure, alt=f"absolute error of the subjects {', '.join(names)}")


def _errors(videos: Sequence[VideoResult], subject: str) -> np.ndarray:
    predicted, reference = pooled_rates([v for v in videos if v.subject == subject])
    return np.abs(predicted - reference)
