"""How the networks learnt: the loss and its parts, epoch by epoch."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from dataset.common.html import element, panels
from models.evaluation.methods import TITLES

from .style import COLOURS, hashes, legend, panel

if TYPE_CHECKING:
    from models.training.recipe import Trained

SIZE = (5.2, 2.5)
PARTS = {
    "middle": ("-", "solid, the middle feature map"),
    "last": ("--", "dashed, the last feature map"), "pulse": (":", "dotted, its answer"),
}


def curves(trained: "dict[str, Trained]", metrics: dict) -> str:
    """Draw the training curves: the error on the PPG, and how far the taught student is from its
    teacher.
    """
    left, label = panel(*SIZE)
    for name, one in trained.items():
        label.plot(
            np.arange(1, len(one.curve) + 1), [e["label"] for e in one.curve], color=COLOURS[name],
            marker="o", ms=3,
        )
    label.set(title="error on the PPG’s change (1: nothing learnt)", xlabel="epoch", ylabel="loss")
    label.xaxis.set_major_locator(MaxNLocator(integer=True))
    distances = ""
    drawings = [element(left, alt="error on the PPG's change over epochs, each network")]
    taught = trained["student_kd"].curve
    if known := [part for part in PARTS if part in taught[-1]]:
        right, parts = panel(*SIZE)
        for part in known:
            style, _ = PARTS[part]
            # the epochs before its teacher joined have none
            epochs = [n for n, e in enumerate(taught, 1) if part in e]
            parts.plot(
                epochs, [taught[n - 1][part] for n in epochs], style, color=COLOURS["student_kd"],
                marker="o", ms=3,
            )
        parts.set(title="student + KD: distance to its teacher", xlabel="epoch", ylabel="loss")
        parts.xaxis.set_major_locator(MaxNLocator(integer=True))
        distances = f" Distance to the teacher: {'; '.join(PARTS[part][1] for part in known)}."
        drawings.append(element(right, alt="distance of student + KD to its teacher over epochs"))
    recipe, methods = metrics["recipe"], metrics["methods"]
    times = ", ".join(
        f"{TITLES[n]} {len(one.curve)} epochs in {methods[n]['seconds']:.0f} s"
        for n, one in trained.items()
    )
    pearson = (
        " PhysNet’s loss is 1 − r over a clip, the others’ a mean squared error."
        if "physnet" in trained
        else ""
    )
    first = ", first fold" if len(metrics["folds"]) > 1 else ""
    return legend(trained) + panels(
        drawings,
        "On the training side, while training (dropout on), seed "
        f"{recipe['seed']}{first}.{pearson}{distances} Times: "
        f"{times}{' (all folds)' if first else ''}. Both students have the same data, batches, "
        "first weights, dropout, "
        "optimiser and schedule; no epoch and no weight was chosen by the test side. Computed "
        f"from {hashes(metrics)}.",
        width_px=400,
    )
