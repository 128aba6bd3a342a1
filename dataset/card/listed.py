"""What the Croissant file lists: the SHA-256 of each file, and one over its own content.

The second shows that the file itself was changed, by a slip or on its way; whoever changes both, or
takes the hash away as cards of earlier versions lack it, is not found out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix
from dataset.common.files import check_content, hash_of_content
from dataset.layouts.manifest import MANIFEST

OWN_HASH = "identifier"      # Croissant's own key; the value is "sha256:" and the hash


@dataclass(frozen=True)
class _FileObject:
    """What is read of one file in a Croissant file, under Croissant's own keys."""

    contentUrl: str = ""
    sha256: str = ""         # "" of a set of files


@dataclass(frozen=True)
class _Croissant:
    distribution: tuple[_FileObject, ...]


_KIND = Kind(_Croissant, "the card as Croissant", CurationError, Fix.WRITE_CARD_AGAIN)


def with_own_hash(card: dict[str, Any]) -> dict[str, Any]:
    """Return a Croissant file's object with the hash over its content."""
    return {**card, OWN_HASH: f"sha256:{hash_of_content(card, OWN_HASH)}"}


def listed_hashes(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that a Croissant file lists, by name.

    Raises
    ------
    CurationError : it cannot be read, or is not as it was written
    """
    listed = read_document(_KIND, path).distribution
    check_content(path, OWN_HASH)
    return {file.contentUrl: file.sha256 for file in listed if file.sha256}


def check_manifest_of_card(croissant: Path, manifest_sha256: str) -> None:
    """Refuse a Croissant file that was changed, or that lists another manifest.

    Raises
    ------
    CurationError : it is one of these, or cannot be read
    """
    if manifest_sha256 != listed_hashes(croissant).get(MANIFEST):
        raise CurationError(
            expected=f"the {MANIFEST} that {croissant} lists", found="none or another",
            where=f"at {croissant.with_name(MANIFEST)}",
            fix="get both again from where they came: a new card would vouch for what was changed",
        )
