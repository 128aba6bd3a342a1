"""The pulse of one window by each method, on an even grid."""

import numpy as np

from dataset.signals.colour_methods import METHODS
from dataset.signals.windows import even_grid, to_even_grid

NETWORK = "network"
FORMULAS = ("pos", "chrom", "ica")


def pulses_of(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray
) -> tuple[dict[str, np.ndarray], float]:
    """Return the pulse by each method, (G,) on the even grid of the times, and its rate [Hz].

    Arguments are those of `fuse.fuse_window`. A method that cannot read the window is left out.
    """
    _, fs_hz = even_grid(time_s)
    risen = np.cumsum(np.concatenate([[0.0], changes[1:]]))
    pulses = {NETWORK: to_even_grid(risen, time_s)}
    even = np.stack([to_even_grid(values, time_s) for values in colour.T], axis=1)
    for name in FORMULAS:
        try:
            pulses[name] = METHODS[name](even, fs_hz)
        except ValueError:                  # too short, too slow, or black
            continue
    return pulses, fs_hz
