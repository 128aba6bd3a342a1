"""Curated folders into their places, so that a stop at any moment leaves each of them whole and
listed.

A replacement that is whole waits in `data/.ubfc-replacing` while the manifest is written; only then
does the old folder make room. Whoever finds such a folder there later, whole by the manifest,
finishes what was begun.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from acquire.errors import CurationError
from dataset.common.files import sha256_of
from dataset.layouts.manifest import MANIFEST, SIDES, Entry, Manifest, write_manifest
from dataset.layouts.ubfc import VIDEO, check_folder, check_video_bytes

from .write_folder import partial_name

REPLACING = ".ubfc-replacing"


def present(root: Path) -> list[str]:
    """List what lies in train/ and test/."""
    return sorted(
        f"{side}/{p.name}"
        for side in SIDES
        if (root / side).is_dir()
        for p in (root / side).iterdir()
    )


def is_whole(root: Path, entry: Entry) -> bool:
    """Say whether a folder is, byte for byte, what its entry says."""
    try:
        check_folder(root, entry)
        check_video_bytes(root, entry, sha256_of(root / entry.folder / VIDEO))
    except CurationError:
        return False
    return True


def move_and_clear(root: Path, manifest: Manifest, old: Manifest | None) -> Manifest:
    """Bring folders to the side where the new manifest has them, remove those that it does not
    list; give it as written.
    """
    came_from = {entry.key: entry.folder for entry in old.entries} if old else {}
    moves = {came_from[e.key]: e.folder for e in manifest.entries if came_from[e.key] != e.folder}
    stay = {entry.folder for entry in manifest.entries} - set(moves.values())
    manifest = replace(manifest, stale=tuple(name for name in present(root) if name not in stay))
    write_manifest(manifest, root / MANIFEST)
    if not manifest.stale:
        return manifest
    for name in manifest.stale:
        if name not in moves:
            shutil.rmtree(root / name)
    for source, target in moves.items():
        (root / target).parent.mkdir(exist_ok=True)
        (root / source).rename(root / target)
    manifest = replace(manifest, stale=())
    write_manifest(manifest, root / MANIFEST)
    return manifest


def replace_folders(
    root: Path, partial: Path, manifest: Manifest, new: Sequence[Entry]
) -> Manifest:
    """Put the whole new folders of one session into place, and remove what it had before; give the
    manifest as written.
    """
    replacing = root.parent / REPLACING
    replacing.mkdir(exist_ok=True)
    for entry in new:
        (partial / partial_name(entry.folder)).rename(replacing / partial_name(entry.folder))
    others = [entry for entry in manifest.entries if entry.session != new[0].session]
    gone = {e.folder for e in manifest.entries if e.session == new[0].session} - {
        e.folder for e in new
    }
    manifest = replace(
        manifest.with_entries([*others, *new], complete=False), stale=tuple(sorted(gone))
    )
    write_manifest(manifest, root / MANIFEST)
    for entry in new:
        _settle(root, replacing, entry)
    for name in gone:
        shutil.rmtree(root / name)
    shutil.rmtree(replacing)
    return replace(manifest, stale=())      # on the disk with the next folder, or at the end


def finish_replacing(root: Path, manifest: Manifest) -> None:
    """Finish the renames that an interrupted conversion had begun."""
    replacing = root.parent / REPLACING
    for entry in manifest.entries:
        waiting = replace(entry, folder=partial_name(entry.folder))
        if (replacing / waiting.folder).is_dir() and is_whole(replacing, waiting):
            _settle(root, replacing, entry)
        name = entry.folder.partition("/")[2]
        for source in manifest.stale:  # it was to change sides
            if (
                source.partition("/")[2] == name
                and (root / source).is_dir()
                and not (root / entry.folder).exists()
            ):
                (root / entry.side).mkdir(exist_ok=True)
                (root / source).rename(root / entry.folder)
    shutil.rmtree(replacing, ignore_errors=True)


def _settle(root: Path, replacing: Path, entry: Entry) -> None:
    place = root / entry.folder
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(replacing / f"old-{partial_name(entry.folder)}")
    (replacing / partial_name(entry.folder)).rename(place)
