"""What `dataset_description.json` of a BIDS data set says of curation, and of its files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix

from .manifest import ExcludedPart

DESCRIPTION = "dataset_description.json"
# our own keys: session, and [from_s, to_s] of each part that was cut out; file, and its SHA-256
EXCLUDED, FILES = "AcqExcluded", "AcqFiles"
OWN_HASH = "AcqContentHash"              # over the description itself, but this key


@dataclass(frozen=True)
class _Description:
    AcqExcluded: dict[str, tuple[tuple[float | None, float | None], ...]]
    AcqFiles: dict[str, str] | None = None              # an earlier version wrote none


_KIND = Kind(_Description, "what describes a BIDS data set", CurationError, Fix.EXPORT_BIDS_AGAIN)


def as_excluded(parts: Mapping[str, Iterable[tuple[float | None, float | None]]]) -> dict[str, Any]:
    """Return the entry that names the parts which were cut out of each session, without reasons."""
    return {EXCLUDED: {session: [list(part) for part in cut] for session, cut in parts.items()}}


def parts_of_bids(root: Path) -> dict[str, tuple[ExcludedPart, ...]]:
    """Read which parts were cut out of each session of a BIDS data set.

    Raises
    ------
    CurationError : it cannot be read, or was not written by acq
    """
    described = read_document(_KIND, root / DESCRIPTION).AcqExcluded
    return {
        session: tuple(ExcludedPart(from_s, to_s, "") for from_s, to_s in parts)
        for session, parts in described.items()
    }


def hashes_of_bids(root: Path) -> dict[str, str] | None:
    """Read the SHA-256 of every file of a BIDS data set but its description, by its path in it.

    Returns
    -------
    None where an earlier version wrote it, without hashes

    Raises
    ------
    CurationError : as `parts_of_bids`
    """
    return read_document(_KIND, root / DESCRIPTION).AcqFiles
