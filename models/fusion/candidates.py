"""The rates that a window may have, and what speaks for each: the same numbers live and later.

What a method shows is used without its name: the methods' shares are sorted. A network is better on
people who were drawn for its training than on others, so that weights by name would trust it where
it should not be trusted.
"""

from dataclasses import dataclass

import numpy as np

from .spectra import BPM, Spectra

NEAR_BPM = 6.0          # half the width of a peak of 10 s
AGREE_BPM = 4.0         # a method's own peak this near a rate speaks for it
_MOST = 4               # peaks that are taken from the product of the spectra, and from their mean
_SLOWEST_WITH_HALF_BPM = 66.0
FEATURES = (
    "weakest", "second weakest", "second strongest", "strongest", "methods that agree",
    "two agree", "all agree", "strong shares", "share of the product", "double", "half",
    "similar beats", "most similar beats", "rate", "rate squared", "colour changes", "light",
    "frame rate", "span",
)


@dataclass(frozen=True)
class Conditions:
    """How a window was filmed."""

    fs_hz: float
    span_s: float
    change_percent: float       # standard deviation of the colours over the window
    level: float                # mean of the colours, 0 to 255


def candidates_bpm(spectra: Spectra) -> list[float]:
    """Return rates of `BPM` at which all methods together have a peak, the highest first."""
    found: list[float] = []
    for together in (spectra.fused, spectra.shares.mean(axis=0)):
        maxima = spectra.maxima(together)
        for at in maxima[np.argsort(-together[maxima])][:_MOST].tolist():
            if all(abs(BPM[at] - other) > AGREE_BPM for other in found):
                found.append(float(BPM[at]))
    return found


def features_of(
    bpm: float, spectra: Spectra, peaks_bpm: list[float | None], conditions: Conditions
) -> np.ndarray:
    """Return what speaks for a rate, (F,) as `FEATURES` names it."""
    near = np.abs(BPM - bpm) <= NEAR_BPM
    shares = spectra.within(bpm, NEAR_BPM)
    agree = sum(peak is not None and abs(peak - bpm) <= AGREE_BPM for peak in peaks_bpm)
    double = spectra.power_within(2 * bpm, NEAR_BPM + 2) / (
        spectra.power_within(bpm, NEAR_BPM) + np.finfo(float).tiny
    )
    similarity = spectra.similarity(bpm)
    half = spectra.within(bpm / 2, AGREE_BPM).mean() if bpm >= _SLOWEST_WITH_HALF_BPM else 0.0
    return np.array([
        *np.sort(np.log(shares + 0.02)), agree, agree >= 2, agree == len(peaks_bpm),
        shares[shares > 0.3].sum(), np.log(1e-3 + spectra.fused[near].sum() / spectra.fused.sum()),
        np.log(np.clip(double.mean(), 0.01, 3.0)), np.log(half + 0.02), similarity.mean(),
        similarity.max(), np.log(bpm / 90), np.log(bpm / 90) ** 2,
        np.sqrt(conditions.change_percent),
        np.log(max(conditions.level, 1.0) / 100), np.log(conditions.fs_hz / 25),
        np.log(conditions.span_s / 10),
    ], np.float64)
