"""One window read by several methods, and one heart rate of them all: with a bound, or a reason."""

from dataclasses import dataclass, field

import numpy as np

from dataset.signals.filters import bandpass
from dataset.signals.pulse_quality import beat_similarity

from .methods import NETWORK, pulses_of
from .spectra import BPM, LEAST_HZ, fused_peak, peak_bpm, spectrum_of

AGREE_BPM = 3.0         # methods this close read the same rate
TOO_SLOW, TOO_SHORT = "too few frames a second", "too short"
LEAST_S = 6.0


@dataclass(frozen=True)
class FusedRate:
    """The heart rate of a window and where it lies, or why it cannot be told."""

    bpm: float | None                   # None where it cannot be told
    low_bpm: float | None = None        # the true rate lies from here in 90 of 100 windows
    high_bpm: float | None = None       # to here
    methods: dict[str, float | None] = field(default_factory=dict)   # rate by each alone [bpm]
    why_not: str = ""                   # "" where there is a rate
    similarity: float = 0.0             # of neighbouring beats, at most 1


def fuse_window(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray
) -> FusedRate:
    """Read the heart rate of one window, from 30 to 240 bpm.

    Parameters
    ----------
    time_s : (T,) rising, of the frames; 6 s at least, ten are usual
    colour : (T, 3) mean red, green and blue inside the detector's own box, > 0
    changes : (T,) rise of the pulse since the frame before, as the network predicts it; the first
        counts as 0
    """
    pulses, fs_hz = pulses_of(time_s, colour, changes)
    if fs_hz <= LEAST_HZ:
        return FusedRate(None, why_not=TOO_SLOW)
    if time_s[-1] - time_s[0] < LEAST_S - 1.5 / fs_hz:
        return FusedRate(None, why_not=TOO_SHORT)
    spectra = {name: spectrum_of(pulse, fs_hz) for name, pulse in pulses.items()}
    methods = {name: peak_bpm(spectrum) for name, spectrum in spectra.items()}
    bpm = BPM[fused_peak(list(spectra.values()))]
    similarity = beat_similarity(bandpass(pulses[NETWORK], fs_hz), fs_hz)
    near = [rate for rate in methods.values() if rate is not None and abs(rate - bpm) <= AGREE_BPM]
    if len(near) < 2:
        return FusedRate(None, methods=methods, why_not=disagreement(methods),
                         similarity=similarity)
    return FusedRate(float(bpm), float(bpm) - 5, float(bpm) + 5, methods, similarity=similarity)


def disagreement(methods: dict[str, float | None]) -> str:
    """Return in words that the methods disagree, with their lowest and highest rate."""
    known = [rate for rate in methods.values() if rate is not None]
    if not known:
        return "no method finds a beat"
    return f"the methods disagree: {min(known):.0f} and {max(known):.0f}"
