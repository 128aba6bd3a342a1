"""Spectra of pulses on one common grid of heart rates, and the peak that they have in common."""

import numpy as np

from dataset.signals.filters import hann_tapered, power_spectrum

LEAST_HZ = 8.0                          # twice the highest rate: frames must come faster
BPM = np.arange(30.0, 240.25, 0.5)      # rates at which spectra are compared


def spectrum_of(pulse: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the share of a pulse's power at each rate of `BPM`, (B,); zeros where it is flat."""
    power, bin_hz = power_spectrum(hann_tapered(pulse), fs_hz)
    at = np.interp(BPM / 60, np.arange(len(power)) * bin_hz, power)
    total = at.sum()
    return at / total if total > 0 else at


def peak_bpm(spectrum: np.ndarray) -> float | None:
    """Return the rate of the highest local maximum; None where there is none."""
    inner = spectrum[1:-1]
    maxima = np.flatnonzero((inner >= spectrum[:-2]) & (inner > spectrum[2:])) + 1
    return float(BPM[maxima[np.argmax(spectrum[maxima])]]) if len(maxima) else None


def fused_peak(spectra: list[np.ndarray]) -> int:
    """Return the index of the highest maximum of all spectra together."""
    together = np.mean(spectra, axis=0)
    inner = together[1:-1]
    maxima = np.flatnonzero((inner >= together[:-2]) & (inner > together[2:])) + 1
    return int(maxima[np.argmax(together[maxima])]) if len(maxima) else int(np.argmax(together))
