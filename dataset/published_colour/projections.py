"""LGI, PBV and OMIT: one direction in the space of colours is suppressed, or one is asked for.

LGI: Pilz, Zaunseder, Krajewski, Blazek, "Local group invariance for heart rate estimation from face
videos in the wild", CVPR workshops 2018. The direction of the largest singular value, which is skin
under changing light, is projected out, and green of the rest is the pulse. Of its invariances that
is the one against translation, as in the authors' PPGI toolbox.

PBV: de Haan and van Leest, "Improved motion robustness of remote-PPG by using the blood volume
pulse signature", Physiol. Meas. 35(9), 2014. The weights W with W Q = k P are those that find the
signature of blood, P, with the least of all else; Q is the covariance of the normalised colours.

OMIT: Alvarez Casado and Bordallo Lopez, "Face2PPG: an unsupervised pipeline for blood volume pulse
extraction from faces", IEEE JBHI 27(11), 2023. As LGI, with the first column of a QR decomposition
of the colours as the direction: that is the colour of the first frame.

Choices, where the text leaves them or was not at hand: all three read the skin mask of `regions`,
in place of each paper's own way to find skin. LGI and OMIT take all that is read as one window, raw
means, and their sign is such that the pulse falls as green rises. PBV's signature is
its authors' own, of light skin under a halogen lamp (0.33, 0.77, 0.53; in Wang et al., IEEE TBME
64(7), 2017, too); colours are band-passed first; windows of 10 s, by half over each other, are
tapered and added up.
"""

import numpy as np

from dataset.signals.colour_methods import check_colours
from dataset.signals.filters import WINDOW_S, bandpass, highest_hz, sliding_windows

SIGNATURE = (0.33, 0.77, 0.53)      # how much red, green and blue swing, relatively


def lgi(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse as green beside the direction in which colours are largest.

    Arguments, result and errors are those of `separations.ica_poh`, as for all methods here.
    """
    rgb = check_colours(rgb, fs_hz)
    _, _, directions = np.linalg.svd(rgb, full_matrices=False)
    return -_green_beside(rgb, directions[0])


def omit(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse as green beside the first direction of a QR decomposition."""
    rgb = check_colours(rgb, fs_hz)
    directions, _ = np.linalg.qr(rgb.T)
    return -_green_beside(rgb, directions[:, 0])


def pbv(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse by the signature of blood."""
    rgb = check_colours(rgb, fs_hz)
    colours = np.stack(
        [
            bandpass(colour, fs_hz, high_hz=highest_hz(fs_hz))
            for colour in (rgb / rgb.mean(axis=0) - 1).T
        ],
        axis=1,
    )
    length = min(2 * round(WINDOW_S * fs_hz / 2), len(colours) // 2 * 2)
    step = length // 2
    # half a window of mirrored colours at either end: the tapers then add up to 1 everywhere
    after = step + (-len(colours)) % step
    padded = np.pad(colours, ((step, after), (0, 0)), mode="reflect")
    windows = sliding_windows(padded, length, step=step)                   # (N, L, 3)
    powers = windows.transpose(0, 2, 1) @ windows                          # (N, 3, 3)
    signature = np.array(SIGNATURE) / np.linalg.norm(SIGNATURE)
    weights = np.linalg.pinv(powers, rcond=1e-9, hermitian=True) @ signature
    size = np.linalg.norm(weights, axis=1, keepdims=True)
    weights = np.divide(weights, size, out=np.zeros_like(weights), where=size > 0)
    pulses = (windows @ weights[:, :, None])[:, :, 0] * np.hanning(length + 1)[:-1]
    out = np.zeros(len(padded))
    for at, pulse in enumerate(pulses):
        out[at * step : at * step + length] += pulse
    return -out[step : step + len(rgb)]


def _green_beside(rgb: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return green with a direction of unit length projected out, (T, 3) to (T,)."""
    return rgb[:, 1] - (rgb @ direction) * direction[1]
