"""Pearson's r, and where there is none."""

import numpy as np
import pytest

from dataset.signals.pearson import pearson_r


def test_it_is_that_of_numpy_whatever_the_units():
    a, b = np.random.default_rng(0).normal(size=(2, 50))
    b += 0.5 * a
    assert pearson_r(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)
    assert pearson_r(-1e-6 * a, 1e6 * b + 9) == pytest.approx(-pearson_r(a, b), abs=1e-9)
    assert pearson_r(np.array([0.0, 1.0]), np.array([3.0, 5.0])) == 1.0


@pytest.mark.parametrize(("a", "b"), [
    pytest.param([], [], id="nothing"), pytest.param([1.0], [2.0], id="one"),
    pytest.param([0.1] * 7, [*range(7)], id="the first is constant"),
    pytest.param([*range(7)], [0.1] * 7, id="the second is constant"),
    pytest.param([0.0, 1e-200], [0.0, 1e-200], id="too small to be multiplied"),
])
def test_there_is_none(a, b):
    assert np.isnan(pearson_r(np.array(a, float), np.array(b, float)))
