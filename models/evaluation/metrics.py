"""How far predicted heart rates and pulses are from the finger's: plain numbers in, plain numbers
out.

Windows of one subject are alike, and neighbouring ones share nine of ten seconds, so an interval
over windows would be far too narrow: `interval` draws whole subjects.
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
    """How far predicted heart rates are from the reference."""

    count: int
    mae_bpm: float
    rmse_bpm: float
    mape_percent: float
    pearson_r: float           # NaN below two values, or where one side does not vary


def compare(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> Metrics:
    """Give MAE, RMSE, MAPE and Pearson's r of heart rates, at least one; a prediction without a
    peak (NaN) counts as 0 bpm.
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


def interval(
    predicted_bpm: Sequence[np.ndarray], reference_bpm: Sequence[np.ndarray],
    subjects: Sequence[str], *, seed: int = 0,
) -> dict[str, tuple[float, float] | None]:
    """Give 95 % bootstrap intervals of `METRICS` by drawing whole subjects, with all their values.

    Parameters
    ----------
    predicted_bpm, reference_bpm : the values of each recording
    subjects : whose recording it is

    Returns
    -------
    the 2.5 and 97.5 percentiles over `DRAWS` draws; None with one subject, of whom nothing can be
    said about others

    Source
    ------
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 (clusters) and 13
    (percentiles).
    """
    names = sorted(set(subjects))
    if len(names) < 2:
        return dict.fromkeys(METRICS)
    sums = np.array([_sums(
        np.concatenate([p for p, s in zip(predicted_bpm, subjects, strict=True) if s == name]),
        np.concatenate([r for r, s in zip(reference_bpm, subjects, strict=True) if s == name]),
    ) for name in names])                                                  # (S, 9)
    drawn = np.random.default_rng(seed).integers(len(names), size=(DRAWS, len(names)))
    n, absolute, square, percent, p, r, pp, rr, pr = sums[drawn].sum(axis=1).T
    spread = (n * pp - p * p) * (n * rr - r * r)
    known = spread > 1e-9 * n**4
    values = {
        "mae_bpm": absolute / n, "rmse_bpm": np.sqrt(square / n), "mape_percent": percent / n,
        "pearson_r": ((n * pr - p * r)[known] / np.sqrt(spread[known])),
    }
    return {
        name: (float(np.percentile(v, 2.5)), float(np.percentile(v, 97.5))) if len(v) else None
        for name, v in values.items()
    }


def _sums(predicted: np.ndarray, reference: np.ndarray) -> list[float]:
    p, r = np.nan_to_num(predicted), reference
    error = p - r
    return [
        float(one)
        for one in (
            len(p), np.abs(error).sum(), (error**2).sum(), 100 * np.abs(error / r).sum(), p.sum(),
            r.sum(), p @ p, r @ r, p @ r,
        )
    ]


def bland_altman(predicted_bpm: np.ndarray, reference_bpm: np.ndarray) -> dict[str, float]:
    """Give the mean difference and the limits of agreement, 1.96 standard deviations on either side
    [bpm].

    Source: Bland and Altman, Lancet 327, 1986. The limits are those of single windows.
    """
    difference = np.nan_to_num(predicted_bpm) - reference_bpm
    bias, sd = (
        float(difference.mean()),
        float(difference.std(ddof=1)) if len(difference) > 1 else float("nan"),
    )
    return {"bias_bpm": bias, "low_bpm": bias - 1.96 * sd, "high_bpm": bias + 1.96 * sd}


def macc(pulse: np.ndarray, ppg: np.ndarray) -> float:
    """Give the maximum amplitude of cross-correlation: the largest |Pearson's r| over all circular
    shifts; NaN where one is flat.

    As rPPG-Toolbox has it: lags from 0 to T - 2, the reference rolled.
    """
    a, b = pulse - pulse.mean(), ppg - ppg.mean()
    scale = len(a) * a.std() * b.std()
    if scale == 0:
        return float("nan")
    over_lags = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)), len(a)) / scale
    return float(np.abs(over_lags[: len(a) - 1]).max())


def toolbox_points(length: int) -> int:
    """Give the points of rPPG-Toolbox's FFT: the next power of two."""
    return 1 << (length - 1).bit_length()


def toolbox_heart_rate(
    window: np.ndarray, fs_hz: float, *, low_hz: float = TOOLBOX_LOW_HZ,
    high_hz: float = TOOLBOX_HIGH_HZ,
) -> float:
    """Give the heart rate [bpm] as rPPG-Toolbox's FFT metric does: the highest bin of a plain
    periodogram, not interpolated.

    Its bins are 60 * fs / points bpm apart (3.5 at 30 Hz in 10 s), and an answer is one of them.

    Parameters
    ----------
    window : (T,) float array
    """
    frequency, power = signal.periodogram(
        window, fs_hz, nfft=toolbox_points(len(window)),
        detrend=False,  # type: ignore[arg-type]
    )
    inside = np.flatnonzero((frequency >= low_hz) & (frequency <= high_hz))
    return float(60 * frequency[inside[np.argmax(power[inside])]])
