"""Verify the BIDS data set: every file by its hash, and that it holds today's recordings."""

from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.common.files import check_content, sha256_of
from dataset.layouts.bids_description import (
    DESCRIPTION,
    OWN_HASH,
    hashes_of_bids,
    parts_of_bids,
)

from .result import References, Verification


def verify_bids(data: Path, verification: Verification, references: References) -> None:
    """Verify every file of `data/bids`, and that there are no others."""
    root = data_folder.bids_dir(data)
    if not (root / DESCRIPTION).is_file():
        return
    try:
        parts, hashes = parts_of_bids(root), hashes_of_bids(root)
        check_content(root / DESCRIPTION, OWN_HASH)
    except CurationError as error:
        verification.add("broken", root / DESCRIPTION, error)
        return
    now = references.exclusions
    used = {name for name in references.session_hashes if not now.is_excluded(name)}
    cut = {name: {(one.from_s, one.to_s) for one in now.of(name)} for name in used}
    if cut != {name: {(one.from_s, one.to_s) for one in of} for name, of in parts.items()}:
        error = CurationError(
            expected="the recordings and exclusions of today", found="others", where=root,
            fix=Fix.EXPORT_BIDS_AGAIN,
        )
        verification.add("stale", root, error)
    if hashes is None:
        verification.add("unchecked", root, CurationError(
            f"{root} holds no hashes of its files: an earlier version wrote it"
        ))
        return
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    del found[DESCRIPTION]
    for name in sorted(hashes):
        now_sha256 = sha256_of(found[name]) if name in found else None
        if now_sha256 != hashes[name]:
            verification.add("broken", root / name, CurationError(
                expected="this file as it was written", where=root / name,
                found="another" if name in found else "nothing", fix=Fix.EXPORT_BIDS_AGAIN,
            ))
    for name in sorted(found.keys() - hashes.keys()):
        verification.add("broken", found[name], CurationError(
            expected=f"only files of {root / DESCRIPTION}", found=found[name], fix="move it away",
        ))
    verification.checked["files"] += len(hashes)
