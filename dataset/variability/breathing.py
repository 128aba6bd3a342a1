"""How often someone breathes, read from the finger's beats in two ways that must be one wave.

Breathing in quickens the heart (respiratory sinus arrhythmia) and changes the pulse's height.
NeuroKit2 filters either series (0.1 to 0.4 Hz: van Gent et al., "HeartPy", Transp. Res. F 66, 368,
2019) and finds its breaths. Noise through such a filter has some 15 waves a minute as well, in
either series, so that equal rates prove nothing. A rate is told where the two series are one wave,
one later than the other by 2.5 s at most, and where they agree on how many there are. Fusing such
series, and silence where they part: Karlen et al., "Multiparameter respiratory rate estimation from
the photoplethysmogram", IEEE Trans. Biomed. Eng. 60(7), 1946, 2013.
"""

from collections.abc import Sequence

import numpy as np

from .beats import Beats
from .neurokit import load_neurokit

LOWEST, HIGHEST = 6, 24          # breaths a minute that the filter lets through
SHORTEST_S = 60.0                # of an unbroken stretch; in 30 s noise may be one wave by chance
ALIKE = 0.6                      # correlation; less where no breath moves the pulse (docs/hrv.md)
AGREE = 2.0                      # breaths a minute
_MOST_LAG_S = 2.5
_GRID_HZ = 10
NO_STRETCH = "no unbroken minute of beats"
UNLIKE = "no wave of breathing that the beats' times and their heights share"


def breathing_rate(stretches: Sequence[Beats]) -> tuple[float | None, str]:
    """Return the breaths a minute over unbroken stretches of beats, or None and why.

    Stretches count by their length; those below `SHORTEST_S` are not read.
    """
    read = [
        (float(np.ptp(beats.t_s)), *_read_stretch(beats))
        for beats in stretches if len(beats.t_s) and np.ptp(beats.t_s) >= SHORTEST_S
    ]
    if not read:
        return None, NO_STRETCH
    length_s, alike, by_times, by_heights = np.array(read).T
    mean_alike, *rates = (
        float(np.average(values, weights=length_s)) for values in (alike, by_times, by_heights)
    )
    # comparisons with NaN, where no breath was found, are false
    if not (mean_alike >= ALIKE and abs(rates[0] - rates[1]) <= AGREE):
        return None, UNLIKE
    return float(np.mean(rates)), ""


def _read_stretch(beats: Beats) -> tuple[float, float, float]:
    """Return how alike the waves of the times and of the heights are, and the rate of each."""
    neurokit2 = load_neurokit()

    middles_s = (beats.t_s[1:] + beats.t_s[:-1]) / 2
    grid_s = np.arange(beats.t_s[0], beats.t_s[-1], 1 / _GRID_HZ)
    series = (middles_s, 60 / np.diff(beats.t_s)), (beats.t_s, beats.height)
    waves = [
        neurokit2.ecg_rsp(
            np.interp(grid_s, t_s, values), sampling_rate=_GRID_HZ, method="vangent2019"
        )
        for t_s, values in series
    ]
    return _likeness(*waves), _count(waves[0]), _count(waves[1])


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the highest correlation of two waves, of either sign, over the lags of a breath."""
    most = round(_MOST_LAG_S * _GRID_HZ)
    length = len(first) - 2 * most
    middle = first[most : most + length]
    if not (np.ptp(first) and np.ptp(second)):
        return 0.0
    return max(
        abs(float(np.corrcoef(middle, second[lag : lag + length])[0, 1]))
        for lag in range(2 * most + 1)
    )


def _count(wave: np.ndarray) -> float:
    """Return the mean rate of a wave's breaths [1/min]; NaN where there are fewer than two."""
    neurokit2 = load_neurokit()

    _, found = neurokit2.rsp_peaks(wave, sampling_rate=_GRID_HZ, method="scipy")
    peaks = np.asarray(found["RSP_Peaks"], float)
    peaks = peaks[np.isfinite(peaks)]
    if len(peaks) < 2:
        return float("nan")
    return 60 * _GRID_HZ * (len(peaks) - 1) / float(peaks[-1] - peaks[0])
