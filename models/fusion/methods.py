"""The pulse of one window by each method, on an even grid."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from dataset.signals.colour_methods import METHODS, check_colours, ica_of_each
from dataset.signals.windows import to_even_grid

NETWORK = "network"
FORMULAS = ("pos", "chrom", "ica")
Colours = tuple[np.ndarray, float]      # (G, 3) colours on an even grid, and its rate [Hz]


def pulse_of_network(time_s: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """Return the pulse that the network predicts on the times' even grid, (G,).

    Parameters
    ----------
    time_s, changes : those of `fuse.fuse_window`
    """
    return to_even_grid(np.cumsum([0.0, *changes[1:]]), time_s)


def pulses_of_colours(windows: Sequence[Colours]) -> list[dict[str, np.ndarray]]:
    """Return each window's pulse by each of `FORMULAS`, (G,).

    A method that cannot read the window has a flat one.
    """
    pulses = [
        {name: np.zeros(len(colours)) for name in FORMULAS} for colours, _ in windows
    ]
    alike = defaultdict(list)           # windows of one length, which ICA reads at once
    for at, (colours, fs_hz) in enumerate(windows):
        with suppress(ValueError):      # too short, too slow, or black
            check_colours(colours, fs_hz)
            alike[len(colours)].append(at)
            for name in FORMULAS[:2]:
                pulses[at][name] = METHODS[name](colours, fs_hz)
    for places in alike.values():
        for at, pulse in zip(places, ica_of_each([windows[at] for at in places]), strict=True):
            pulses[at]["ica"] = pulse
    return pulses
