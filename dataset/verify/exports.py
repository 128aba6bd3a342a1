"""Verify the exports for other tools: labels, and every picture."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError
from dataset.common.files import check_content
from dataset.consistency.of_today import find_outdated
from dataset.layouts.export_manifest import check_export_folder, read_export_manifest
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.places import labels_file

from .folders import find_unlisted_folders, note_unchecked
from .result import References, Verification


def verify_exports(data: Path, verification: Verification, references: References) -> None:
    """Verify every folder of the exports that are there, and that there are no others."""
    for root in data_folder.export_dirs(data):
        _verify_export(data, root, verification, references)


def _verify_export(
    data: Path, root: Path, verification: Verification, references: References
) -> None:
    try:
        manifest = read_export_manifest(root)
    except CurationError as error:
        verification.add("broken", root, error)
        return
    try:
        check_content(root / MANIFEST)
    except CurationError as error:
        verification.add("broken", root / MANIFEST, error)
    for outdated in find_outdated(data, manifest, references.today):
        verification.add("stale", outdated.place, outdated.error)
    for entry in manifest.entries:
        folder = root / entry.folder
        try:
            verification.checked["frames"] += check_export_folder(root, entry, manifest)
        except (CurationError, OSError) as error:
            verification.add("broken", folder, error)
        verification.checked["folders"] += 1
        note_unchecked(folder, entry.session, verification, references)
    folders = [root / entry.folder for entry in manifest.entries]
    labels = [labels_file(folder, manifest.layout) for folder in folders]
    beside = [path for path in labels if path.parent not in folders]
    names = {path.relative_to(root).as_posix() for path in (*folders, *beside)}
    find_unlisted_folders(root, names, verification)
