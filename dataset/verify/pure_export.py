"""Verify the export in the PURE layout: labels, and every picture."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.layouts.pure_manifest import check_pure_folder, read_pure_entries

from .folders import find_unlisted_folders
from .result import References, Verification


def verify_pure_export(data: Path, verification: Verification, references: References) -> None:
    """Verify every folder of `data/pure`, where there is one, and that there are no others."""
    root = data_folder.pure_dir(data)
    if not root.exists():
        return
    try:
        entries = read_pure_entries(root)
    except CurationError as error:
        verification.add("broken", root, error)
        return
    for entry in entries:
        folder = root / entry.folder
        try:
            verification.checked["frames"] += check_pure_folder(root, entry)
        except (CurationError, OSError) as error:
            verification.add("broken", folder, error)
        verification.checked["folders"] += 1
        session_hash = references.session_hashes.get(entry.session)
        if session_hash not in (None, entry.session_hash):
            error = CurationError(
                f"{folder} was made from another state of {entry.session}",
                fix=Fix.EXPORT_PURE_AGAIN,
            )
            verification.add("stale", folder, error)
    find_unlisted_folders(root, {entry.folder for entry in entries}, verification)
