"""The curated folders and the face frames kept of them, held against the manifest: labels, file
hashes, and every pixel.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.common.progress import OnProgress
from dataset.face.frames import cache_key
from dataset.layouts.avi import read_bgr
from dataset.layouts.manifest import MANIFEST, SIDES, Entry
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.pure_manifest import check_pure_folder, read_pure_entries
from dataset.layouts.ubfc import LABELS, VIDEO, check_folder, check_video_bytes

from .result import Known, Verification


def check_folders(data: Path, done: Verification, known: Known, progress: OnProgress) -> None:
    """Check every folder of `data/ubfc`, and that there are no others."""
    root = data_folder.ubfc_dir(data)
    path = root / MANIFEST
    if not path.exists():
        if any((root / side).is_dir() for side in SIDES):
            done.add(
                "broken",
                root,
                f"expected a manifest, found folders without one in {root}; move them away, "
                "convert again",
            )
        return
    try:
        manifest = known.manifest = read_manifest(path)
    except CurationError as error:
        done.add("broken", path, error)
        return
    if not manifest.complete or manifest.stale:
        done.add("stale", path, f"an unfinished conversion or withdrawal in {root}: run it again")
    if known.split and manifest.split_hash != known.split.hash:
        where = data_folder.split_file(data)
        done.add(
            "stale", path,
            f"the folders in {root} were made by another split than {where}; acq convert --force",
        )
    total, before = sum(entry.frames for entry in manifest.entries), 0
    for entry in manifest.entries:
        for at in _folder(root, entry, done, known):
            progress("decoding videos", before + min(at, entry.frames), total)
        before += entry.frames
    listed = {entry.folder for entry in manifest.entries} | set(manifest.stale)
    for side in SIDES:
        for folder in sorted((root / side).glob("*")):
            if f"{side}/{folder.name}" not in listed:
                done.add(
                    "broken", folder,
                    f"expected only folders of {path}, found {folder}; move it away",
                )


def check_pure(data: Path, done: Verification, known: Known) -> None:
    """Check every folder of `data/pure`, where there is one."""
    root = data_folder.pure_dir(data)
    if not root.exists():
        return
    try:
        entries = read_pure_entries(root)
    except CurationError as error:
        done.add("broken", root, error)
        return
    for entry in entries:
        try:
            done.checked["frames"] += check_pure_folder(root, entry)
        except (CurationError, OSError) as error:
            done.add("broken", root / entry.folder, error)
        done.checked["folders"] += 1
        if known.hashes.get(entry.session, entry.session_hash) != entry.session_hash:
            folder = root / entry.folder
            done.add(
                "stale",
                folder,
                f"{folder} was made of another state of {entry.session}: acq convert --to pure "
                "--force",
            )
    listed = {entry.folder for entry in entries}
    for folder in sorted(one for side in SIDES for one in (root / side).glob("*")):
        if f"{folder.parent.name}/{folder.name}" not in listed:
            done.add(
                "broken", folder,
                f"expected only folders of {root / MANIFEST}, found {folder}; move it away",
            )


def _folder(root: Path, entry: Entry, done: Verification, known: Known) -> Iterator[int]:
    """Check one curated folder; yield the frames done."""
    folder = root / entry.folder
    video = folder / VIDEO
    try:
        check_folder(root, entry)
        check_video_bytes(root, entry, sha256_of(video))
        pixels = hashlib.sha256()
        count = 0
        for count, bgr in enumerate(read_bgr(video), start=1):
            pixels.update(np.ascontiguousarray(bgr).data)
            if count % 25 == 0:
                yield count
        if (count, pixels.hexdigest()) != (entry.frames, entry.video.pixels_hash):
            raise CurationError(
                f"expected {entry.frames} frames as written, found {count} that decode to others "
                f"in {video}; acq convert --force"
            )
        done.checked.update(folders=1, frames=count, bytes=entry.video.size_bytes)
    except CurationError as error:
        done.add("broken", folder, error)
    for path in sorted(folder.glob("*")):
        if path.name not in (VIDEO, LABELS):
            done.add(
                "broken",
                path,
                f"expected {VIDEO} and {LABELS} only, found {path}: readers may take it for data; "
                "move it",
            )
    found = known.hashes.get(entry.session)
    if found is None:
        done.add(
            "unchecked",
            folder,
            f"{folder} cannot be held against its recording {entry.session}: not here, or "
            "unreadable",
        )
    elif found != entry.source.content_hash:
        done.add(
            "stale", folder,
            f"{folder} was made of another state of {entry.session}; acq convert --force",
        )
    if known.exclusions.is_excluded(entry.session):
        done.add(
            "stale",
            folder,
            f"{folder} is of {entry.session}, which is excluded; acq split, then acq convert, with "
            "--force",
        )
    now = [(one.from_s, one.to_s) for one in known.exclusions.of(entry.session) if not one.is_whole]
    if sorted(now, key=str) != sorted(
        ((part.from_s, part.to_s) for part in entry.rows.excluded), key=str
    ):
        done.add(
            "stale",
            folder,
            f"{folder} was made when other parts of {entry.session} were excluded; acq convert "
            "--force",
        )
    yield entry.frames


def check_frames(data: Path, done: Verification, known: Known) -> None:
    """Hold kept face frames against the videos that they name, by their key."""
    cache = data_folder.frames_cache(data)
    owners = (
        {cache_key(entry.video.file_sha256): entry for entry in known.manifest.entries}
        if known.manifest
        else {}
    )
    others = 0
    for path in sorted(cache.glob("*.json")) if cache.is_dir() else []:
        array = path.with_suffix(".npy")
        again = "; remove both, acq train-kd makes them again"
        try:
            sha256 = str(json.loads(path.read_text())["video_sha256"])
            frames = len(np.load(array, mmap_mode="r"))
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            done.add(
                "broken", path,
                f"expected face frames and what they are of, got: {error}, at {array}{again}",
            )
            continue
        entry = owners.get(path.stem)
        if entry is None:
            others += 1
        elif sha256 != entry.video.file_sha256:
            done.add(
                "broken",
                path,
                f"expected face frames of {entry.folder}, found those of another video at "
                f"{array}{again}",
            )
        elif frames != entry.frames:
            done.add(
                "broken", path,
                f"expected face frames of {entry.frames} frames, found {frames} at {array}{again}",
            )
        else:
            done.checked.update(kept_frames=1)
    if others:
        done.add(
            "stale",
            cache,
            f"{others} in {cache} are of other videos or made otherwise: nobody reads them; remove "
            "them",
        )
