"""Verify the dataset card: the hashes that its Croissant file lists."""

from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.documents import Kind, read_document
from acquire.errors import CurationError, Fix
from dataset.common.files import sha256_of
from dataset.layouts.manifest import MANIFEST, Manifest
from dataset.layouts.ubfc import LABELS, VIDEO

from .result import References, Verification


@dataclass(frozen=True)
class _FileObject:
    """What is read of one file in a Croissant file, under Croissant's own keys."""

    contentUrl: str = ""
    sha256: str = ""         # "" of a set of files


@dataclass(frozen=True)
class _Croissant:
    distribution: tuple[_FileObject, ...]


_KIND = Kind(_Croissant, "the card as Croissant", CurationError, Fix.WRITE_CARD_AGAIN)


def verify_card(data: Path, verification: Verification, references: References) -> None:
    """Compare the card, the manifest and the folders with what the Croissant file lists."""
    card, croissant = data_folder.card_file(data), data_folder.croissant_file(data)
    if not card.exists() and not croissant.exists():
        return
    try:
        listed = read_document(_KIND, croissant).distribution
    except CurationError as error:
        verification.add("broken", croissant, error)
        return
    hashes = {file.contentUrl: file.sha256 for file in listed if file.sha256}
    verification.checked.update(cards=1)
    if not card.exists() or sha256_of(card) != hashes.get(data_folder.CARD):
        error = CurationError(
            expected=f"the card that {croissant} lists", found="none or another",
            where=f"at {card}", fix=Fix.WRITE_CARD_AGAIN,
        )
        verification.add("broken", card, error)
    manifest = data_folder.ubfc_dir(data) / MANIFEST
    if not manifest.exists() or sha256_of(manifest) != hashes.get(MANIFEST):
        error = CurationError(
            f"{croissant} describes another state of the folders", fix=Fix.WRITE_CARD_AGAIN
        )
        verification.add("stale", croissant, error)
    elif references.manifest:
        for name in _different_files(hashes, references.manifest):
            error = CurationError(
                expected=f"the manifest's hash of {name}", found="another", where=croissant,
                fix=Fix.WRITE_CARD_AGAIN,
            )
            verification.add("broken", croissant, error)


def _different_files(hashes: dict[str, str], manifest: Manifest) -> list[str]:
    """List the files of which Croissant file and manifest have different hashes, or only one."""
    in_manifest = {
        f"{entry.folder}/{name}": sha256
        for entry in manifest.entries
        for name, sha256 in ((VIDEO, entry.video.file_sha256), (LABELS, entry.labels.sha256))
    }
    in_card = {
        name: sha256 for name, sha256 in hashes.items()
        if name not in (data_folder.CARD, MANIFEST)
    }
    return sorted(
        name for name in in_manifest.keys() | in_card.keys()
        if in_manifest.get(name) != in_card.get(name)
    )
