"""JADE: independent components by joint diagonalisation of fourth-order cumulants.

White mixtures of independent sources differ from these by a rotation. In the right rotation all
matrices of fourth-order cumulants are diagonal, so the rotation is looked for that makes them so
together, as near as can be, by turning one pair of axes after the other (Jacobi angles). Nothing is
random, and there is no step size. No package that is kept up has it without far more beside it.

Source: Cardoso and Souloumiac, "Blind beamforming for non-Gaussian signals", IEE Proc. F 140(6),
1993; the angles: the same, "Jacobi angles for simultaneous diagonalization", SIAM J. Matrix Anal.
Appl. 17(1), 1996.
"""

import numpy as np

_SWEEPS, _ANGLE = 100, 1e-9     # at most; an angle [radians] below which nothing is turned
_LEAST_SCALE = 1e-9             # of the largest singular value: what is below it is no mixture


def jade(mixtures: np.ndarray) -> np.ndarray:
    """Separate (T, C) mixtures into (T, K) independent components of unit variance, K <= C.

    Fewer than C where mixtures are sums of each other; none where nothing varies. Order and signs
    are arbitrary.
    """
    white = _whitened(np.asarray(mixtures, np.float64))
    count = white.shape[1]
    if count < 2:
        return white
    cumulants = _cumulants(white)
    rotation = np.eye(count)
    for _ in range(_SWEEPS):
        largest = 0.0
        for first in range(count - 1):
            for second in range(first + 1, count):
                angle = _angle(cumulants, first, second)
                largest = max(largest, abs(angle))
                turn = np.eye(count)
                turn[[first, second], [first, second]] = np.cos(angle)
                turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
                cumulants = turn.T @ cumulants @ turn
                rotation = rotation @ turn
        if largest < _ANGLE:
            break
    return white @ rotation


def _whitened(mixtures: np.ndarray) -> np.ndarray:
    """Return (T, K) uncorrelated columns of unit variance."""
    centred = mixtures - mixtures.mean(axis=0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, scale > scale[0] * _LEAST_SCALE] * len(centred) ** 0.5


def _cumulants(white: np.ndarray) -> np.ndarray:
    """Return the cumulant matrices of each pair of columns, (K (K + 1) / 2, K, K)."""
    length, count = white.shape
    products = (white[:, :, None] * white[:, None, :]).reshape(length, count**2)
    moments = (products.T @ products / length).reshape((count,) * 4)
    same = np.eye(count)
    gaussian = (
        np.einsum("ij,pq->ijpq", same, same) + np.einsum("ip,jq->ijpq", same, same)
        + np.einsum("iq,jp->ijpq", same, same)
    )
    cumulants = moments - gaussian
    return np.array([
        cumulants[:, :, p, q] * (1.0 if p == q else 2**0.5)
        for p in range(count) for q in range(p, count)
    ]).reshape(-1, count, count)


def _angle(matrices: np.ndarray, first: int, second: int) -> float:
    """Return by how much to turn two axes so that the matrices come nearest to diagonal."""
    apart = matrices[:, first, first] - matrices[:, second, second]
    beside = matrices[:, first, second] + matrices[:, second, first]
    on, off = apart @ apart - beside @ beside, 2 * apart @ beside
    return float(0.5 * np.arctan2(off, on + np.hypot(on, off)))
