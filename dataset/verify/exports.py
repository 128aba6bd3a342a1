"""Verify the export in the PURE layout: labels, and every picture."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError
from dataset.consistency.of_today import find_outdated
from dataset.layouts.pure_manifest import check_pure_folder, read_pure_manifest

from .folders import find_unlisted_folders, note_unchecked
from .result import References, Verification


def verify_pure_export(data: Path, verification: Verification, references: References) -> None:
    """Verify every folder of `data/pure`, where there is one, and that there are no others."""
    root = data_folder.pure_dir(data)
    if not root.exists():
        return
    try:
        manifest = read_pure_manifest(root)
    except CurationError as error:
        verification.add("broken", root, error)
        return
    for outdated in find_outdated(data, manifest, references.today):
        verification.add("stale", outdated.place, outdated.error)
    for entry in manifest.entries:
        folder = root / entry.folder
        try:
            verification.checked["frames"] += check_pure_folder(root, entry)
        except (CurationError, OSError) as error:
            verification.add("broken", folder, error)
        verification.checked["folders"] += 1
        note_unchecked(folder, entry.session, verification, references)
    find_unlisted_folders(root, {entry.folder for entry in manifest.entries}, verification)
