"""What `dataset_description.json` of a BIDS data set says of curation: which parts were cut out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix

from .manifest import ExcludedPart

DESCRIPTION = "dataset_description.json"
EXCLUDED = "AcqExcluded"             # our own key: session, and [from_s, to_s] of each part


@dataclass(frozen=True)
class _Description:
    AcqExcluded: dict[str, tuple[tuple[float | None, float | None], ...]]


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
