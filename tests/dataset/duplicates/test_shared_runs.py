"""Runs of equal numbers are found, wherever they are in two columns."""

import tracemalloc

import numpy as np

from dataset.duplicates.shared_runs import find_shared_runs


def test_shared_runs_are_found_wherever_they_are_and_grown_to_their_ends():
    rng = np.random.default_rng(0)
    for _ in range(200):
        one, other = (rng.integers(0, 4, rng.integers(60, 400)) for _ in range(2))
        length = int(rng.integers(40, 55))
        a, b = (int(rng.integers(0, len(column) - length)) for column in (one, other))
        other[b : b + length] = one[a : a + length]
        (run,) = find_shared_runs([one, other], shortest=40)
        assert run.first_at <= a
        assert run.first_at + run.length >= a + length
        assert run.first_at - run.second_at == a - b
        np.testing.assert_array_equal(
            one[run.first_at :][: run.length], other[run.second_at :][: run.length]
        )
        assert find_shared_runs([one[:a], other], shortest=40) == []


def test_of_many_equal_copies_each_is_paired_with_the_one_before():
    column = np.random.default_rng(0).integers(0, 1000, 500)
    runs = find_shared_runs([column] * 50, shortest=100)
    assert sorted((run.first, run.second) for run in runs) == [(n, n + 1) for n in range(49)]


def test_a_long_column_is_compared_in_the_memory_of_a_few_copies_of_it():
    column = np.random.default_rng(0).integers(0, 1000, 50_000)
    tracemalloc.start()
    (run,) = find_shared_runs([column, column[20_000:]], shortest=150)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (run.first_at, run.second_at, run.length) == (20_000, 0, 30_000)
    assert peak < 20 * column.nbytes       # all windows of a column at once are 87 of it
