"""How far each method is off: drawings of agreement, of each subject, and of how clean the pulses
are.
"""

from collections.abc import Sequence

import numpy as np

from dataset.common.html import INK, element, number, panels
from models.evaluation.evaluate import VideoResult
from models.evaluation.methods import COLOURS as WITHOUT_TRAINING
from models.evaluation.methods import TITLES
from models.evaluation.metrics import bland_altman

from .style import COLOURS, basis, legend, panel, pooled, thinning

Results = dict[str, list[VideoResult]]
SMALL = (3.5, 2.5)          # inches: three beside each other on a laptop, one on a phone
ROWS = 11                   # subjects in one drawing


def agreement(results: Results, metrics: dict) -> str:
    """Draw a Bland-Altman plot of each method: difference against mean of the two rates, with the
    limits of agreement.
    """
    drawings = []
    for name, videos in results.items():
        said, meant = pooled(videos)
        step, thinned = thinning(len(said))
        limits = bland_altman(said, meant)
        figure, axis = panel(*SMALL)
        axis.plot(
            ((said + meant) / 2)[::step], (said - meant)[::step], "o", ms=4, mew=0, alpha=0.6,
            color=COLOURS[name],
        )
        axis.axhline(limits["bias_bpm"], color=INK, lw=1)
        for edge in ("low_bpm", "high_bpm"):
            axis.axhline(limits[edge], color=INK, lw=0.9, ls="--")
        told = f"{number(limits['bias_bpm'])} [{number(limits['low_bpm'], 1)}, {number(limits['high_bpm'], 1)}]"
        axis.set(
            title=f"{TITLES[name]}: {told}", xlabel="mean of both [bpm]",
            ylabel="predicted − PPG [bpm]",
        )
        drawings.append(
            element(
                figure,
                alt=f"Bland-Altman plot of {TITLES[name]}: mean difference and limits of agreement "
                f"{told} bpm",
            )
        )
    return panels(
        drawings,
        "Bland and Altman (1986). Each point is a window; line: mean difference; dashed: limits of "
        "agreement, 1.96 standard deviations on either side, both in the title [bpm]; each method "
        "has its "
        f"own scale. A window in which a method has no peak counts as 0 bpm.{thinned} "
        f"{basis(metrics)}",
        width_px=290,
    )


def scatter(results: Results, metrics: dict) -> str:
    """Draw predicted against reference heart rate of each method."""
    ends = _wider(*(f(f(meant) for _, meant in map(pooled, results.values())) for f in (min, max)))
    drawings = []
    for name, videos in results.items():
        said, meant = pooled(videos)
        step, thinned = thinning(len(said))
        figure, axis = panel(*SMALL)
        axis.plot(ends, ends, color=INK, lw=0.8)
        axis.plot(meant[::step], said[::step], "o", ms=4, mew=0, alpha=0.6, color=COLOURS[name])
        r = metrics["methods"][name]["pearson_r"]
        axis.set(
            title=f"{TITLES[name]}: r = {number(r)}", xlabel="PPG [bpm]", ylabel="predicted [bpm]",
            xlim=ends,
        )
        drawings.append(
            element(
                figure,
                alt=f"predicted against reference heart rate by {TITLES[name]}, r = {number(r)}",
            )
        )
    return panels(
        drawings,
        f"Each point is a window; on the line both agree. r: Pearson’s, over all windows.{thinned} "
        f"{basis(metrics)}",
        width_px=290,
    )


