"""What the report's drawings share: colours, axes of a fixed size, windows put together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dataset.common.pages import PALETTE
from models.evaluation.methods import TITLES
from models.evaluation.video_result import VideoResult
from models.published_nets.spec import PublishedNet
from models.published_nets.titles import titles

if TYPE_CHECKING:
    from models.training.trained import Trained

_NAMES = {  # of `PALETTE`; what is not here is "soft"
    "ppg": "ink", "teacher": "violet", "student": "orange", "student_kd": "teal",
    **dict.fromkeys(titles(), "blue"),
}
COLOURS = {name: PALETTE[_NAMES.get(name, "soft")][0] for name in ("ppg", *TITLES)}
MOST_POINTS = 600           # of one method in one drawing


@dataclass(frozen=True)
class LegendKey:
    """One entry of a legend."""

    title: str
    colour: str             # a name of `PALETTE`


def legend(names: Iterable[str]) -> list[LegendKey]:
    """Return the legend of methods, and of "ppg"."""
    return [
        LegendKey(TITLES.get(name, "contact PPG"), _NAMES.get(name, "soft")) for name in names
    ]


def new_axes(
    width: float, height: float, *, left: float = 0.68, bottom: float = 0.46, top: float = 0.3
) -> tuple[Figure, Axes]:
    """Return a figure with one axis inside fixed margins [inches].

    To lay it out by what is drawn would take as long as to draw it.
    """
    figure = Figure(figsize=(width, height))
    axis = figure.add_axes(
        (left / width, bottom / height, 1 - (left + 0.2) / width, 1 - (bottom + top) / height)
    )
    return figure, axis


def pooled_rates(videos: Sequence[VideoResult]) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and reference rates of all windows [bpm], as they count in every table."""
    return (
        np.concatenate([video.counted_bpm for video in videos]),
        np.concatenate([video.reference_bpm for video in videos]),
    )


def window_step(windows: int) -> int:
    """Return one in how many windows is drawn, so that a page stays small."""
    return -(-windows // MOST_POINTS)


def predicts_rate(network: "Trained") -> bool:
    """Return whether a network predicts a rate and no pulse that could be drawn."""
    return isinstance(network.net, PublishedNet) and network.net.reads.predicts == "rate"
