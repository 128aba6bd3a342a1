"""The pulse from the mean colour of skin without training: GREEN, ICA, PCA, CHROM and POS.

All take the mean red, green and blue of the skin in each frame, at a constant rate, and return a
pulse of arbitrary units whose band-pass, spectrum and heart rate are the caller's. Blood darkens
skin: where a method leaves the sign open, the pulse is inverted so that it falls as green rises,
like a contact PPG.

Sources
-------
GREEN: Verkruysse, Svaasand, Nelson, "Remote plethysmographic imaging using ambient light", Optics
Express 16(26), 2008. ICA: Poh, McDuff, Picard, "Non-contact, automated cardiac pulse measurements",
Optics Express 18(10), 2010; the separation is by
    FastICA (Hyvarinen, IEEE Trans. Neural Networks 10(3), 1999) in place of their JADE.
PCA: Lewandowska, Ruminski, Kocejko, Nowak, "Measuring pulse rate with a webcam", FedCSIS 2011.
CHROM: de Haan, Jeanne, "Robust pulse rate from chrominance-based rPPG", IEEE TBME 60(10), 2013.
POS: see `pos`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from . import pos as pos_method
from .filters import (
    FILTER_ORDER,
    LOW_HZ,
    bandpass,
    filter_both_ways,
    highest_hz,
    min_samples,
    sliding_windows,
)

CHROM_WINDOW_S = 1.6
_CHROMINANCE = np.array([[3.0, -2.0, 0.0], [1.5, 1.0, -1.5]])      # X and Y of red, green, blue
_VALUES = 20_000            # colours that are worked on at once
_ICA_STEPS, _ICA_TOLERANCE = 200, 1e-8


def green(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse as the fall of green.

    Arguments, result and errors are those of `dataset.signals.pos.pos`, as for all methods here.
    """
    return -_normalise(rgb, fs_hz)[:, 1]


