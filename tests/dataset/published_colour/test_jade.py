"""JADE, on mixtures whose sources are known."""

import numpy as np
import pytest

from dataset.published_colour.jade import jade


def sources(length=4000, seed=0):
    """Make three independent sources: a sine, a square wave and uniform noise."""
    at = np.arange(length)
    noise = np.random.default_rng(seed).uniform(-1, 1, length)
    return np.stack([np.sin(at * 0.11), np.sign(np.sin(at * 0.023 + 0.4)), noise], axis=1)


def alikeness(true, found):
    return np.abs(np.corrcoef(true.T, found.T)[: true.shape[1], true.shape[1] :])


@pytest.mark.parametrize("seed", range(5))
def test_each_source_comes_back_once(seed):
    true = sources(seed=seed)
    mixing = np.random.default_rng(seed + 10).normal(size=(3, 3))
    found = jade(true @ mixing + 5.0)
    alike = alikeness(true, found)
    assert (alike.max(axis=1) > 0.995).all()
    assert sorted(alike.argmax(axis=1)) == [0, 1, 2]
    assert found.T @ found / len(found) == pytest.approx(np.eye(3), abs=1e-9)


def test_no_mixing_changes_what_is_found():
    true = sources()
    first, second = (
        jade(true @ np.random.default_rng(seed).normal(size=(3, 3))) for seed in (1, 2)
    )
    alike = alikeness(first, second)
    assert np.sort(alike.max(axis=1)) == pytest.approx(np.ones(3), abs=1e-6)


def test_mixtures_that_are_sums_of_each_other_give_as_many_components_as_there_are():
    true = sources()[:, :2]
    found = jade(np.column_stack([true, true.sum(axis=1)]))
    assert found.shape == (len(true), 2)
    assert (alikeness(true, found).max(axis=1) > 0.995).all()
    assert jade(np.full((50, 3), 7.0)).shape == (50, 0)
    assert jade(np.outer(np.arange(50.0), [1, 2, 3])).shape == (50, 1)
