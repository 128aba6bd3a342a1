"""ICA as Poh et al. have it, and PCA after Lewandowska et al.: colours separated into components.

Poh: "Advancements in noncontact, multiparameter physiological measurements using a webcam", IEEE
TBME 58(1), 2011; the region of it is that of "Non-contact, automated cardiac pulse measurements",
Optics Express 18(10), 2010. Each colour is detrended by smoothness priors, brought to mean 0 and
variance 1, and the three are separated by JADE. The component with the highest peak of its power
spectrum is the pulse, smoothed by a moving average of five frames. Choices, where the text leaves
them: its lambda, 10, is of 15 frames/s, and is scaled by the square of the frame rate, so that it
takes out the same frequencies (half of 0.76 Hz); one separation over all that is read, where they
take windows of 30 or 60 s; the peak is looked for within the heart-rate band; the sign opposes
green. Their filter (0.7 to 4 Hz) is that of the caller. The paper of 2010 always takes the second
component, but JADE's order is arbitrary.

Lewandowska: "Measuring pulse rate with a webcam", FedCSIS 2011. Its text was not at hand; abstract
and keywords name the forehead, a choice of channels and principal components. Choices: red and
green of the forehead, each divided by its mean and band-passed; of the two components that with the
highest peak; the sign opposes green.
"""

import numpy as np

from dataset.signals.colour_methods import check_colours, most_periodic
from dataset.signals.filters import bandpass, highest_hz

from .detrend import smoothness_priors
from .jade import jade

POH_LAMBDA, POH_FS_HZ = 10.0, 15.0
_SMOOTHED = 5       # frames


def ica_poh(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse by ICA of detrended colours.

    Parameters
    ----------
    rgb : (T, 3) float array, mean red, green and blue in each frame, > 0, at a constant rate
    fs_hz : frame rate [Hz]

    Returns
    -------
    (T,) float64 array, arbitrary units, inverted so that it falls as green rises; zeros where
    nothing varies

    Raises
    ------
    ValueError : the shape is wrong, the trace is shorter than two slow beats, or a value is not
        positive
    """
    rgb = check_colours(rgb, fs_hz)
    detrended = smoothness_priors(rgb / rgb.mean(axis=0) - 1, poh_lambda(fs_hz))
    spread = detrended.std(axis=0)
    # what is left of a constant is rounding
    varies = spread > 1e-12
    traces = np.divide(
        detrended - detrended.mean(axis=0), spread, out=np.zeros_like(detrended), where=varies
    )
    if not varies.any():
        return np.zeros(len(rgb))
    pulse = most_periodic(jade(traces), traces[:, 1], fs_hz)
    around = np.pad(pulse, _SMOOTHED // 2, mode="edge")
    return np.convolve(around, np.full(_SMOOTHED, 1 / _SMOOTHED), mode="valid")


def poh_lambda(fs_hz: float) -> float:
    """Return the smoothing that takes out at a frame rate what Poh's 10 does at 15 frames/s."""
    return POH_LAMBDA * (fs_hz / POH_FS_HZ) ** 2


def pca_lewandowska(rgb: np.ndarray, fs_hz: float) -> np.ndarray:
    """Return the pulse by PCA of red and green; all else as `ica_poh`."""
    rgb = check_colours(rgb, fs_hz)
    colours = np.stack(
        [
            bandpass(colour, fs_hz, high_hz=highest_hz(fs_hz))
            for colour in (rgb / rgb.mean(axis=0) - 1).T[:2]
        ],
        axis=1,
    )
    _, _, directions = np.linalg.svd(colours, full_matrices=False)
    return most_periodic(colours @ directions.T, colours[:, 1], fs_hz)
