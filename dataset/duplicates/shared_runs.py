"""Runs of equal numbers that several columns share, wherever they are: how a copied stretch is
found without comparing all pairs.

Every stretch of a few dozen numbers is hashed; of neighbouring hashes the smallest is kept, by the
same rule everywhere, so that two columns that share a long enough run keep at least one common hash
in it. Equal hashes are then grown to the whole run.

Source: Schleimer, Wilkerson, Aiken, "Winnowing: local algorithms for document fingerprinting",
SIGMOD 2003.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BASE = 0x9E3779B97F4A7C15  # odd, and its bits look random: 2^64 over the golden ratio


@dataclass(frozen=True)
class Run:
    """A stretch that two columns share."""

    first: int         # place of the one column in the list
    second: int        # and of the other
    first_at: int      # where the run begins in each
    second_at: int
    length: int


def shared_runs(columns: Sequence[np.ndarray], *, shortest: int) -> list[Run]:
    """Find the longest run that two columns share, for each pair of them; of many copies each is
    told with the one before.

    A stretch that hardly changes, such as a flat line, identifies nothing and is passed over.

    Parameters
    ----------
    columns : (T,) integer arrays
    shortest : runs of fewer numbers are not told; at least 8

    Raises
    ------
    ValueError : `shortest` is below 8
    """
    if shortest < 8:
        raise ValueError(f"expected runs of at least 8 numbers, got {shortest}")
    # a power of two, at most two thirds: the rest is to choose from
    stretch = 1 << ((shortest * 2 // 3).bit_length() - 1)
    kept = [_fingerprint(np.asarray(column), stretch, shortest - stretch + 1) for column in columns]
    hashes = np.concatenate([found for found, _ in kept]) if kept else np.empty(0, np.uint64)
    places = np.concatenate([at for _, at in kept]) if kept else np.empty(0, np.int64)
    owner = np.repeat(np.arange(len(kept)), [len(at) for _, at in kept])
    # By hash, then by column; only the first of a column's equal hashes, for a rhythm repeats
    # itself.
    order = np.lexsort((places, owner, hashes))
    hashes, places, owner = hashes[order], places[order], owner[order]
    new = np.ones(len(hashes), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (owner[1:] != owner[:-1])
    hashes, places, owner = hashes[new], places[new], owner[new]
    same = np.flatnonzero(hashes[1:] == hashes[:-1])
    seeds = np.stack(
        [owner[same], owner[same + 1], places[same] - places[same + 1], places[same]], axis=1
    )
    return _grow(columns, seeds, shortest)


def _fingerprint(values: np.ndarray, stretch: int, choice: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the hashes that are kept, and where their stretches begin."""
    if len(values) < stretch:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    hashes = values.astype(np.int64).view(np.uint64) * np.uint64(_BASE) + np.uint64(_BASE)
    length, power = 1, _BASE
    while length < stretch:  # the hash of twice as many numbers, from two halves
        hashes = hashes[:-length] * np.uint64(power) + hashes[length:]
        hashes ^= hashes >> np.uint64(29)
        length, power = 2 * length, power * power % 2**64
    changes = np.concatenate([[0], np.cumsum(np.diff(values) != 0)])
    lively = changes[stretch - 1:] - changes[: len(hashes)] >= stretch // 4
    ranked = np.where(lively, hashes, np.uint64(2**64 - 1))
    choice = min(choice, len(ranked))
    least = np.lib.stride_tricks.sliding_window_view(ranked, choice).argmin(axis=1) + np.arange(
        len(ranked) - choice + 1
    )
    at = np.unique(least)
    at = at[lively[at]]
    return hashes[at], at


def _grow(columns: Sequence[np.ndarray], seeds: np.ndarray, shortest: int) -> list[Run]:
    longest: dict[tuple[int, int], Run] = {}
    grown: dict[tuple[int, int, int], int] = {}  # how far a shift of a pair is known already
    for first, second, shift, at in sorted(map(tuple, seeds.tolist())):
        if grown.get((first, second, shift), -1) > at:
            continue
        one, other = columns[first], columns[second]
        begin = max(0, shift)  # of what may be compared, in places of the first
        end = min(len(one), len(other) + shift)
        differs = one[begin:end] != other[begin - shift : end - shift]
        before, behind = differs[: at - begin], differs[at - begin :]
        left = at - (int(np.argmax(before[::-1])) if before.any() else len(before))
        right = at + (int(np.argmax(behind)) if behind.any() else len(behind))
        grown[first, second, shift] = right
        run = Run(first, second, left, left - shift, right - left)
        if (
            run.length >= shortest
            and run.length > longest.get((first, second), Run(0, 0, 0, 0, 0)).length
        ):
            longest[first, second] = run
    return list(longest.values())
