"""What names several subjects, written without one of them: manifest, split, exclusions, log.

Each function may be called again after an interruption, and writes only what changes.
"""

from dataclasses import replace
from pathlib import Path

from acquire import data_folder
from acquire.atomic import write_text
from acquire.writing import CHANGES, WAIT_S, hold
from dataset.layouts.manifest import MANIFEST, Entry, Manifest
from dataset.layouts.manifest_file import read_manifest, write_manifest
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions, write_exclusions
from dataset.selection.split import Split
from dataset.selection.split_file import read_split, write_split

from .names import SubjectNames
from .plan import Plan


def remove_from_manifest(data: Path, plan: Plan, names: SubjectNames, split: Split | None) -> None:
    """Remove a subject's entries; their numbers stay taken, under a key that is no session's.

    The folders are listed as stale until they are gone, so that they are known to be acq's.

    Parameters
    ----------
    split : the one that will be written; None: there will be none
    """
    root = data_folder.ubfc_dir(data)
    old = read_manifest(root / MANIFEST)
    entries = [
        _without_name(entry, names) for entry in old.entries if entry.subject != plan.subject
    ]
    numbers = {
        f"(withdrawn {number})" if names.include(key) else key: number
        for key, number in old.numbers.items()
    }
    stale = {*old.stale, *plan.folders_under(root, data)}
    new = replace(old, numbers=numbers, stale=tuple(sorted(stale)))
    new = new.with_entries(entries, complete=old.complete)
    path = data_folder.split_file(data)
    if split is not None and path.exists() and old.split_hash == read_split(path).hash:
        new = replace(new, split_hash=split.hash)
    _write_changed(new, old, root)


def _without_name(entry: Entry, names: SubjectNames) -> Entry:
    """Remove the subject's name from the reasons of another's excluded parts."""
    excluded = tuple(
        replace(part, reason=names.removed_from(part.reason)) for part in entry.rows.excluded
    )
    return replace(entry, rows=replace(entry.rows, excluded=excluded))


def forget_removed_folders(data: Path, plan: Plan) -> None:
    """Remove the folders that are gone from the manifest's stale ones."""
    root = data_folder.ubfc_dir(data)
    old = read_manifest(root / MANIFEST)
    removed = plan.folders_under(root, data)
    stale = tuple(folder for folder in old.stale if folder not in removed)
    _write_changed(replace(old, stale=stale), old, root)


def _write_changed(new: Manifest, old: Manifest, root: Path) -> None:
    if new != old:
        write_manifest(new, root / MANIFEST)


def replace_split(data: Path, split: Split | None) -> None:
    """Write the split without the subject, or remove it where none would hold."""
    path = data_folder.split_file(data)
    if split is None:
        path.unlink(missing_ok=True)
    else:
        write_split(split, path, force=True)


def remove_from_exclusions(data: Path, names: SubjectNames) -> None:
    """Remove the exclusions of a subject's sessions, and its name from the other reasons."""
    old = read_exclusions(data)
    new = Exclusions(tuple(
        replace(exclusion, reason=names.removed_from(exclusion.reason))
        for exclusion in old.listed if not names.include(exclusion.session)
    ))
    if new != old:
        write_exclusions(data, new)


def remove_from_changes(data: Path, names: SubjectNames) -> None:
    """Remove a subject's names from the studio's log of changes."""
    path = data_folder.changes_file(data)
    if not path.exists():
        return
    with hold(path.parent, CHANGES, wait_s=WAIT_S):
        old = path.read_text("utf-8", "replace")
        if (new := names.removed_from(old)) != old:
            write_text(path, new)
