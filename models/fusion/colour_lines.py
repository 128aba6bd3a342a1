"""What the colours do at one rate: in which ratio red, green and blue swing, and what is beside it.

Blood takes most from green and least from red (de Haan, van Leest, "Improved motion robustness of
remote-PPG by using the blood volume pulse signature", Physiol. Meas. 35(9), 2014); motion and light
change all three about alike.
"""

from functools import lru_cache

import numpy as np

# red, green and blue, relative to their means; of length 1
PULSE_RGB = np.array([0.33, 0.77, 0.53]) / np.linalg.norm([0.33, 0.77, 0.53])
_AT_BPM = np.array([-1.5, 0.0, 1.5])        # a line of ten seconds is this wide
_BESIDE_BPM = np.concatenate([np.arange(-25.0, -6.0, 3.0), np.arange(7.0, 26.0, 3.0)])
_SLOWEST_BESIDE_BPM = 35.0
_DRIFT_ORDER = 3                            # of the polynomial that is taken from each trace
_TINY = 1e-14
# Where red or blue stood out 4 times and more at a rate that was right, they swung at most 1.01
# times as much as green (real clips in ten codings, virtual people of the varied world); in the
# light of a blue screen on a face 1.5 times.
_OTHER_COLOUR, _OTHER_STANDS_OUT = 1.25, 6.0


class ColourLines:
    """The lines of K traces, each as a share of its mean.

    Parameters
    ----------
    traces : (T, K) at an even rate, > 0
    fs_hz : the rate of samples [Hz]
    """

    def __init__(self, traces: np.ndarray, fs_hz: float) -> None:
        self._grid = len(traces), fs_hz
        relative = traces / np.maximum(traces.mean(axis=0), 1e-3) - 1
        drift = np.vander(np.linspace(-1, 1, len(traces)), _DRIFT_ORDER + 1)
        relative = relative - drift @ np.linalg.lstsq(drift, relative, rcond=None)[0]
        taper = np.hanning(len(traces))
        self._tapered = relative * (2 * taper / taper.sum())[:, None]

    def at(self, bpm: float) -> np.ndarray:
        """Return how the traces go together at a rate, (K, K): mean products of their lines."""
        return _products(_waves(bpm, *self._grid) @ self._tapered)

    def beside(self, bpm: float) -> np.ndarray:
        """Return the same of the rates beside it, 7 to 25 bpm away."""
        return _products(_waves(bpm, *self._grid, beside=True) @ self._tapered)

    def has_other_colour(self, bpm: float) -> bool:
        """Return whether red or blue swings more than green, and clearly: that is no blood.

        Of traces of red, green and blue.
        """
        here, beside = np.diag(self.at(bpm)), np.diag(self.beside(bpm))
        stands_out = here >= _OTHER_STANDS_OUT * beside
        return bool((stands_out & (here >= _OTHER_COLOUR**2 * here[1]))[[0, 2]].any())


@lru_cache(maxsize=4)           # the traces of one window are all asked for one rate
def _waves(bpm: float, count: int, fs_hz: float, *, beside: bool = False) -> np.ndarray:
    """Return waves at a rate, or of the rates beside it, (B, count)."""
    rates_bpm = bpm + (_BESIDE_BPM if beside else _AT_BPM)
    if beside:
        rates_bpm = rates_bpm[rates_bpm >= _SLOWEST_BESIDE_BPM]
    return np.exp(-2j * np.pi / 60 * np.multiply.outer(rates_bpm, np.arange(count) / fs_hz))


def _products(lines: np.ndarray) -> np.ndarray:
    return np.real(lines.T @ lines.conj()) / len(lines)


def colour_features(bpm: float, lines: ColourLines) -> dict[str, float]:
    """Return what the face's colours say of a rate.

    - "second colour": how strong what swings in another ratio of colours is; of a pulse little
    - "green above red": of the ratio that is strongest
    - "blood against its sides": the line in the ratio of blood, whitened by what is beside it
      (a matched filter), against the same beside
    """
    here, beside = lines.at(bpm), lines.beside(bpm)
    strength, directions = np.linalg.eigh(here)
    strongest = directions[:, -1] * (np.sign(directions[:, -1].sum()) or 1.0)
    matched = np.linalg.solve(beside + 1e-9 * np.eye(3), PULSE_RGB)
    matched /= np.linalg.norm(matched)
    return {
        "second colour": float(np.log((strength[-2] + 1e-12) / (strength[-1] + 1e-12))),
        "green above red": float(strongest[1] - strongest[0]),
        "blood against its sides": float(
            np.log((matched @ here @ matched + _TINY) / (matched @ beside @ matched + _TINY))
        ),
    }
