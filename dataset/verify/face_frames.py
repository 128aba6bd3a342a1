"""Verify the face frames kept of curated videos."""

from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.errors import CurationError
from dataset.face.frames import cache_key
from dataset.face.kept_frames import read_kept_of
from dataset.layouts.manifest import Entry

from .result import References, Verification

_MAKE_AGAIN = "remove both files: they are made again when they are needed"


def verify_face_frames(data: Path, verification: Verification, references: References) -> None:
    """Compare kept face frames with the videos that they are of, by their key."""
    cache = data_folder.frames_cache(data)
    entries = references.manifest.entries if references.manifest else ()
    entry_of_key = {cache_key(entry.video.file_sha256): entry for entry in entries}
    unused = 0
    for description in sorted(cache.glob("*.json")):
        array = description.with_suffix(".npy")
        try:
            video_sha256 = read_kept_of(description).video_sha256
            entry = entry_of_key.get(description.stem)
            frames = _count_frames(array)
            if entry is None:
                unused += 1
            else:
                _compare(entry, video_sha256, frames, array)
                verification.checked.update(kept_frames=1)
        except CurationError as error:
            verification.add("broken", description, error)
    if unused:
        error = CurationError(
            f"{unused} in {cache} are of other videos or made otherwise: nobody reads them",
            fix="remove them",
        )
        verification.add("stale", cache, error)


def _count_frames(array: Path) -> int:
    try:
        return len(np.load(array, mmap_mode="r"))
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise CurationError(
            expected="face frames", found=error, where=f"at {array}", fix=_MAKE_AGAIN
        ) from error


def _compare(entry: Entry, video_sha256: str, frames: int, array: Path) -> None:
    if video_sha256 != entry.video.file_sha256:
        raise CurationError(
            expected=f"face frames of {entry.folder}", found="those of another video",
            where=f"at {array}", fix=_MAKE_AGAIN,
        )
    if frames != entry.frames:
        raise CurationError(
            expected=f"face frames of {entry.frames} frames", found=frames, where=f"at {array}",
            fix=_MAKE_AGAIN,
        )
