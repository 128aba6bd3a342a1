"""One window read by several methods, and one heart rate of them all: with a bound, or a reason.

The network, two formulas of skin colour (POS, CHROM) and a separation of the colours without a
model (ICA) read the same frames. Each peak of their spectra together is a candidate; the one for
which most speaks is the rate (`candidates`, `calibration`). It is shown where that is enough and at
least two methods have their own highest peak there.
"""

from dataclasses import dataclass, field

import numpy as np

from dataset.signals.filters import LEAST_FS_HZ
from dataset.signals.pulse_quality import FAIR, GOOD, POOR
from dataset.signals.windows import even_grid

from .calibration import Calibration, shipped_calibration
from .candidates import AGREE_BPM, Conditions, candidates_bpm, features_of
from .methods import pulses_of
from .spectra import HIGH_BPM, LOW_BPM, Spectra

TOO_SLOW, TOO_SHORT = "too few frames a second", "too short"
NO_BEAT = "no method finds a beat"
LEAST_S = 6.0
_LEAST_AGREE = 2
_GOOD_WIDTH_BPM = 6.0


@dataclass(frozen=True)
class FusedRate:
    """The heart rate of a window and where it lies, or why it cannot be told."""

    bpm: float | None                   # None where it cannot be told
    # the true rate lies between these in 90 of 100 windows, where it can be told and where not;
    # None where there is no candidate
    low_bpm: float | None = None
    high_bpm: float | None = None
    methods: dict[str, float | None] = field(default_factory=dict)   # rate by each alone [bpm]
    why_not: str = ""                   # "" where there is a rate
    similarity: float = 0.0             # of neighbouring beats, at most 1
    likely_bpm: float | None = None     # the likeliest rate, also where it cannot be told
    confidence: float = 0.0             # probability that this is right to 5 bpm
    fs_hz: float = 0.0                  # rate of the window's frames

    @property
    def quality(self) -> str:
        """The word for a rate: GOOD where its interval is narrow, FAIR, or POOR without a rate."""
        if self.bpm is None or self.low_bpm is None or self.high_bpm is None:
            return POOR
        return GOOD if self.high_bpm - self.low_bpm <= _GOOD_WIDTH_BPM else FAIR


@dataclass(frozen=True)
class ReadWindow:
    """A window's spectra, the candidates for its rate, and what speaks for each."""

    pulses: dict[str, np.ndarray]
    fs_hz: float
    spectra: Spectra
    peaks_bpm: list[float | None]       # of each method
    candidates_bpm: list[float]
    features: np.ndarray                # (K, F)


def fuse_window(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray, *,
    calibration: Calibration | None = None,
) -> FusedRate:
    """Read the heart rate of one window, from 30 to 240 bpm.

    Parameters
    ----------
    time_s : (T,) rising, of the frames; 6 s at least, ten are usual
    colour : (T, 3) mean red, green and blue inside the detector's own box, > 0
    changes : (T,) rise of the pulse since the frame before, as the network predicts it; the first
        counts as 0
    calibration : the one that comes with acq where not given
    """
    window = read_window(time_s, colour, changes)
    fs_hz = even_grid(time_s)[1] if len(time_s) > 1 else 0.0
    if isinstance(window, str):
        return FusedRate(None, why_not=window, fs_hz=fs_hz)
    methods = dict(zip(window.pulses, window.peaks_bpm, strict=True))
    if not window.candidates_bpm:
        return FusedRate(None, methods=methods, why_not=NO_BEAT, fs_hz=fs_hz)
    calibration = calibration or shipped_calibration()
    probabilities = calibration.probability(window.features)
    best = int(np.argmax(probabilities))
    bpm = window.spectra.refined_bpm(window.candidates_bpm[best])
    confidence = float(probabilities[best])
    half_bpm = calibration.half_width(confidence)
    agree = [name for name, peak in methods.items()
             if peak is not None and abs(peak - bpm) <= AGREE_BPM]
    is_told = confidence >= calibration.shown_from and len(agree) >= _LEAST_AGREE
    return FusedRate(
        bpm if is_told else None, max(bpm - half_bpm, LOW_BPM), min(bpm + half_bpm, HIGH_BPM),
        methods, "" if is_told else _why_not(bpm, methods, window),
        float(window.spectra.similarity(bpm).max()), bpm, confidence, fs_hz,
    )


def read_window(
    time_s: np.ndarray, colour: np.ndarray, changes: np.ndarray
) -> "ReadWindow | str":
    """Read a window by every method; why it cannot be read, in words, where it cannot."""
    if len(time_s) < 2:
        return TOO_SHORT
    if even_grid(time_s)[1] <= LEAST_FS_HZ:
        return TOO_SLOW
    fs_hz, pulses = pulses_of(time_s, colour, changes)
    span_s = float(time_s[-1] - time_s[0])
    if span_s < LEAST_S - 1.5 / fs_hz:
        return TOO_SHORT
    spectra = Spectra(list(pulses.values()), fs_hz)
    peaks_bpm = spectra.peaks_bpm()
    change = colour.std(axis=0) / np.maximum(colour.mean(axis=0), 1)
    conditions = Conditions(fs_hz, span_s, 100 * float(change.mean()), float(colour.mean()))
    rates = candidates_bpm(spectra)
    features = [features_of(bpm, spectra, peaks_bpm, conditions) for bpm in rates]
    return ReadWindow(pulses, fs_hz, spectra, peaks_bpm, rates, np.array(features))


def _why_not(bpm: float, methods: dict[str, float | None], window: ReadWindow) -> str:
    """Return in words why a rate cannot be stood by."""
    height = dict(zip(methods, window.spectra.shares.max(axis=1).tolist(), strict=True))
    others = [
        (height[name], peak) for name, peak in methods.items()
        if peak is not None and abs(peak - bpm) > AGREE_BPM
    ]
    if not others:
        return f"the methods agree on {bpm:.0f}, but the pulse is too weak to stand by it"
    # in the words of the methods themselves: theirs are the rates that stand in the rows
    near = [
        (height[name], peak) for name, peak in methods.items()
        if peak is not None and abs(peak - bpm) <= AGREE_BPM
    ]
    low, high = sorted((max(near)[1] if near else bpm, max(others)[1]))
    return f"the methods disagree: {low:.0f} and {high:.0f}"
