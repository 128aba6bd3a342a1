"""The signal-to-noise ratio of a pulse, under the name of each definition.

All are the power near a reference heart rate and its double over the rest of a band, in dB. They
differ in how near, in the band and in the spectrum, by several dB: one is never to be set beside
another. That of rPPG-Toolbox is in `toolbox`.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

from dataset.signals.filters import HIGH_HZ, HR_GRID_BPM, LOW_HZ


@dataclass(frozen=True)
class SnrDefinition:
    """Which frequencies are pulse, and which are looked at."""

    half_widths_hz: tuple[float, float]     # on either side of the rate, and of its double
    band_hz: tuple[float, float]
    window: str
    bin_bpm: float                          # at most; zero-padded

    @property
    def words(self) -> str:
        """Which power is set over which, for a caption."""
        rate_hz, double_hz = self.half_widths_hz
        return (
            f"the power within {rate_hz:g} Hz of the finger's rate and {double_hz:g} Hz of its "
            f"double over the rest of {self.band_hz[0]:g} to {self.band_hz[1]:g} Hz"
        )


OURS = SnrDefinition((0.1, 0.1), (LOW_HZ, HIGH_HZ), "hann", HR_GRID_BPM)
# de Haan and Jeanne, IEEE TBME 60(10), 2013: a binary template, at the double twice as wide. The
# paper's text was not at hand: band (30 to 240 bpm), widths and window are those of iPhys
# (`tools/bvpsnr.m`; McDuff, Blackford, Estepp 2018). Others have the same widths, and one says that
# the paper's band begins at 40 bpm: docs/models.md has each.
DE_HAAN = SnrDefinition((0.1, 0.2), (0.5, 4.0), "hamming", 0.5)


def spectrum(
    trace: np.ndarray, fs_hz: float, *, definition: SnrDefinition = OURS
) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies [Hz] and power of a trace, its line taken out, tapered and zero-padded."""
    points = 2 ** int(np.ceil(np.log2(max(60 * fs_hz / definition.bin_bpm, len(trace)))))
    return signal.periodogram(
        trace, fs_hz, window=definition.window, nfft=points, detrend="linear"
    )


def snr_db(
    trace: np.ndarray, fs_hz: float, *, hr_bpm: float, definition: SnrDefinition = OURS
) -> float:
    """Return the power at a heart rate and its double over the rest of the band [dB].

    NaN where the trace is flat.

    Parameters
    ----------
    trace : (T,) float array; a straight drift has no effect
    """
    if np.ptp(trace) == 0:
        return float("nan")
    frequency_hz, power = spectrum(trace, fs_hz, definition=definition)
    low_hz, high_hz = definition.band_hz
    in_band = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
    is_pulse = np.zeros_like(in_band)
    for harmonic, half_width_hz in enumerate(definition.half_widths_hz, start=1):
        is_pulse |= np.abs(frequency_hz - harmonic * hr_bpm / 60) <= half_width_hz
    tiny = np.finfo(float).tiny
    ratio = (power[in_band & is_pulse].sum() + tiny) / (power[in_band & ~is_pulse].sum() + tiny)
    return float(10 * np.log10(ratio))
