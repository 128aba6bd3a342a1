"""Peaks between grid points, and Pearson's r, against known truth."""

import numpy as np
import pytest

from dataset.signals.peaks import peak_offset
from dataset.signals.pearson import pearson_r


@pytest.mark.parametrize("offset", [-0.5, -0.3, 0.0, 0.2, 0.49])
def test_the_vertex_of_a_parabola_is_found(offset):
    values = 7 - 2 * (np.arange(9) - 4 - offset) ** 2
    assert peak_offset(values, 4) == pytest.approx(offset)


@pytest.mark.parametrize(("values", "at"), [
    pytest.param([3, 2, 1], 0, id="first"), pytest.param([1, 2, 3], 2, id="last"),
    pytest.param([1, 1, 1], 1, id="flat"), pytest.param([3, 1, 3], 1, id="a minimum"),
])
def test_where_there_is_no_peak_nothing_is_moved(values, at):
    assert peak_offset(np.array(values), at) == 0.0


def test_pearson_r_is_numpy_s_and_nan_where_there_is_none():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50))
    assert pearson_r(a, b + a) == pytest.approx(np.corrcoef(a, b + a)[0, 1], abs=1e-12)
    assert pearson_r(a, 3 - 2 * a) == pytest.approx(-1.0)
    assert np.isnan(pearson_r(a, np.ones(50)))
    assert np.isnan(pearson_r(a[:1], b[:1]))
    assert np.isnan(pearson_r(a[:0], b[:0]))
