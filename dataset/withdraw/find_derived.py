"""What was made of a subject's recordings and can be made again without it.

Kept face frames are linked to a subject by the hash of their video. Those of videos that no folder
holds any more, and what an interrupted conversion left, may be of anybody and count as the
subject's.
"""

import re
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError
from dataset.face.kept_frames import KeptOf, read_kept_of
from dataset.layouts.manifest import SIDES, Manifest

from .names import SubjectNames
from .subject_files import (
    DATASET_CARD,
    JOB_RECORD,
    KNOWN_SESSIONS,
    QUALITY_OF_OTHERS,
    QUALITY_PAGE,
    SubjectFile,
    as_subject_file,
    is_unfinished,
)

_CONVERTING = re.compile(r"\.(?:ubfc|pure)-[a-z-]+")   # where conversions build and swap folders
_IMPORTING = ".import-partial"
_QUALITY_SUFFIXES = (".qc.json", ".qc.npz")

def find_face_frames(
    data: Path, manifest: Manifest | None, subject: str
) -> list[SubjectFile]:
    """List kept face frames but those of other subjects' videos."""
    cache = data_folder.frames_cache(data)
    if not cache.is_dir():
        return []
    entries = manifest.entries if manifest else ()
    videos_of_others = {entry.video.file_sha256 for entry in entries if entry.subject != subject}
    files = [path for path in sorted(cache.rglob("*")) if path.is_file()]
    kept = {
        path.with_suffix("") for path in files
        if path.suffix == ".json" and _kept_of(path).video_sha256 in videos_of_others
    }
    return [
        as_subject_file("face frames", path) for path in files
        if is_unfinished(path.name) or path.parent / path.name.partition(".")[0] not in kept
    ]


def find_home_frames(manifest: Manifest | None, names: SubjectNames) -> list[SubjectFile]:
    """List a subject's face frames in the user's home, kept while `data` was read-only.

    They are of its videos, or of its sessions themselves. There may be others' beside them, of
    other data folders.
    """
    home = data_folder.home_frames_cache()
    videos = {
        entry.video.file_sha256
        for entry in (manifest.entries if manifest else ()) if entry.subject == names.subject
    }
    kept = {path: _kept_of(path) for path in sorted(home.glob("*.json"))}
    return [
        as_subject_file("face frames", file)
        for path, of in kept.items()
        if of.video_sha256 in videos or names.include(Path(of.video).stem)
        for file in (path.with_suffix(".npy"), path) if file.exists()
    ]


def _kept_of(path: Path) -> KeptOf:
    try:
        return read_kept_of(path)
    except CurationError:
        return KeptOf("")


def find_unfinished_folders(data: Path) -> list[SubjectFile]:
    """List the folders that an interrupted conversion left, whoever is in them."""
    roots = [data_folder.ubfc_dir(data), *data_folder.export_dirs(data)]
    places = [data, *roots, *(root / side for root in roots for side in SIDES)]
    return [
        as_subject_file("unfinished conversion", path)
        for place in places
        for path in sorted(place.glob(".*"))
        if path.is_dir() and (is_unfinished(path.name) or _CONVERTING.fullmatch(path.name))
    ]


def derived_label(path: Path, data: Path) -> str:
    """Return what a file that names the subject is, where acq can make it again; else ""."""
    if is_unfinished(path.name) or path.parent == data / _IMPORTING:
        return "unfinished file"
    if path.is_relative_to(data_folder.quality_dir(data)):
        return QUALITY_PAGE
    if path.is_relative_to(data_folder.jobs_dir(data)):
        return JOB_RECORD
    if path == data_folder.known_sessions_file(data):
        return KNOWN_SESSIONS
    if path.name.endswith(_QUALITY_SUFFIXES):
        return QUALITY_OF_OTHERS
    cards = (data_folder.card_file(data), data_folder.croissant_file(data))
    return DATASET_CARD if path in cards else ""
