"""Runs of equal numbers that several columns share, found without comparing all pairs.

Every stretch of a few dozen numbers is hashed; of neighbouring hashes the smallest is kept, by the
same rule everywhere, so that two columns that share a long enough run keep at least one common hash
in it. Equal hashes are then extended to the whole run.

Source: Schleimer, Wilkerson, Aiken, "Winnowing: local algorithms for document fingerprinting",
SIGMOD 2003.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BASE = 0x9E3779B97F4A7C15  # odd, and its bits look random: 2^64 over the golden ratio
_SHORTEST = 8
_WINDOWS = 4096             # of hashes that are chosen from at once: argmin copies them


@dataclass(frozen=True)
class SharedRun:
    """A stretch that two columns share."""

    first: int         # index of the one column
    second: int        # and of the other
    first_at: int      # where the run begins in each
    second_at: int
    length: int


def find_shared_runs(columns: Sequence[np.ndarray], *, shortest: int) -> list[SharedRun]:
    """Find the longest run of equal numbers that two columns share, for each pair of them.

    Of many copies each is paired with the one before. A stretch that hardly changes, such as a flat
    line, identifies nothing and is passed over.

    Parameters
    ----------
    columns : (T,) integer arrays
    shortest : the shortest run that is returned; at least 8

    Raises
    ------
    ValueError : `shortest` is below 8
    """
    if shortest < _SHORTEST:
        raise ValueError(f"expected runs of at least {_SHORTEST} numbers, got {shortest}")
    # a power of two, at most two thirds of the run: the rest is the window of hashes to choose from
    stretch = 1 << ((shortest * 2 // 3).bit_length() - 1)
    kept = [_fingerprint(np.asarray(column), stretch, shortest - stretch + 1) for column in columns]
    hashes = np.concatenate([kept_hashes for kept_hashes, _ in kept] or [np.empty(0, np.uint64)])
    places = np.concatenate([at for _, at in kept] or [np.empty(0, np.int64)])
    owner = np.repeat(np.arange(len(kept)), [len(at) for _, at in kept])
    # By hash, then by column; only the first of a column's equal hashes, for a rhythm repeats.
    order = np.lexsort((places, owner, hashes))
    hashes, places, owner = hashes[order], places[order], owner[order]
    is_new = np.ones(len(hashes), bool)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    hashes, places, owner = hashes[is_new], places[is_new], owner[is_new]
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    seeds = np.stack(
        [owner[same], owner[same + 1], places[same] - places[same + 1], places[same]], axis=1
    )
    return _extend_seeds(columns, seeds, shortest)


def _fingerprint(values: np.ndarray, stretch: int, choice: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes that are kept, and where their stretches begin."""
    if len(values) < stretch:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    hashes = values.astype(np.int64).view(np.uint64) * np.uint64(_BASE) + np.uint64(_BASE)
    length, power = 1, _BASE
    while length < stretch:  # the hash of twice as many numbers, from two halves
        hashes = hashes[:-length] * np.uint64(power) + hashes[length:]
        hashes ^= hashes >> np.uint64(29)
        length, power = 2 * length, power * power % 2**64
    changes = np.concatenate([[0], np.cumsum(np.diff(values) != 0)])
    is_varied = changes[stretch - 1 :] - changes[: len(hashes)] >= stretch // 4
    ranked = np.where(is_varied, hashes, np.uint64(2**64 - 1))
    choice = min(choice, len(ranked))
    windows = np.lib.stride_tricks.sliding_window_view(ranked, choice)
    smallest = np.concatenate([
        windows[first : first + _WINDOWS].argmin(axis=1)
        for first in range(0, len(windows), _WINDOWS)
    ])
    at = np.unique(smallest + np.arange(len(windows)))
    at = at[is_varied[at]]
    return hashes[at], at


def _extend_seeds(
    columns: Sequence[np.ndarray], seeds: np.ndarray, shortest: int
) -> list[SharedRun]:
    """Extend each common hash (first, second, shift, at) to a whole run; keep a pair's longest."""
    longest: dict[tuple[int, int], SharedRun] = {}
    reached: dict[tuple[int, int, int], int] = {}  # where the last run of a pair and shift ends
    for i, j, shift, at in sorted(map(tuple, seeds.tolist())):
        if reached.get((i, j, shift), -1) > at:
            continue
        first, second = columns[i], columns[j]
        begin = max(0, shift)                      # of the overlap, in places of the first
        end = min(len(first), len(second) + shift)
        differs = first[begin:end] != second[begin - shift : end - shift]
        before, behind = differs[: at - begin], differs[at - begin :]
        left = at - (int(np.argmax(before[::-1])) if before.any() else len(before))
        right = at + (int(np.argmax(behind)) if behind.any() else len(behind))
        reached[i, j, shift] = right
        run = SharedRun(i, j, left, left - shift, right - left)
        known = longest.get((i, j))
        if run.length >= shortest and (known is None or run.length > known.length):
            longest[i, j] = run
    return list(longest.values())
