"""Errors of predicted heart rates and pulses against the finger's: arrays in, numbers out.

Windows of one subject are alike, and neighbouring ones share nine of ten seconds, so an interval
over windows would be far too narrow: `bootstrap_intervals` draws whole subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal

from dataset.signals.pearson import pearson_r

TOOLBOX_LOW_HZ, TOOLBOX_HIGH_HZ = 0.6, 3.3     # rPPG-Toolbox's band, 36 to 198 bpm
DRAWS = 2000
METRICS = ("mae_bpm", "rmse_bpm", "mape_percent", "pearson_r")


@dataclass(frozen=True)
class Metrics:
    """Errors of predicted heart rates against the reference."""

    count: int
    mae_bpm: float
    rmse_bpm: float
    mape_percent: float
    pearson_r: float           # NaN below two values, or where one side does not vary


def heart_rate_errors(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> Metrics:
    """Compute MAE, RMSE, MAPE and Pearson's r of heart rates, at least one.

    A prediction without a peak (NaN) counts as 0 bpm.
    """
    predicted = np.nan_to_num(np.asarray(predicted_bpm, np.float64))
    reference = np.asarray(reference_bpm, np.float64)
    error = predicted - reference
    return Metrics(
        count=len(error), mae_bpm=float(np.abs(error).mean()),
        rmse_bpm=float(np.sqrt((error**2).mean())),
        mape_percent=float(100 * np.abs(error / reference).mean()),
        pearson_r=pearson_r(predicted, reference),
    )


def bootstrap_intervals(
    predicted_bpm: Sequence[np.ndarray], reference_bpm: Sequence[np.ndarray], *,
    subjects: Sequence[str], seed: int = 0,
) -> dict[str, tuple[float, float] | None]:
    """Compute 95 % bootstrap intervals of `METRICS` by drawing subjects with all their values.

    Parameters
    ----------
    predicted_bpm, reference_bpm : the values of each video
    subjects : the subject of each video

    Returns
    -------
    the 2.5 and 97.5 percentiles over `DRAWS` draws; None with one subject, which says nothing about
    others

    Source
    ------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 (clusters) and 13
    (percentiles).
    """
    names = sorted(set(subjects))
    if len(names) < 2:
        return dict.fromkeys(METRICS)
    sums = np.array([
        _sums(*(
            np.concatenate([v for v, s in zip(values, subjects, strict=True) if s == name])
            for values in (predicted_bpm, reference_bpm)
        ))
        for name in names
    ])                                                                     # (S, 9)
    drawn = np.random.default_rng(seed).integers(len(names), size=(DRAWS, len(names)))
    n, absolute, square, percent, p, r, pp, rr, pr = sums[drawn].sum(axis=1).T
    spread = (n * pp - p * p) * (n * rr - r * r)
    is_known = spread > 1e-9 * n**4
    values = {
        "mae_bpm": absolute / n, "rmse_bpm": np.sqrt(square / n), "mape_percent": percent / n,
        "pearson_r": ((n * pr - p * r)[is_known] / np.sqrt(spread[is_known])),
    }
    return {
        name: (float(np.percentile(v, 2.5)), float(np.percentile(v, 97.5))) if len(v) else None
        for name, v in values.items()
    }


def _sums(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> list[float]:
    """Sum what the metrics of any union of subjects are computed from: nine numbers."""
    p, r = np.nan_to_num(predicted_bpm), reference_bpm
    error = p - r
    sums = (
        len(p), np.abs(error).sum(), (error**2).sum(), 100 * np.abs(error / r).sum(), p.sum(),
        r.sum(), p @ p, r @ r, p @ r,
    )
    return [float(value) for value in sums]


def bland_altman(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> dict[str, float]:
    """Compute the mean difference and the limits of agreement, 1.96 SD on either side [bpm].

    Source: Bland and Altman, Lancet 327, 1986. The limits are those of single windows.
    """
    difference = np.nan_to_num(predicted_bpm) - reference_bpm
    bias = float(difference.mean())
    sd = float(difference.std(ddof=1)) if len(difference) > 1 else float("nan")
    return {"bias_bpm": bias, "low_bpm": bias - 1.96 * sd, "high_bpm": bias + 1.96 * sd}


def macc(pulse: np.ndarray, ppg: np.ndarray) -> float:
    """Compute the largest |Pearson's r| over all circular shifts; NaN where one trace is flat.

    It is rPPG-Toolbox's maximum amplitude of cross-correlation: lags from 0 to T - 2, the reference
    rolled.
    """
    a, b = pulse - pulse.mean(), ppg - ppg.mean()
    scale = len(a) * a.std() * b.std()
    if scale == 0:
        return float("nan")
    over_lags = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)), len(a)) / scale
    return float(np.abs(over_lags[: len(a) - 1]).max())


def toolbox_points(length: int) -> int:
    """Return the number of points of rPPG-Toolbox's FFT: the next power of two."""
    return 1 << (length - 1).bit_length()


def toolbox_heart_rate(
    window: np.ndarray, fs_hz: float, *, low_hz: float = TOOLBOX_LOW_HZ,
    high_hz: float = TOOLBOX_HIGH_HZ,
) -> float:
    """Compute the heart rate [bpm] as rPPG-Toolbox's FFT metric does: the highest bin.

    It is a plain periodogram without interpolation; its bins are 60 * fs / points bpm apart (3.5 at
    30 Hz in 10 s).

    Parameters
    ----------
    window : (T,) float array
    """
    frequency_hz, power = signal.periodogram(
        window, fs_hz, nfft=toolbox_points(len(window)),
        detrend=False,  # type: ignore[arg-type]
    )
    in_band = np.flatnonzero((frequency_hz >= low_hz) & (frequency_hz <= high_hz))
    return float(60 * frequency_hz[in_band[np.argmax(power[in_band])]])
