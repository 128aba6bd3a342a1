"""The pulse of one window by each method, on an even grid."""

from contextlib import suppress

import numpy as np

from dataset.signals.colour_methods import METHODS
from dataset.signals.windows import even_grid, to_even_grid

NETWORK = "network"
FORMULAS = ("pos", "chrom", "ica")


def pulses_of(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """Return the rate of the times' even grid [Hz], and on it the pulse by each method, (G,).

    Arguments are those of `fuse.fuse_window`. A method that cannot read the window has a flat one.
    """
    grid_s, fs_hz = even_grid(time_s)
    pulses = {NETWORK: to_even_grid(np.cumsum([0.0, *changes[1:]]), time_s)}
    even = np.stack([to_even_grid(values, time_s) for values in colour.T], axis=1)
    for name in FORMULAS:
        pulses[name] = np.zeros(len(grid_s))
        with suppress(ValueError):          # too short, too slow, or black
            pulses[name] = METHODS[name](even, fs_hz)
    return fs_hz, pulses
