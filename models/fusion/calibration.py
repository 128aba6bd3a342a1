"""How far a rate can be trusted: a probability from what speaks for it, and an interval from that.

The probability is logistic regression's: that a rate is within 5 bpm of the true one. The interval
is split-conformal, within classes of that probability (Vovk, "Conditional validity of inductive
conformal predictors", ACML 2012): half its width is the (n + 1) 90 % smallest error of a class's
windows of people who neither regression nor test have seen. It holds in 90 of 100 windows of people
who are filmed as those were; of others it is as good as those are alike.

What it was computed from stands in calibration.json, which `benchmarks/rate_intervals.py` makes.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from .candidates import FEATURES

CALIBRATION = Path(__file__).parent / "calibration.json"
# of the people and windows that intervals were computed from: rates, and the longest window
RATES_BPM, LONGEST_S = (38.0, 180.0), 13.0
WIDEST_BPM = 40.0       # of an interval that goes with a rate: a wider one holds most hearts' rates


@dataclass(frozen=True)
class Calibration:
    """Weights of the regression, and half widths of intervals."""

    mean: np.ndarray            # (F,) of the features
    deviation: np.ndarray       # (F,)
    weights: np.ndarray         # (F + 1,), the first without a feature
    edges: np.ndarray           # (K - 1,) probabilities between the classes, rising
    half_width_bpm: np.ndarray  # (K,) of the intervals
    shown_from: float           # least probability at which a rate is stood by

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Return the probability that a rate is right to 5 bpm: (..., F) features to (...)."""
        scaled = (features - self.mean) / self.deviation
        return 1 / (1 + np.exp(-(self.weights[0] + scaled @ self.weights[1:])))

    def is_enough(self, probability: float) -> bool:
        """Return whether a rate is stood by: it is probable, and its interval says something."""
        return (
            probability >= self.shown_from and 2 * self.half_width(probability) <= WIDEST_BPM
        )

    def half_width(self, probability: float) -> float:
        """Return half the width of the interval [bpm] of a rate with this probability."""
        return float(self.half_width_bpm[np.searchsorted(self.edges, probability, side="right")])


def why_extrapolated(bpm: float, span_s: float) -> str:
    """Return in words why nothing was calibrated for a rate, or for its window; "" inside."""
    low, high = RATES_BPM
    only = [] if low <= bpm <= high else [f"rates of {low:g} to {high:g} bpm"]
    if span_s > LONGEST_S:
        only.append(f"windows of up to {LONGEST_S:g} s")
    return f"interval extrapolated: calibrated on {' and '.join(only)}" if only else ""


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Read the calibration that comes with acq."""
    stored = json.loads(CALIBRATION.read_text())
    if tuple(stored["features"]) != FEATURES:
        raise ValueError(f"expected a calibration of {FEATURES}, found {stored['features']}")
    return Calibration(
        *(np.array(stored[name], np.float64)
          for name in ("mean", "deviation", "weights", "edges", "half_width_bpm")),
        shown_from=stored["shown_from"],
    )
