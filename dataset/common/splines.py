"""Interpolating splines through long traces, in pieces: memory does not grow with the length.

The spline is that of `scipy.interpolate.make_interp_spline` with its usual ends (not-a-knot), to
1e-9 of the values' range. A value has hardly an effect on the spline some values away: of degree 9
it falls to 0.61 from one to the next, so that each piece of the trace, with `_AROUND` values on
each side of it, is solved for itself, many pieces at once. That takes numpy alone; to load scipy's
takes longer than all else that looks at a session of a minute.

Source: de Boor, "A Practical Guide to Splines", chapters 9, 10 and 13. The matrix of a spline's
values is totally positive, so that its elimination needs no pivots.
"""

import numpy as np

_INSIDE, _AROUND = 128, 72      # values of a piece that are used, and on each side of them
_AT_ONCE = 64                   # pieces


def interpolate(x: np.ndarray, y: np.ndarray, at: np.ndarray, *, degree: int) -> np.ndarray:
    """Return the spline through (x, y) at each place.

    Parameters
    ----------
    x : (N,) rising, more than `degree`
    y : (N,)
    at : (M,) rising, from the first of `x` to its last
    degree : odd

    Returns
    -------
    (M,) float64

    Raises
    ------
    ValueError : too few values
    """
    x, y, at = (np.asarray(values, np.float64) for values in (x, y, at))
    if len(x) <= degree:
        raise ValueError(f"expected more than {degree} values, found {len(x)}")
    length = min(len(x), _INSIDE + 2 * _AROUND)
    # the last piece ends where the trace does
    firsts = np.arange(0, max(len(x) - length, 0) + _INSIDE, _INSIDE) if length < len(x) else [0]
    firsts = np.minimum(firsts, len(x) - length)
    # a place belongs to the piece whose used part, between those of its neighbours, it lies in
    owner = np.searchsorted(x[firsts[1:] + _AROUND], at, side="right") if len(firsts) > 1 else (
        np.zeros(len(at), int)
    )
    found = np.empty(len(at))
    for first in range(0, len(firsts), _AT_ONCE):
        some = firsts[first : first + _AT_ONCE]
        of = np.arange(length)[:, None] + some                             # (L, P)
        inside = slice(*np.searchsorted(owner, [first, first + len(some)]))
        found[inside] = _of_pieces(x[of], y[of], at[inside], owner[inside] - first, degree)
    return found


def _of_pieces(
    x: np.ndarray, y: np.ndarray, at: np.ndarray, owner: np.ndarray, degree: int
) -> np.ndarray:
    """Return the values at some places of the splines through (L, P) pieces, one a column."""
    half, length = (degree + 1) // 2, len(x)
    knots = np.concatenate([
        np.repeat(x[:1], degree + 1, axis=0), x[half : length - half],
        np.repeat(x[-1:], degree + 1, axis=0),
    ])
    span = np.clip(np.arange(length) + half, degree, length - 1)
    basis = _basis(x, knots[span + np.arange(1 - degree, degree + 1)[:, None]])   # (K + 1, L, P)
    # band[r, c - r + degree - 1, p]: what is left of a row has its diagonal at degree - 1
    band = np.zeros((length, 2 * degree - 1, x.shape[1]))
    for number in range(degree + 1):
        place = span - degree + number - np.arange(length) + degree - 1
        kept = (place >= 0) & (place < 2 * degree - 1)      # what lies outside is 0
        band[np.flatnonzero(kept), place[kept]] = basis[number, kept]
    weights = _solve(band, y, degree - 1)
    column = np.empty(len(at), int)
    for piece in range(x.shape[1]):
        of = slice(*np.searchsorted(owner, [piece, piece + 1]))
        column[of] = np.searchsorted(x[half : length - half, piece], at[of], side="right")
    column += degree                                        # the span that each place lies in
    around = knots[column + np.arange(1 - degree, degree + 1)[:, None], owner]
    return np.einsum(
        "km,km->m", _basis(at, around),
        weights[column + np.arange(-degree, 1)[:, None], owner],
    )


def _basis(at: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the K + 1 splines of degree K that are not 0 at each place, (K + 1, ...).

    Parameters
    ----------
    at : (...) places
    knots : (2 K, ...) those around each of them, K below and K above
    """
    degree = len(knots) // 2
    basis = np.ones((degree + 1, *at.shape))
    below, above = at - knots[degree - 1 :: -1], knots[degree:] - at
    for order in range(1, degree + 1):
        saved: np.ndarray | float = 0.0
        for number in range(order):
            share = basis[number] / (above[number] + below[order - 1 - number])
            basis[number] = saved + above[number] * share
            saved = below[order - 1 - number] * share
        basis[order] = saved
    return basis


def _solve(band: np.ndarray, y: np.ndarray, half: int) -> np.ndarray:
    """Solve P systems at once: (L, 2 half + 1, P) bands, overwritten, and (L, P) right sides."""
    length, width, count = band.shape
    found = y.astype(np.float64)
    flat, step = band.reshape(-1, count), band.strides[1]
    for row in range(length - 1):
        below = min(half, length - 1 - row)
        # rows below by columns from the diagonal on, in which each row begins one place earlier
        under = np.ndarray(
            (below, half + 1, count), buffer=flat, offset=((row + 1) * width + half - 1) * step,
            strides=((width - 1) * step, step, band.strides[2]),
        )
        factors = under[:, 0] / band[row, half]
        under[:, 1:] -= factors[:, None] * band[row, half + 1 :]
        found[row + 1 : row + 1 + below] -= factors * found[row]
    for row in reversed(range(length)):
        after = found[row + 1 : row + 1 + half]
        found[row] -= (band[row, half + 1 : half + 1 + len(after)] * after).sum(axis=0)
        found[row] /= band[row, half]
    return found
