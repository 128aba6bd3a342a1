"""How the networks learnt: the loss and its parts, epoch by epoch."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from dataset.common.drawings import as_svg
from models.evaluation.methods import TITLES
from models.published_nets.registry import find_network

from .drawing import COLOURS, legend, new_axes, predicts_rate
from .method import teacher_of
from .sections import section

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

    from models.training.trained import Trained

SIZE = (5.2, 2.5)
MARKS = {"middle": "o-", "last": "s--", "pulse": "^:"}    # of the parts of the distance


def curves(trained: "dict[str, Trained]", metrics: dict) -> "Markup":
    """Draw the error on the PPG, and the taught student's distance to its teacher, by epoch."""
    figure, axis = new_axes(*SIZE)
    specs = {name: find_network(_kind(name, metrics)) for name in trained}
    not_drawn = [name for name in trained if predicts_rate(trained[name])]
    for name, network in trained.items():
        if name in not_drawn:
            continue
        axis.plot(
            np.arange(1, len(network.curve) + 1), [epoch["label"] for epoch in network.curve],
            color=COLOURS[name], marker="o", ms=3,
        )
    axis.set(title="error on the PPG’s change (1: nothing learnt)", xlabel="epoch", ylabel="loss")
    _count_epochs(axis, max(len(network.curve) for network in trained.values()))
    drawings = [as_svg(figure, alt="error on the PPG's change over epochs, each network")]
    taught = trained["student_kd"].curve
    parts = [part for part in MARKS if part in taught[-1]]
    if parts:
        figure, axis = new_axes(*SIZE)
        for part in parts:
            # the epochs before its teacher joined have none
            epochs = [n for n, losses in enumerate(taught, 1) if part in losses]
            axis.plot(
                epochs, [taught[n - 1][part] for n in epochs], MARKS[part],
                color=COLOURS["student_kd"], ms=4,
            )
        axis.set(title="student + KD: distance to its teacher", xlabel="epoch", ylabel="loss")
        _count_epochs(axis, len(taught))
        alt = "distance of student + KD to its teacher over epochs"
        drawings.append(as_svg(figure, alt=alt))
    return section(
        "training", "curves", metrics=metrics, drawings=drawings, parts=parts,
        legend_keys=legend(name for name in trained if name not in not_drawn),
        own_losses={
            TITLES[name]: spec.loss
            for name, spec in specs.items() if spec and name not in not_drawn
        },
        not_drawn=[TITLES[name] for name in not_drawn],
        epochs={name: (TITLES[name], len(network.curve)) for name, network in trained.items()},
    )


def _count_epochs(axis: "Axes", epochs: int) -> None:
    """Let an axis have whole epochs, also where there is one."""
    axis.set_xlim(0.5, epochs + 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _kind(name: str, metrics: dict) -> str:
    """Return the network of a column: the teacher's is what the recipe names."""
    return teacher_of(metrics) if name == "teacher" else name
