"""The heart rate of a made pulse, independent of the estimators under test."""

import numpy as np


def spectral_rate(trace, fs_hz):
    """Heart rate by the peak of the spectrum between 0.7 and 4 Hz [bpm]; bins of 0.2 bpm."""
    hz = np.fft.rfftfreq(2**14, 1 / fs_hz)
    power = np.abs(np.fft.rfft((trace - trace.mean()) * np.hanning(len(trace)), 2**14))
    band = (hz > 0.7) & (hz < 4.0)
    return 60 * hz[band][power[band].argmax()]
