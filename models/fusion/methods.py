"""The pulse of one window by each method, on an even grid."""

from contextlib import suppress

import numpy as np

from dataset.signals.colour_methods import METHODS
from dataset.signals.windows import to_even_grid

NETWORK = "network"
FORMULAS = ("pos", "chrom", "ica")


def pulses_of(
    time_s: np.ndarray, changes: np.ndarray, even_colour: np.ndarray, fs_hz: float
) -> dict[str, np.ndarray]:
    """Return the pulse by each method on the times' even grid, (G,).

    A method that cannot read the window has a flat one.

    Parameters
    ----------
    time_s, changes : those of `fuse.fuse_window`
    even_colour : (G, 3) its colours on the even grid
    fs_hz : rate of the grid [Hz]
    """
    pulses = {NETWORK: to_even_grid(np.cumsum([0.0, *changes[1:]]), time_s)}
    for name in FORMULAS:
        pulses[name] = np.zeros(len(even_colour))
        with suppress(ValueError):          # too short, too slow, or black
            pulses[name] = METHODS[name](even_colour, fs_hz)
    return pulses