def _wider(low: float, high: float) -> tuple[float, float]:
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def spreads(results: Results, metrics: dict) -> str:
    """Draw how SNR and MACC spread over the windows, for each method."""
    drawings = []
    for what, title in (("snr_db", "SNR [dB]"), ("macc", "MACC")):
        figure, axis = panel(5.2, 0.8 + 0.24 * len(results), left=1.0)
        values = [np.concatenate([getattr(v, what) for v in videos]) for videos in results.values()]
        values = [v[np.isfinite(v)] for v in values]  # a pulse that is flat has neither
        parts = axis.boxplot(
            values, orientation="horizontal", showfliers=False, widths=0.6, patch_artist=True
        )
        for patch, name in zip(parts["boxes"], results, strict=True):
            patch.set(facecolor=COLOURS[name], alpha=0.6, lw=0.6)
        for line in parts["medians"]:
            line.set_color(INK)
        axis.set(
            xlabel=title, yticks=range(1, len(results) + 1),
            yticklabels=[TITLES[name] for name in results],
        )
        axis.invert_yaxis()
        medians = ", ".join(f"{TITLES[n]} {number(float(np.median(v)) if len(v) else None)}"
                            for n, v in zip(results, values, strict=True))
        drawings.append(element(figure, alt=f"{title} over windows, medians: {medians}"))
    return panels(
        drawings,
        "Boxes: quartiles over all windows; whiskers reach the last value within 1.5 times their "
        "distance. "
        "SNR: power near the PPG’s rate and its double over the rest; MACC: largest correlation of "
        "pulse "
        f"and PPG over all shifts. {basis(metrics)}",
        width_px=400,
    )


def subjects(results: Results, metrics: dict) -> str:
    """Draw each subject's mean absolute error, with the range of its windows, by the networks and
    the best method without "
      "training."""
    methods = metrics["methods"]
    best = min(
        (n for n in WITHOUT_TRAINING if n in results), key=lambda n: methods[n]["mae_bpm"],
        default=None,
    )
    shown = [n for n in results if n not in WITHOUT_TRAINING or n == best]
    names = list(dict.fromkeys(v.subject for v in results["teacher"]))
    errors = {name: [_errors(results[name], subject) for subject in names] for name in shown}
    furthest = max(float(np.percentile(e, 95)) for one in errors.values() for e in one)
    drawings = [
        _of_subjects(names, errors, slice(at, at + ROWS), furthest)
        for at in range(0, len(names), ROWS)
    ]
    said = f" Without training, {TITLES[best]} is the best on these windows." if best else ""
    caption = (
        "Dots: mean over all windows of a subject; lines: from the 5th to the 95th percentile of "
        "its windows. Up to 1 "
        f"bpm the scale is linear, logarithmic above.{said} The intervals in the tables draw whole "
        "subjects: they are "
        f"as wide as these dots are spread. {basis(metrics)}"
    )
    return legend(shown) + panels(drawings, caption, width_px=400)


def _of_subjects(
    names: Sequence[str], errors: dict[str, list[np.ndarray]], part: slice, furthest: float
) -> str:
    names = names[part]
    figure, axis = panel(5.2, 0.6 + len(names) * (0.14 + 0.08 * len(errors)), left=1.0, top=0.1)
    for at, (name, every) in enumerate(errors.items()):
        rows = np.arange(len(names)) + (at - (len(errors) - 1) / 2) * 0.6 / len(errors)
        low, high = (
            np.array([np.percentile(e, percent) for e in every[part]]) for percent in (5, 95)
        )
        axis.hlines(rows, low, high, color=COLOURS[name], lw=1.3, alpha=0.7)
        axis.plot([e.mean() for e in every[part]], rows, "o", ms=4.5, mew=0, color=COLOURS[name])
    axis.set_xscale("symlog", linthresh=1.0)
    axis.xaxis.set_major_formatter(lambda bpm, _: f"{bpm:g}")
    axis.set(
        yticks=range(len(names)), yticklabels=names, xlabel="absolute error [bpm]",
        ylim=(len(names) - 0.5, -0.5), xlim=(0, 1.2 * max(furthest, 1.0)),
    )
    return element(figure, alt=f"absolute error of the subjects {', '.join(names)}")


def _errors(videos: Sequence[VideoResult], subject: str) -> np.ndarray:
    said, meant = pooled([v for v in videos if v.subject == subject])
    return np.abs(said - meant)
