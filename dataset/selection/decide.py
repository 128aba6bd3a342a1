"""Take decisions of a curator, and take them back: each change of `data/exclusions.json`.

One process at a time writes the list; each change reads it anew, so that none is lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import Fix
from acquire.writing import SELECTION, WAIT_S, hold
from dataset.layouts.manifest import MANIFEST

from .exclusions import Exclusion
from .exclusions_file import read_exclusions, write_exclusions


@dataclass(frozen=True)
class Decided:
    """A change of what is excluded."""

    path: Path                            # of the list
    changed: tuple[Exclusion, ...]        # decisions that were made, or revoked
    replaced: tuple[Exclusion, ...] = ()  # decisions on the very same parts, of before


def exclude(data: Path, exclusions: Sequence[Exclusion]) -> Decided:
    """Add decisions; each replaces one on the very same part.

    Raises
    ------
    BusyError : another process has the list, and keeps it
    CurationError : the list cannot be read
    """
    with hold(data, SELECTION, wait_s=WAIT_S):
        before = after = read_exclusions(data)
        for exclusion in exclusions:
            after = after.adding(exclusion)
        path = write_exclusions(data, after)
    replaced = tuple(old for old in before.listed if old not in after.listed)
    return Decided(path, tuple(exclusions), replaced)


def include(
    data: Path, sessions: Iterable[str], part: tuple[float | None, float | None] | None = None
) -> Decided:
    """Revoke every decision on these sessions, or only those on one part of each.

    Parameters
    ----------
    sessions : ids; their recordings may be gone
    part : from and to [s after the session's start]

    Raises
    ------
    BusyError : another process has the list, and keeps it
    CurationError : the list cannot be read, or there is no such decision
    """
    revoked: list[Exclusion] = []
    with hold(data, SELECTION, wait_s=WAIT_S):
        excluded = read_exclusions(data)
        for session in sessions:
            excluded, found = excluded.removing(session, part)
            revoked += found
        path = write_exclusions(data, excluded)
    return Decided(path, tuple(revoked))


def made_before(data: Path, changed: Iterable[Exclusion]) -> list[tuple[Path, Fix]]:
    """Return what was made before these decisions and is out of date now, with what mends it."""
    stale = []
    split = data_folder.split_file(data)
    if any(exclusion.is_whole for exclusion in changed) and split.exists():
        stale.append((split, Fix.SPLIT_AGAIN))
    for folder, fix in (
        (data_folder.ubfc_dir(data), Fix.CONVERT_AGAIN),
        (data_folder.pure_dir(data), Fix.EXPORT_PURE_AGAIN),
    ):
        if (folder / MANIFEST).exists():
            stale.append((folder, fix))
    return stale
