"""Judge a pulse by the similarity of neighbouring beats, in a number and in one word.

The similarity is the highest peak of the band-passed trace's autocorrelation at the lag of a beat,
0.25 to 2 s. It asks nothing of the pulse's shape, so that a sensor with sharp peaks and one with
round ones are judged by the same limits. In windows of 10 s, in 95 of 100: white noise stays below
0.35 and a random walk below 0.45; people at rest or turning the head stay above 0.65, speaking
above 0.35 and 0.75 (two people), cycling above 0.55.
"""

import math
from dataclasses import dataclass

import numpy as np

from .filters import bandpass
from .pulse_rate import finger_rate

GOOD, FAIR, POOR = "good", "fair", "poor"

# Limits on the similarity of beats, for everyone who judges by it.
# a good pulse; a finger's below it is flagged, by `ppg_periodicity` in dataset/quality/limits.yaml
GOOD_FROM = 0.65
FAIR_FROM = 0.5         # a heart rate can be read

SHORTEST_BEAT_S, LONGEST_BEAT_S = 0.25, 2.0      # 240 to 30 bpm
_SHORTEST_S = 4.0
_BRIDGED_S = 0.5        # a shorter gap is bridged, for the eye and the spectrum only


@dataclass(frozen=True)
class PulseReading:
    """What the last seconds of a trace show."""

    hr_bpm: float               # NaN where it cannot be told
    similarity: float           # of neighbouring beats, at most 1
    quality: str                # GOOD, FAIR or POOR

    @property
    def rate_text(self) -> str:
        """The rate in words, "71 bpm"."""
        return "rate cannot be told" if math.isnan(self.hr_bpm) else f"{self.hr_bpm:.0f} bpm"


def read_finger(sequence: np.ndarray, value: np.ndarray, fs_hz: float) -> PulseReading | None:
    """Read the finger's pulse after the last long gap; None where that is below 4 s, or flat.

    Parameters
    ----------
    sequence : (S,) int64, rising; a jump is a gap
    value : (S,) float
    fs_hz : sampling rate [Hz], > 8

    Returns
    -------
    its rate is that of `finger_rate`: NaN where it cannot be told
    """
    even = _after_last_gap(sequence, value, fs_hz)
    if even is None:
        return None
    similarity = beat_similarity(bandpass(even, fs_hz), fs_hz)
    return PulseReading(finger_rate(even, fs_hz).bpm, similarity, quality_of(similarity))


def _after_last_gap(sequence: np.ndarray, value: np.ndarray, fs_hz: float) -> np.ndarray | None:
    gaps = np.flatnonzero(np.diff(sequence) > _BRIDGED_S * fs_hz)
    first = gaps[-1] + 1 if len(gaps) else 0
    sequence, value = sequence[first:], value[first:]
    if (
        not len(sequence)
        or sequence[-1] - sequence[0] + 1 < _SHORTEST_S * fs_hz
        or np.ptp(value) == 0
    ):
        return None
    return np.interp(np.arange(sequence[0], sequence[-1] + 1), sequence, value)


def quality_of(similarity: float) -> str:
    """Return the word for a similarity of beats: GOOD, FAIR or POOR."""
    return GOOD if similarity >= GOOD_FROM else FAIR if similarity >= FAIR_FROM else POOR


def beat_similarity(bvp: np.ndarray, fs_hz: float) -> float:
    """Return how similar a band-passed pulse is to itself one beat later.

    A window of 10 s of a clean pulse has 0.8 and more; noise in the same band 0.3.

    Parameters
    ----------
    bvp : (T,) float array, T >= 3 s
    fs_hz : sampling rate [Hz], > 8

    Returns
    -------
    the highest peak of the normalised autocorrelation at the lag of a beat, at most 1; 0 where the
    trace is flat, or there is no peak
    """
    bvp = bvp - bvp.mean()
    energy = np.concatenate([[0.0], np.cumsum(bvp**2)])
    if energy[-1] == 0:
        return 0.0
    lags = np.arange(
        round(SHORTEST_BEAT_S * fs_hz), min(round(LONGEST_BEAT_S * fs_hz), len(bvp) - 2)
    )
    spectrum = np.fft.rfft(bvp, 2 ** (2 * len(bvp) - 1).bit_length())
    products = np.fft.irfft(np.abs(spectrum) ** 2)[lags]
    scale = np.sqrt(energy[len(bvp) - lags] * (energy[-1] - energy[lags]))
    r = products / np.maximum(scale, 1e-12)
    peaks = np.flatnonzero((r[1:-1] > r[:-2]) & (r[1:-1] >= r[2:])) + 1
    return float(r[peaks].max()) if len(peaks) else 0.0
