"""Take decisions of a curator, and take them back: each change of `data/exclusions.json`.

One process at a time writes the list; each change reads it anew, so that none is lost.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from acquire import data_folder
from acquire.errors import AcqError, Fix
from acquire.writing import SELECTION, WAIT_S, hold
from dataset.layouts.bids_description import DESCRIPTION, parts_of_bids
from dataset.layouts.export_manifest import export_again, read_export_manifest
from dataset.layouts.manifest import MANIFEST, ExcludedPart
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.places import PURE

from .exclusions import Exclusion, Exclusions
from .exclusions_file import read_exclusions, write_exclusions
from .split_file import read_split

_Parts = Mapping[str, Sequence[ExcludedPart]]     # what was cut out of each session of an export
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Decided:
    """A change of what is excluded."""

    path: Path                            # of the list
    changed: tuple[Exclusion, ...]        # decisions that were made, or revoked
    replaced: tuple[Exclusion, ...] = ()  # decisions on the very same parts, of before

    def instead_of(self, made: Exclusion) -> str:
        """Return the decision that this one replaced, in words; "" where it replaced none."""
        olds = (
            old for old in self.replaced
            if (old.session, old.from_s, old.to_s) == (made.session, made.from_s, made.to_s)
        )
        return next((f"instead of: {old.reason} ({old.decided[:10]})" for old in olds), "")


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


def made_before(data: Path, changed: Sequence[Exclusion]) -> list[tuple[Path, Fix, str]]:
    """Return what was made before these decisions and does not hold any more, with what mends it.

    Last stands what the remedy is applied to: of an export its tool or its layout, else nothing.
    Nothing is hashed. A split or a manifest that cannot be read counts as one that does not hold.

    Raises
    ------
    CurationError : the exclusions cannot be read
    """
    now, stale = read_exclusions(data), []
    wholes = {exclusion.session for exclusion in changed if exclusion.is_whole}
    split = data_folder.split_file(data)
    if wholes and split.exists():
        used = _read(lambda: {Path(one.file).stem for one in read_split(split).sessions})
        if used is None or any((name in used) == now.is_excluded(name) for name in wholes):
            stale.append((split, Fix.SPLIT_AGAIN, ""))
    ubfc = data_folder.ubfc_dir(data)
    made: list[tuple[Path, Fix, str, Callable[[Path], _Parts]]] = [
        (ubfc, Fix.CONVERT_AGAIN, "", _parts_of_curated),
        *((root, *_export_again(data, root), _parts_of_export)
          for root in data_folder.export_dirs(data)),
        (data_folder.bids_dir(data), Fix.EXPORT_BIDS_AGAIN, "", parts_of_bids),
    ]
    for folder, fix, of, read_parts in made:
        if (folder / MANIFEST).exists() or (folder / DESCRIPTION).exists():
            parts = _read(partial(read_parts, folder))
            if parts is None or any(_is_other(one, parts, now) for one in changed):
                stale.append((folder, fix, of))
    return stale


def _export_again(data: Path, root: Path) -> tuple[Fix, str]:
    manifest = _read(lambda: read_export_manifest(root))
    tool = "" if root == data_folder.pure_dir(data) else root.name
    return export_again(tool, manifest.layout if manifest else PURE)


def _parts_of_curated(root: Path) -> _Parts:
    return {one.session: one.rows.excluded for one in read_manifest(root / MANIFEST).entries}


def _parts_of_export(root: Path) -> _Parts:
    return {one.session: one.excluded for one in read_export_manifest(root).entries}


def _read(read: Callable[[], _Read]) -> _Read | None:
    """Return what is read; None where it cannot be."""
    try:
        return read()
    except (AcqError, OSError):
        return None


def _is_other(decision: Exclusion, parts: _Parts, now: Exclusions) -> bool:
    """Return whether an export would be another now, as far as this decision's session goes."""
    session = decision.session
    if session not in parts:                # made without it: only a whole one is missing there
        return decision.is_whole and not now.is_excluded(session)
    parts_now = {(one.from_s, one.to_s) for one in now.of(session) if not one.is_whole}
    return now.is_excluded(session) or parts_now != {
        (part.from_s, part.to_s) for part in parts[session]
    }