def ica(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the independent component with the highest spectral peak in the band."""
    return ica_of_each([(rgb, fs_hz)])[0]


def ica_of_each(traces: Sequence[tuple[np.ndarray, float]]) -> list[np.ndarray]:
    """Return the same of each of several traces of one length, with its rate [Hz]: in less time."""
    colours = np.stack([_detrended(_normalise(*trace)) for trace in traces])
    return [
        most_periodic(components, trace[:, 1], fs_hz)
        for components, trace, (_, fs_hz) in zip(
            _all_independent(colours), colours, traces, strict=True
        )
    ]


def pca(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the principal component with the highest spectral peak in the band."""
    high_hz = highest_hz(fs_hz)
    colours = np.stack(
        [bandpass(c, fs_hz, high_hz=high_hz) for c in _normalise(rgb, fs_hz).T], axis=1
    )
    _, _, directions = np.linalg.svd(colours - colours.mean(axis=0), full_matrices=False)
    return most_periodic(colours @ directions.T, colours[:, 1], fs_hz)


def chrom(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse from two chrominance signals, in overlapping Hann windows of 1.6 s.

    They are X = 3R - 2G and Y = 1.5R + G - 1.5B.
    """
    rgb = check_colours(rgb, fs_hz)
    length = 2 * max(1, round(CHROM_WINDOW_S * fs_hz / 2))
    step = length // 2
    # Half a window of mirrored colours at either end: then the overlap-add gives every frame the
    # weight 1.
    padded = np.pad(rgb, ((step, step + (-len(rgb)) % step), (0, 0)), mode="reflect")
    out = np.zeros(len(padded))
    windows = sliding_windows(padded, length, step=step)
    block = max(1, _VALUES // length)        # of windows at once: an hour takes gigabytes
    for first in range(0, len(windows), block):
        pulses = _chrominance(windows[first : first + block], fs_hz)
        for at, pulse in enumerate(pulses, start=first):
            out[at * step : at * step + length] += pulse
    return out[step : step + len(rgb)] - out[step : step + len(rgb)].mean()


def pos(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse on the plane orthogonal to skin tone: `pos.pos`, its sign as here."""
    return -pos_method.pos(rgb, fs_hz)


def _chrominance(windows: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the tapered pulse of each window, (N, L, 3) to (N, L)."""
    length = windows.shape[1]
    normalised = windows / windows.mean(axis=1, keepdims=True)
    x, y = filter_both_ways(
        (normalised @ _CHROMINANCE.T).transpose(2, 0, 1), fs_hz, low_hz=LOW_HZ,
        high_hz=highest_hz(fs_hz), order=FILTER_ORDER, pad=length - 1,
    )
    spread = x.std(axis=1), y.std(axis=1)
    ratio = np.divide(*spread, out=np.zeros(len(x)), where=spread[1] > 0)
    pulse = x - ratio[:, None] * y
    taper = np.hanning(length + 1)[:-1]
    return (pulse - pulse.mean(axis=1, keepdims=True)) * taper


METHODS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "green": green, "ica": ica, "pca": pca, "chrom": chrom, "pos": pos,
}


def check_colours(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return colours in float64.

    Raises
    ------
    ValueError : the shape is wrong, there are fewer than two slow beats, or one is not positive
    """
    rgb = np.asarray(rgb, np.float64)
    length = min_samples(fs_hz)
    if rgb.ndim != 2 or rgb.shape[1] != 3 or len(rgb) < length:
        raise ValueError(f"expected (T >= {length}, 3), found {rgb.shape}")
    if not (np.isfinite(rgb).all() and (rgb > 0).all()):
        raise ValueError("expected positive colours, found others")
    return rgb


def _normalise(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Divide each colour by its mean, and subtract one."""
    rgb = check_colours(rgb, fs_hz)
    return rgb / rgb.mean(axis=0) - 1


def _detrended(columns: np.ndarray) -> np.ndarray:
    """Subtract from each column of (T, C) the straight line that fits it best."""
    from_middle = np.arange(len(columns)) - (len(columns) - 1) / 2
    slope = from_middle @ columns / (from_middle @ from_middle)
    return columns - columns.mean(axis=0) - np.outer(from_middle, slope)


def most_periodic(components: np.ndarray, green_trace: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the column of (T, K) with the highest peak in the band, inverted to oppose green.

    The peak is taken over all the power of the column.
    """
    taper = np.hanning(len(components) + 1)[:-1, None]
    power = np.abs(np.fft.rfft(_detrended(components) * taper, axis=0)) ** 2
    power[1 : -1 if len(components) % 2 == 0 else None] *= 2      # of both signs of the frequency
    frequency = np.fft.rfftfreq(len(components), 1 / fs_hz)
    inside = (frequency >= LOW_HZ) & (frequency <= highest_hz(fs_hz))
    total = power.sum(axis=0)
    share = np.divide(power[inside].max(axis=0), total, out=np.zeros(len(total)), where=total > 0)
    chosen = components[:, int(np.argmax(share))]
    return -chosen if chosen @ green_trace > 0 else chosen


def _independent(x: np.ndarray) -> np.ndarray:
    """Separate (T, C) mixtures into (T, C) components of unit variance.

    By symmetric FastICA with tanh, from the identity.
    """
    return _all_independent(x[None])[0]


def _all_independent(x: np.ndarray) -> list[np.ndarray]:
    """Separate each of (W, T, C) mixtures, each by as many steps as it takes."""
    x = x - x.mean(axis=1, keepdims=True)
    _, scale, directions = np.linalg.svd(x, full_matrices=False)
    kept = (scale > scale[:, :1] * 1e-9) & (scale[:, :1] > 0)
    found = list(x)
    counts = kept.sum(axis=1)
    for count in np.unique(counts[counts > 0]).tolist():      # all colours of most
        of = np.flatnonzero(counts == count)
        # (W, T, K), identity covariance; the largest scales come first
        white = x[of] @ directions[of, :count].transpose(0, 2, 1) / scale[of, None, :count]
        white *= np.sqrt(x.shape[1])
        separated = white @ _rotations(white).transpose(0, 2, 1)
        for at, one in zip(of.tolist(), separated, strict=True):
            found[at] = one
    return found


def _rotations(white: np.ndarray) -> np.ndarray:
    """Return the rotation that makes each of (W, T, K) mixtures independent, (W, K, K)."""
    rotations = np.tile(np.eye(white.shape[2]), (len(white), 1, 1))
    left_to_do = np.arange(len(white))
    for _ in range(_ICA_STEPS):
        rotation = rotations[left_to_do]
        contrast = np.tanh(white @ rotation.transpose(0, 2, 1))
        new = contrast.transpose(0, 2, 1) @ white / white.shape[1]
        new -= (1 - contrast**2).mean(axis=1)[:, :, None] * rotation
        left, _, right = np.linalg.svd(new)
        new = left @ right                                                  # the nearest rotation
        change = np.abs(np.abs(np.sum(new * rotation, axis=2)) - 1).max(axis=1)
        rotations[left_to_do] = new
        if (is_done := change < _ICA_TOLERANCE).any():
            left_to_do, white = left_to_do[~is_done], white[~is_done]
        if not len(left_to_do):
            break
    return rotations
