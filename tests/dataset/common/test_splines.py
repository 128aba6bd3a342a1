"""Splines in pieces are the spline through all values at once."""

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

from dataset.common.splines import interpolate


# one piece, and on both sides of where a second and a third one begin
@pytest.mark.parametrize("count", [10, 11, 40, 271, 272, 273, 400, 401, 3000])
@pytest.mark.parametrize("degree", [3, 9])
def test_pieces_are_the_spline_through_all_values(count, degree):
    noise = np.random.default_rng(count)
    x = np.arange(count) + noise.uniform(-0.2, 0.2, count)
    y = noise.normal(50, 1, count)
    at = np.sort([x[0], x[-1], *x[1:40], *noise.uniform(x[0], x[-1], 2 * count)])
    expected = make_interp_spline(x, y, k=degree)(at)
    found = interpolate(x, y, at, degree=degree)
    assert np.abs(found - expected).max() < 1e-9 * np.ptp(expected)


def test_too_few_values_are_refused():
    with pytest.raises(ValueError, match="more than 9"):
        interpolate(np.arange(9), np.arange(9), np.array([1.0]), degree=9)

