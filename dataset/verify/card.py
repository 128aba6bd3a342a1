"""Verify the dataset card: the hashes that its Croissant file lists."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.card.listed import check_manifest_of_card, listed_hashes
from dataset.common.files import sha256_of
from dataset.layouts.manifest import MANIFEST, Manifest
from dataset.layouts.ubfc import LABELS, VIDEO

from .result import References, Verification


def verify_card(data: Path, verification: Verification, references: References) -> None:
    """Compare the card, the manifest and the folders with what the Croissant file lists."""
    card, croissant = data_folder.card_file(data), data_folder.croissant_file(data)
    if not card.exists() and not croissant.exists():
        return
    try:
        hashes = listed_hashes(croissant)
    except CurationError as error:
        verification.add("broken", croissant, error)
        return
    verification.checked.update(cards=1)
    if not card.exists() or sha256_of(card) != hashes.get(data_folder.CARD):
        error = CurationError(
            expected=f"the card that {croissant} lists", found="none or another",
            where=f"at {card}", fix=Fix.WRITE_CARD_AGAIN,
        )
        verification.add("broken", card, error)
    manifest = data_folder.ubfc_dir(data) / MANIFEST
    found = sha256_of(manifest) if manifest.exists() else ""
    if found != hashes.get(MANIFEST):
        _add_another_manifest(data, found, verification, references)
    elif references.manifest:
        for name in _different_files(hashes, references.manifest):
            error = CurationError(
                expected=f"the manifest's hash of {name}", found="another", where=croissant,
                fix=Fix.WRITE_CARD_AGAIN,
            )
            verification.add("broken", croissant, error)


def _add_another_manifest(
    data: Path, manifest_sha256: str, verification: Verification, references: References
) -> None:
    """Add that the manifest is not the card's; in a copy nothing can have made it anew."""
    manifest, croissant = data_folder.ubfc_dir(data) / MANIFEST, data_folder.croissant_file(data)
    known = {one.place for one in verification.findings if one.kind == "broken"}
    if known & {str(manifest), str(manifest.parent)}:
        return
    entries = references.manifest.entries if references.manifest else ()
    if references.session_hashes.keys() & {entry.session for entry in entries}:
        error = CurationError(
            f"{croissant} describes another state of the folders", fix=Fix.WRITE_CARD_AGAIN
        )
        verification.add("stale", croissant, error)
        return
    try:
        check_manifest_of_card(croissant, manifest_sha256)
    except CurationError as error:
        verification.add("broken", manifest, error)


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
