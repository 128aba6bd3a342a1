"""The rates that a window may have, and what speaks for each: the same numbers live and later.

What a method shows is used without its name: the methods' shares are sorted. A network is better on
people who were drawn for its training than on others, so that weights by name would trust it where
it should not be trusted.
"""

from dataclasses import dataclass

import numpy as np

from .colour_lines import ColourLines, colour_features
from .parts import PartPulses
from .spectra import BPM, NEAR_BPM, Spectra

AGREE_BPM = 4.0         # a method's own peak this near a rate speaks for it
_MOST = 4               # peaks that are taken from the product of the spectra, and from their mean
_SLOWEST_WITH_HALF_BPM = 66.0
_ASIDE_BPM, _SLOWEST_ASIDE_BPM, _MOST_AHEAD = 7.0, 40.0, 3.0
FEATURES = (
    "strongest", "strong shares", "least ahead", "most ahead", "peaks apart", "double", "half",
    "rate", "rate squared", "second colour", "green above red", "blood against its sides",
    "similar beats", "strongest part", "parts in time", "beside the face", "colour changes", "span",
)


@dataclass(frozen=True)
class Evidence:
    """All that is known of a window."""

    spectra: Spectra            # of the methods' pulses
    colours: ColourLines        # of the face
    parts: PartPulses
    change_percent: float       # standard deviation of the face's colours over the window
    span_s: float


def candidates_bpm(spectra: Spectra) -> list[float]:
    """Return rates of `BPM` at which all methods together have a peak, the highest first."""
    found: list[float] = []
    for together in (spectra.fused, spectra.shares.mean(axis=0)):
        maxima = spectra.maxima(together)
        for at in maxima[np.argsort(-together[maxima])][:_MOST].tolist():
            if all(abs(BPM[at] - other) > AGREE_BPM for other in found):
                found.append(float(BPM[at]))
    return found


def features_of(bpm: float, evidence: Evidence) -> np.ndarray:
    """Return what speaks for a rate, (F,) as `FEATURES` names it."""
    found = {
        **_spectral_features(bpm, evidence.spectra),
        "rate": np.log(bpm / 90), "rate squared": np.log(bpm / 90) ** 2,
        **colour_features(bpm, evidence.colours),
        **evidence.parts.features(bpm),
        "colour changes": np.sqrt(evidence.change_percent),
        "span": np.log(evidence.span_s / 10),
    }
    return np.array([found[name] for name in FEATURES], np.float64)


def _spectral_features(bpm: float, spectra: Spectra) -> dict[str, float]:
    """Return what the methods' spectra say of a rate.

    - "strongest", "strong shares": shares of the methods' power near it
    - "least ahead", "most ahead": how far the methods' peaks there stand above their other peaks
    - "peaks apart": largest distance of a method's peak there from the middle one [bpm]
    - "double", "half": power at twice and at half the rate, which may be the true ones
    - "similar beats": how similar a method's pulse is to itself a beat later, of the most similar
    """
    shares = spectra.within(bpm, NEAR_BPM)
    double = spectra.power_within(2 * bpm, NEAR_BPM + 2) / (
        spectra.power_within(bpm, NEAR_BPM) + np.finfo(float).tiny
    )
    half = (
        spectra.within(bpm / 2, AGREE_BPM).mean() if bpm >= _SLOWEST_WITH_HALF_BPM else 0.0
    )
    ahead = _ahead(bpm, spectra.shares)
    peaks_bpm = spectra.peaks_near_bpm(bpm, NEAR_BPM)
    known = peaks_bpm[np.isfinite(peaks_bpm)]
    apart = np.abs(peaks_bpm - (np.median(known) if len(known) else bpm))
    return {
        "strongest": np.log(shares.max() + 0.02),
        "strong shares": shares[shares > 0.3].sum(),
        "least ahead": ahead.min(), "most ahead": ahead.max(),
        "peaks apart": np.where(np.isfinite(apart), apart, NEAR_BPM).max(),
        "double": np.log(np.clip(double.mean(), 0.01, 3.0)), "half": np.log(half + 0.02),
        "similar beats": spectra.similarity(bpm).max(),
    }


def _ahead(bpm: float, shares: np.ndarray) -> np.ndarray:
    """Return the logarithm of each method's peak at a rate against its highest elsewhere, (M,)."""
    near = np.abs(BPM - bpm) <= AGREE_BPM
    elsewhere = (
        (np.abs(BPM - bpm) > _ASIDE_BPM) & (np.abs(BPM - 2 * bpm) > _ASIDE_BPM + 1)
        & (BPM >= _SLOWEST_ASIDE_BPM)
    )
    ratio = (shares[:, near].max(axis=1) + 1e-6) / (shares[:, elsewhere].max(axis=1) + 1e-6)
    return np.clip(np.log(ratio), -_MOST_AHEAD, _MOST_AHEAD)
