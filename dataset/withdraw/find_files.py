"""Find a subject in a data folder: its recordings, and everything made of them or naming them.

A file is linked to a subject in one of three ways: its place (`sessions/<subject>/`), a list that
says whose it is (manifest, split, metrics of a run), or its text, which names the pseudonym or a
session.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError
from acquire.writing import refuse_links_out
from dataset.bids.names import label
from dataset.common.progress import OnProgress
from dataset.layouts.export_manifest import read_export_entries
from dataset.layouts.manifest import MANIFEST, SIDES, Manifest
from dataset.layouts.manifest_file import read_manifest
from dataset.runs import TrainingRun, read_training_runs
from dataset.selection.exclusions_file import read_exclusions

from .find_derived import derived_label, find_face_frames, find_home_frames, find_unfinished_folders
from .find_mentions import find_mentions
from .find_recordings import find_recordings
from .names import SubjectNames
from .subject_files import (
    DATASET_CARD,
    EXPORT,
    QUALITY_OF_OTHERS,
    SubjectFile,
    SubjectFiles,
    as_subject_file,
)

PLAN = ".withdrawal.json"              # there while a withdrawal is under way


def find_subject_files(
    data: Path, subject: str, *, sessions: Iterable[str] = (), folders: Iterable[str] = (),
    data_hashes: Iterable[str] = (), on_progress: OnProgress | None = None,
) -> SubjectFiles:
    """Look for a subject everywhere under `data`.

    Parameters
    ----------
    sessions, folders, data_hashes : what an interrupted withdrawal had found: session ids, folders
        under `data`, hashes of curated data

    Raises
    ------
    SubjectError : its folder holds a recording of somebody else, or one that is being written
    CurationError : a manifest or the exclusions cannot be read, or a link is among the files
    """
    recordings = find_recordings(data, subject, on_progress)
    manifest = read_curated(data)
    entries = [entry for entry in manifest.entries if entry.subject == subject] if manifest else []
    names = SubjectNames(
        subject,
        frozenset({*sessions, *recordings.sessions, *(entry.session for entry in entries)}),
        frozenset(data_folder.subjects_in(data)) - {subject},
    )
    curated = {data_folder.ubfc_dir(data) / entry.folder for entry in entries}
    curated |= {data / name for name in folders if os.path.lexists(data / name)}
    lists = _find_lists(data, manifest, names)
    derived = _find_derived(
        data, manifest, names, is_known=bool(recordings.files or curated or lists or names.sessions)
    )
    hashes = {*data_hashes, *([manifest.data_hash] if manifest and entries else [])}
    runs, hashes, problems = _find_runs(data, subject, hashes)
    skip = {
        data_folder.sessions_dir(data) / subject, data / PLAN, *lists,
        *(file.path for file in (*derived, *recordings.files)), *(run.folder for run in runs),
    }
    labels = {path: derived_label(path, data) for path in find_mentions(data, names, skip=skip)}
    for path in (data_folder.split_file(data), data_folder.changes_file(data)):
        if labels.pop(path, None) is not None:
            lists.append(path)
    derived += [as_subject_file(label, path) for path, label in labels.items() if label]
    mentions = [path for path, label in labels.items() if not label]
    unchecked = [
        *recordings.unchecked, *_folders_without_manifest(data), *problems,
        *_possible_copies(derived, subject), *_read_as_same(data, subject),
    ]
    files = SubjectFiles(
        names=names,
        recording_count=recordings.count,
        curated=tuple(as_subject_file("curated folder", path) for path in sorted(curated)),
        derived=(*find_home_frames(manifest, names), *derived),
        recordings=recordings.files,
        lists=tuple(lists),
        runs=runs,
        data_hashes=frozenset(hashes),
        mentions=tuple(mentions),
        unchecked=tuple(unchecked),
    )
    _refuse_links(data, files.removable)
    return files


def read_curated(data: Path) -> Manifest | None:
    """Read the manifest of the curated folders; None where there is none."""
    path = data_folder.ubfc_dir(data) / MANIFEST
    return read_manifest(path) if path.exists() else None


def _find_lists(data: Path, manifest: Manifest | None, names: SubjectNames) -> list[Path]:
    """Find the manifest and the exclusions where they list the subject or a reason names it."""
    lists = []
    if manifest and (
        _is_listed(manifest, names)
        or any(
            names.are_in(part.reason) for entry in manifest.entries for part in entry.rows.excluded
        )
    ):
        lists.append(data_folder.ubfc_dir(data) / MANIFEST)
    if any(
        names.include(exclusion.session) or names.are_in(exclusion.reason)
        for exclusion in read_exclusions(data).listed
    ):
        lists.append(data_folder.exclusions_file(data))
    return lists


def _is_listed(manifest: Manifest, names: SubjectNames) -> bool:
    return any(entry.subject == names.subject for entry in manifest.entries) or any(
        names.include(key) for key in manifest.numbers
    )


def _find_derived(
    data: Path, manifest: Manifest | None, names: SubjectNames, *, is_known: bool
) -> list[SubjectFile]:
    """Find what was made of the recordings, and is known to be so without looking into it."""
    derived = []
    if is_known:
        derived += find_face_frames(data, manifest, names.subject)
        if manifest and _is_listed(manifest, names):
            cards = (data_folder.card_file(data), data_folder.croissant_file(data))
            derived += [as_subject_file(DATASET_CARD, path) for path in cards if path.exists()]
    for root in data_folder.export_dirs(data):
        exported = read_export_entries(root) if (root / MANIFEST).exists() else ()
        if any(entry.subject == names.subject for entry in exported):
            derived.append(as_subject_file(EXPORT, root))    # it can only be made as a whole
    bids = data_folder.bids_dir(data)
    if (bids / f"sub-{label(names.subject)}").is_dir():
        derived.append(as_subject_file(EXPORT, bids))        # the same
    if is_known:
        inside = {file.path for file in derived}
        derived += [
            file for file in find_unfinished_folders(data)
            if not inside.intersection(file.path.parents)
        ]
    return derived


def _find_runs(
    data: Path, subject: str, data_hashes: set[str]
) -> tuple[tuple[TrainingRun, ...], set[str], list[str]]:
    """Find the runs that used the subject; return all hashes of their data, and what is unreadable.

    One whose teacher started from a network that had learnt from the subject is among them.

    Parameters
    ----------
    data_hashes : of curated data that held the subject
    """
    runs = read_training_runs(data)
    used = [run for run in runs if subject in run.train + run.test]
    hashes = data_hashes | {run.data_hash for run in used} - {""}
    used = [
        run for run in runs
        if run in used or run.data_hashes & hashes or subject in run.learnt_before
    ]
    problems = [problem.facts for run in runs if run not in used for problem in run.problems]
    return tuple(used), hashes, problems


def _possible_copies(derived: Sequence[SubjectFile], subject: str) -> list[str]:
    recordings = (
        file.path.with_name(file.path.name.partition(".")[0] + data_folder.SESSION_SUFFIX)
        for file in derived if file.label == QUALITY_OF_OTHERS
    )
    return [
        f"{path}: it was found similar to a recording of {subject}: if it is a copy, withdraw its "
        "subject, too"
        for path in recordings
    ]


def _read_as_same(data: Path, subject: str) -> list[str]:
    return [
        f"{data_folder.sessions_dir(data) / name}: that name is read as {subject}: if it is the "
        "same person, withdraw it, too"
        for name in data_folder.subjects_in(data)
        if name != subject and data_folder.read_as(name) == data_folder.read_as(subject)
    ]


def _folders_without_manifest(data: Path) -> list[str]:
    return [
        f"{root}: folders without a manifest; whose they are is not known"
        for root in (data_folder.ubfc_dir(data), *data_folder.export_dirs(data))
        if not (root / MANIFEST).exists() and any((root / side).is_dir() for side in SIDES)
    ]


def _refuse_links(data: Path, files: Sequence[SubjectFile]) -> None:
    for file in files:
        if file.path.parent != data_folder.home_frames_cache():
            refuse_links_out(data, file.path.parent)
        is_folder = file.path.is_dir() and not file.path.is_symlink()
        for path in [file.path, *(file.path.rglob("*") if is_folder else [])]:
            if path.is_symlink():
                raise CurationError(
                    expected="no links among the files of a subject", found="a link",
                    where=f"at {path}",
                    fix="remove what it leads to and the link, then withdraw again",
                )
