"""Sessions into curated UBFC folders, after the split.

A folder is made under `data/.ubfc-partial`, decoded again, compared, and only then put into place;
one that it replaces is removed when it is whole. The manifest is written first: with the new entry,
or with the folders that are about to move or to be removed, and with `complete` false. So at any
moment each folder of ours is listed, an interrupted conversion can be continued, and a folder that
is not listed belongs to somebody else and is never removed. Folder numbers are stored apart from
the entries: a session keeps its number, whatever happens to its folder.

A session that cannot be converted is named and does not stop the others; the manifest then stays
incomplete, and training refuses it.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial as bind
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from acquire import data_folder
from acquire.writing import UBFC, holding
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.layouts.manifest import MANIFEST, SIDES, Manifest, part_key
from dataset.layouts.manifest_file import read_manifest, write_manifest
from dataset.selection.split import Split

from .plan import check_space
from .settings import FILTER, RequestedSettings, Settings, choose_settings
from .swap import REPLACING, finish_replacing, list_folders, move_and_clear, replace_folders
from .tasks import (
    FailedSession,
    Outline,
    SessionTask,
    do_tasks,
    failure,
    outline_sessions,
    read_checked_split,
    session_tasks,
    writers,
)
from .ubfc_folder import CHECKING, WRITING, write_ubfc_parts
from .ubfc_plan import PlannedSession, compare_with_old, refuse_to_overwrite

PARTIAL = ".ubfc-partial"


@dataclass(frozen=True)
class Conversion:
    """What `convert_sessions` did."""

    manifest: Manifest
    written: tuple[str, ...]                    # folders made now
    kept: tuple[str, ...]                       # folders that were there already
    failed: tuple[FailedSession, ...] = ()


def _folders(data: Path) -> tuple[Path, ...]:
    """Return the folders that a conversion writes to, clears or removes."""
    root = data_folder.ubfc_dir(data)
    return (
        root, *(root / side for side in SIDES), *(root / name for name in list_folders(root)),
        data / PARTIAL, data / REPLACING,
    )


@holding(UBFC, _folders)
def convert_sessions(
    data: Path,
    *,
    fold: int | None = None,
    codec: str | None = None,
    ppg: str | None = None,
    fps: str | None = None,
    holes: str | None = None,
    reasons: bool = False,
    force: bool = False,
    workers: Workers = Workers(),    # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> Conversion:
    """Write every session of the split into `data/ubfc` and check what was written.

    Parameters
    ----------
    fold : which fold of the split, from 1; may be left out where there is one
    codec, ppg, fps, holes : as in `Settings`; None is that of the existing conversion, else
        rawvideo, filtered, native, and keep where `fps` is native, else repeat
    reasons : whether the manifest tells why parts of sessions were excluded; it goes with the data,
        and reasons are a person's own words
    force : replace folders that another split, setting or version of a session made
    workers : who does the work

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    SessionError : a session cannot be identified
    CurationError : something would be overwritten, or does not fit on the disk
    """
    root = data_folder.ubfc_dir(data)
    old = read_manifest(root / MANIFEST) if (root / MANIFEST).exists() else None
    settings = choose_settings(old, RequestedSettings(codec, ppg, fps, holes))
    split, fold = read_checked_split(data, fold, on_progress)
    if old:
        finish_replacing(root, old)
    tasks = session_tasks(data, split, fold, settings, reasons=reasons)
    planned = compare_with_old(tasks, old, root, on_progress)
    refuse_to_overwrite(planned, old, root, force=force)
    numbers = dict(old.numbers) if old else {}
    for task in tasks:
        _number_of(numbers, task.session.session)
    manifest = _manifest(split, fold, settings, numbers, planned)
    return _convert(data, planned, manifest, old, workers.seeing(data), on_progress)


def _number_of(numbers: dict[str, int], key: str) -> int:
    """Return the folder number of a part of a session; a new one gets the next."""
    return numbers.setdefault(key, max(numbers.values(), default=0) + 1)


def _manifest(
    split: Split, fold: int, settings: Settings, numbers: dict[str, int],
    planned: Sequence[PlannedSession],
) -> Manifest:
    """Return the manifest to begin with: the folders that exist, nothing complete."""
    manifest = Manifest(
        version("acq"), split.hash, fold, len(split.folds), FILTER[settings.ppg], settings.codec,
        settings.ppg, settings.fps, settings.holes, complete=False, numbers=numbers, stale=(),
        entries=(),
    )
    kept = [entry for session in planned for entry in session.old]
    return manifest.with_entries(kept, complete=False)


def _convert(
    data: Path, planned: Sequence[PlannedSession], manifest: Manifest, old: Manifest | None,
    workers: Workers, on_progress: OnProgress | None,
) -> Conversion:
    """Do what is to be done, each session's folders put into place when they are whole."""
    root = data_folder.ubfc_dir(data)
    # a folder of its own: a worker that outlives a killed parent writes where nobody reads
    partial = (data / PARTIAL / uuid4().hex).resolve()
    todo = [session for session in planned if not session.is_kept]
    outlines, failed = outline_sessions([session.task for session in todo], workers)
    numbers = dict(manifest.numbers)
    ready = [
        _with_folders(session.task, outlines[session.session_id], numbers, partial)
        for session in todo if session.session_id in outlines
    ]
    manifest = replace(manifest, numbers=numbers)
    kept = tuple(
        entry.folder for session in planned if session.is_kept for entry in session.old
    )
    if not todo and old and manifest.with_entries(manifest.entries, complete=True) == old:
        return Conversion(old, (), kept)
    check_space(data, ready, outlines, manifest.codec)
    frames = sum(outline.frames for outline in outlines.values())
    root.mkdir(parents=True, exist_ok=True)
    manifest = move_and_clear(root, manifest, old)
    shutil.rmtree(data / PARTIAL, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        manifest, written = _write_folders(
            root, manifest, ready, outlines, failed, workers, _Progress(on_progress, total=frames)
        )
    finally:
        shutil.rmtree(data / PARTIAL, ignore_errors=True)
    manifest = manifest.with_entries(manifest.entries, complete=not failed)
    write_manifest(manifest, root / MANIFEST)
    return Conversion(read_manifest(root / MANIFEST), tuple(sorted(written)), kept, tuple(failed))


class _Progress:
    """Frames written and checked, over all sessions."""

    def __init__(self, on_progress: OnProgress | None, *, total: int) -> None:
        self._call, self._total = on_progress, total
        self._done = {WRITING: 0, CHECKING: 0}

    def step(self, stage: str, count: int = 1) -> None:
        before, self._done[stage] = self._done[stage], self._done[stage] + count
        if self._call and (
            before // 25 < self._done[stage] // 25 or self._done[stage] >= self._total
        ):
            self._call(stage, self._done[stage], self._total)


def _with_folders(
    task: SessionTask, outline: Outline, numbers: dict[str, int], partial: Path
) -> SessionTask:
    """Return the task with a folder for each part; new parts get numbers."""
    keys = [part_key(task.session.session, part) for part in range(1, len(outline.rows) + 1)]
    folders = tuple(f"{task.side}/subject{_number_of(numbers, key)}" for key in keys)
    return replace(task, folders=folders, partial=partial)


def _write_folders(
    root: Path, manifest: Manifest, tasks: Sequence[SessionTask], outlines: dict[str, Outline],
    failed: list[FailedSession], workers: Workers, progress: _Progress,
) -> tuple[Manifest, list[str]]:
    """Write each session and put its folders into place; add to `failed` what cannot be written."""
    workers = writers(tasks, workers)
    is_inline = workers.jobs == 1 and workers.scheduler is None
    work = bind(write_ubfc_parts, on_step=progress.step) if is_inline else write_ubfc_parts
    written: list[str] = []
    for task, outcome in do_tasks(work, tasks, workers):
        if outcome.value is None:
            failed.append(failure(task, outcome))
            continue
        if not is_inline:
            for stage in (WRITING, CHECKING):
                progress.step(stage, outlines[task.session.session].frames)
        manifest = replace_folders(root, task.partial, manifest, outcome.value)
        written += task.folders
    return manifest, written
