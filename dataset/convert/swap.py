"""Move curated folders into place; a stop at any moment leaves each of them whole and listed.

A whole replacement waits in `data/.ubfc-replacing` while the manifest is written; only then is the
old folder moved out of the way. A folder that waits there later, whole by the manifest, was left by
an interrupted conversion; `finish_replacing` moves it into its place.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from acquire.errors import CurationError
from acquire.interrupts import uninterrupted
from dataset.common.files import sha256_of
from dataset.layouts.manifest import MANIFEST, SIDES, Entry, Manifest
from dataset.layouts.manifest_file import write_manifest
from dataset.layouts.ubfc import VIDEO, check_folder, check_video_bytes

from .ubfc_folder import partial_name

REPLACING = ".ubfc-replacing"


def list_folders(root: Path) -> list[str]:
    """List what lies in train/ and test/, such as "train/subject1"."""
    return sorted(
        f"{side}/{path.name}"
        for side in SIDES
        if (root / side).is_dir()
        for path in (root / side).iterdir()
    )


def is_whole(root: Path, entry: Entry) -> bool:
    """Return whether a folder is, byte for byte, what its entry says."""
    try:
        check_folder(root, entry)
        check_video_bytes(root, entry, sha256_of(root / entry.folder / VIDEO))
    except CurationError:
        return False
    return True


def move_and_clear(root: Path, manifest: Manifest, old: Manifest | None) -> Manifest:
    """Move folders to their side in the new manifest, remove those that it does not list.

    The manifest is returned as written.
    """
    came_from = {entry.key: entry.folder for entry in old.entries} if old else {}
    moves = {came_from[e.key]: e.folder for e in manifest.entries if came_from[e.key] != e.folder}
    in_place = {entry.folder for entry in manifest.entries} - set(moves.values())
    stale = tuple(name for name in list_folders(root) if name not in in_place)
    manifest = replace(manifest, stale=stale)
    write_manifest(manifest, root / MANIFEST)
    if not stale:
        return manifest
    for name in stale:
        if name not in moves:
            shutil.rmtree(root / name)
    with uninterrupted():
        for source, target in moves.items():
            (root / target).parent.mkdir(exist_ok=True)
            (root / source).rename(root / target)
        manifest = replace(manifest, stale=())
        write_manifest(manifest, root / MANIFEST)
    return manifest


def replace_folders(
    root: Path, partial: Path, manifest: Manifest, new: Sequence[Entry]
) -> Manifest:
    """Move the whole new folders of one session into place, and remove its old ones.

    The manifest is returned without the removed folders; on the disk it names them as stale until
    it is written the next time.
    """
    with uninterrupted():
        return _replace_folders(root, partial, manifest, new)


def _replace_folders(
    root: Path, partial: Path, manifest: Manifest, new: Sequence[Entry]
) -> Manifest:
    replacing = root.parent / REPLACING
    replacing.mkdir(exist_ok=True)
    for entry in new:
        (partial / partial_name(entry.folder)).rename(replacing / partial_name(entry.folder))
    session = new[0].session
    others = [entry for entry in manifest.entries if entry.session != session]
    old_folders = {entry.folder for entry in manifest.entries if entry.session == session}
    removed = old_folders - {entry.folder for entry in new}
    manifest = manifest.with_entries([*others, *new], complete=False)
    manifest = replace(manifest, stale=tuple(sorted(removed)))
    write_manifest(manifest, root / MANIFEST)
    for entry in new:
        _move_into_place(root, replacing, entry)
    for name in removed:
        shutil.rmtree(root / name)
    shutil.rmtree(replacing)
    return replace(manifest, stale=())


def finish_replacing(root: Path, manifest: Manifest) -> None:
    """Finish the renames that an interrupted conversion had begun."""
    replacing = root.parent / REPLACING
    for entry in manifest.entries:
        waiting = replace(entry, folder=partial_name(entry.folder))
        if (replacing / waiting.folder).is_dir() and is_whole(replacing, waiting):
            _move_into_place(root, replacing, entry)
        _finish_change_of_side(root, manifest, entry)
    shutil.rmtree(replacing, ignore_errors=True)


def _finish_change_of_side(root: Path, manifest: Manifest, entry: Entry) -> None:
    name = entry.folder.partition("/")[2]
    for source in manifest.stale:
        is_same_number = source.partition("/")[2] == name
        if is_same_number and (root / source).is_dir() and not (root / entry.folder).exists():
            (root / entry.side).mkdir(exist_ok=True)
            (root / source).rename(root / entry.folder)


def _move_into_place(root: Path, replacing: Path, entry: Entry) -> None:
    target = root / entry.folder
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        target.rename(replacing / f"old-{partial_name(entry.folder)}")
    (replacing / partial_name(entry.folder)).rename(target)
