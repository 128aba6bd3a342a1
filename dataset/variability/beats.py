"""When each beat of a PPG begins, to a millisecond or two at 25 Hz.

A sample every 40 ms is no obstacle: a finger's pulse has little power above 8 Hz, so that a spline
through the samples has the wave between them as well. Beats are found by their peaks (Elgendi et
al., "Systolic peak detection in acceleration photoplethysmograms", PLoS ONE 8(10), e76585, 2013, as
NeuroKit2 has it). A peak is flat, though, and moves with the wave behind it. So a beat's time is
its foot, where the tangent at the steepest rise meets the level of the minimum before it
(intersecting tangents: Hemon and Phillips, "Comparison of foot finding methods for deriving
instantaneous pulse rates from photoplethysmographic signals", J. Clin. Monit. Comput. 30, 157,
2016). What each choice costs: `python -m benchmarks.variability`.
"""

from dataclasses import dataclass

import numpy as np

from dataset.signals.align import SPLINE_DEGREE

from .neurokit import load_neurokit

GRID_HZ = 250                # of the spline, before the tangent is laid
SHORTEST_S = 10.0            # of a stretch in which beats are looked for
_EDGE_S = 1.0                # at either end, where the filter knows one side only
_RISE_S, _BEFORE_S = 0.35, 0.3    # the steepest place before a peak, the minimum before that


@dataclass(frozen=True)
class Beats:
    """The beats of one unbroken stretch of PPG."""

    t_s: np.ndarray          # (B,) of each beat's foot, in the time of the samples
    height: np.ndarray       # (B,) from foot to peak, in the unit of the samples


NO_BEATS = Beats(np.empty(0), np.empty(0))


def find_beats(ppg: np.ndarray, t_s: np.ndarray) -> Beats:
    """Return the beats of a stretch in which no sample is missing.

    Parameters
    ----------
    ppg : (S,) float array, blood up
    t_s : (S,) rising

    Returns
    -------
    none where the stretch is shorter than `SHORTEST_S`
    """
    from scipy.interpolate import make_interp_spline

    if len(t_s) <= SPLINE_DEGREE or t_s[-1] - t_s[0] < SHORTEST_S:
        return NO_BEATS
    neurokit2 = load_neurokit()
    # in units of a sample's period, in which a spline of high degree is well conditioned
    period_s = (t_s[-1] - t_s[0]) / (len(t_s) - 1)
    spline = make_interp_spline((t_s - t_s[0]) / period_s, ppg, k=SPLINE_DEGREE)
    wave = spline(np.arange(0.0, t_s[-1] - t_s[0], 1 / GRID_HZ) / period_s)
    clean = neurokit2.ppg_clean(wave, sampling_rate=GRID_HZ, method="elgendi")
    peaks = neurokit2.ppg_findpeaks(clean, sampling_rate=GRID_HZ, method="elgendi")["PPG_Peaks"]
    edge = round(_EDGE_S * GRID_HZ)
    peaks = [int(peak) for peak in peaks if edge <= peak < len(wave) - edge]
    if not peaks:
        return NO_BEATS
    feet = np.array([_foot(clean, peak) for peak in peaks])
    lows = np.clip(np.round(feet).astype(int), 0, len(wave) - 1)
    return Beats(t_s[0] + feet / GRID_HZ, wave[peaks] - wave[lows])


def _foot(clean: np.ndarray, peak: int) -> float:
    """Return where the foot before a peak lies [points of the grid], between two of them."""
    first = max(peak - round(_RISE_S * GRID_HZ), 1)
    slope = np.gradient(clean[first - 1 : peak + 2])[1:-1]
    steepest = first + int(np.argmax(slope))
    start = max(steepest - round(_BEFORE_S * GRID_HZ), 0)
    low = float(clean[start : steepest + 1].min())
    rise = float(slope[steepest - first])
    return steepest - (float(clean[steepest]) - low) / rise if rise > 0 else float(steepest)
