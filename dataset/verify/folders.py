"""Verify the curated folders in the UBFC layout: labels, file hashes, and every pixel."""

from collections.abc import Iterator
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.common.files import check_content, sha256_of
from dataset.common.progress import OnProgress
from dataset.consistency.of_today import find_outdated
from dataset.layouts.avi import read_bgr
from dataset.layouts.manifest import MANIFEST, SIDES, Entry
from dataset.layouts.manifest_file import read_manifest
from dataset.layouts.pixel_hash import PixelHash
from dataset.layouts.ubfc import LABELS, VIDEO, check_folder, check_video_bytes

from .result import References, Verification

_FRAMES_PER_STEP = 25


def verify_curated_folders(
    data: Path, verification: Verification, references: References, on_progress: OnProgress
) -> None:
    """Verify every folder of `data/ubfc`, and that there are no others."""
    root = data_folder.ubfc_dir(data)
    path = root / MANIFEST
    if not path.exists():
        if any((root / side).is_dir() for side in SIDES):
            error = CurationError(
                expected="a manifest", found="folders without one", where=root,
                fix="move them away, then convert again",
            )
            verification.add("broken", root, error)
        return
    try:
        manifest = references.manifest = read_manifest(path)
    except CurationError as error:
        verification.add("broken", path, error)
        return
    try:
        check_content(path)
    except CurationError as error:
        verification.add("broken", path, error)
    if not manifest.complete or manifest.stale:
        error = CurationError(
            f"a conversion or a withdrawal did not finish in {root}", fix="run it again"
        )
        verification.add("stale", path, error)
    for outdated in find_outdated(data, manifest, references.today):
        verification.add("stale", outdated.place, outdated.error)
    frames, done = sum(entry.frames for entry in manifest.entries), 0
    for entry in manifest.entries:
        for in_folder in _verify_folder(root, entry, verification):
            on_progress("decoding videos", done + min(in_folder, entry.frames), frames)
        done += entry.frames
        on_progress("decoding videos", done, frames)
        note_unchecked(root / entry.folder, entry.session, verification, references)
    listed = {entry.folder for entry in manifest.entries} | set(manifest.stale)
    find_unlisted_folders(root, listed, verification)


def _verify_folder(root: Path, entry: Entry, verification: Verification) -> Iterator[int]:
    """Verify the files of one folder; yield the number of frames decoded so far."""
    folder, video = root / entry.folder, root / entry.folder / VIDEO
    pixels = PixelHash()
    try:
        check_folder(root, entry)
        check_video_bytes(root, entry, sha256_of(video))
        for bgr in read_bgr(video):
            pixels.add(bgr)
            if len(pixels.after) % _FRAMES_PER_STEP == 0:
                yield len(pixels.after)
        if (len(pixels.after), pixels.hexdigest) != (entry.frames, entry.video.pixels_hash):
            raise CurationError(
                expected=f"{entry.frames} frames as written",
                found=f"{len(pixels.after)} that decode to others", where=video,
                fix=Fix.CONVERT_AGAIN,
            )
        verification.checked.update(folders=1, frames=entry.frames, bytes=entry.video.size_bytes)
    except CurationError as error:
        error.fix = error.fix or Fix.CONVERT_AGAIN
        verification.add("broken", folder, error)
    for path in sorted(folder.glob("*")):
        if path.name not in (VIDEO, LABELS):
            error = CurationError(
                expected=f"{VIDEO} and {LABELS} only", found=path,
                fix="move it away: readers may take it for data",
            )
            verification.add("broken", path, error)


def note_unchecked(
    folder: Path, session: str, verification: Verification, references: References
) -> None:
    """Note a folder whose recording is not here, or cannot be read."""
    if session not in references.session_hashes:
        error = CurationError(
            f"{folder} cannot be compared with its recording {session}: it is not here, or "
            "unreadable"
        )
        verification.add("unchecked", folder, error)


def find_unlisted_folders(root: Path, listed: set[str], verification: Verification) -> None:
    """Find what lies beside the curated folders of a root and is not in its manifest."""
    around = {Path(name).parent.as_posix() for name in listed}
    for parent in sorted(around.union(SIDES)):
        for folder in sorted((root / parent).glob("*")):
            if f"{parent}/{folder.name}" not in listed | around:
                error = CurationError(
                    expected=f"only folders of {root / MANIFEST}", found=folder,
                    fix="move it away",
                )
                verification.add("broken", folder, error)
