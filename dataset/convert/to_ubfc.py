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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial as bind
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.layouts.manifest import MANIFEST, Entry, Manifest, part_key
from dataset.layouts.manifest_file import read_manifest, write_manifest
from dataset.quality.result import read_grade
from dataset.selection.split import Split

from .rows import excluded_parts
from .settings import FILTER, RequestedSettings, Settings, choose_settings
from .swap import finish_replacing, is_whole, list_folders, move_and_clear, replace_folders
from .tasks import (
    FailedSession,
    Outline,
    SessionTask,
    do_tasks,
    failure,
    outline_sessions,
    read_checked_split,
    session_tasks,
)
from .ubfc_folder import CHECKING, WRITING, write_session

PARTIAL = ".ubfc-partial"
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Conversion:
    """What `convert_sessions` did."""

    manifest: Manifest
    written: tuple[str, ...]                    # folders made now
    kept: tuple[str, ...]                       # folders that were there already
    failed: tuple[FailedSession, ...] = ()


@dataclass(frozen=True)
class _Job:
    """One session, and its folders from an earlier conversion."""

    task: SessionTask
    old: tuple[Entry, ...]       # of folders that exist, moved to the side where they are to be
    is_kept: bool                # they are whole, and what is asked for now

    @property
    def session(self) -> str:
        return self.task.session.session


def convert_sessions(
    data: Path,
    *,
    fold: int | None = None,
    codec: str | None = None,
    ppg: str | None = None,
    fps: str | None = None,
    holes: str | None = None,
    force: bool = False,
    workers: Workers = Workers(),    # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> Conversion:
    """Write every session of the split into `data/ubfc` and check what was written.

    Parameters
    ----------
    fold : which fold of the split, from 1; may be left out where there is one
    codec : one of `dataset.layouts.avi.CODECS`
    ppg : "filtered", or "raw": the sensor's values on the frames' times
    fps : "native", or the rate of an even grid, such as "30"
    holes : "keep" leaves them out, "repeat" shows the last picture again where frames were lost,
        "cut" makes parts

        Each of these four may be None: that of the existing conversion, else rawvideo, filtered,
        native, and keep where `fps` is native, else repeat.
    force : replace folders that another split, setting or version of a session made
    workers : who does the work

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    SessionError : a session cannot be identified
    CurationError : something would be overwritten, or does not fit on the disk
    """
    split, fold = read_checked_split(data, fold, on_progress)
    root = data_folder.ubfc_dir(data)
    # one of its own: a worker that outlives a killed parent writes where nobody reads
    partial = (data / PARTIAL / uuid4().hex).resolve()
    old = read_manifest(root / MANIFEST) if (root / MANIFEST).exists() else None
    settings = choose_settings(old, RequestedSettings(codec, ppg, fps, holes))
    if old:
        finish_replacing(root, old)
    tasks = session_tasks(data, split, fold, settings, partial)
    numbers = dict(old.numbers) if old else {}
    for task in tasks:
        _number_of(numbers, task.session.session)
    jobs = _compare_with_old(tasks, old, root, on_progress)
    _refuse_to_overwrite(jobs, old, root, force=force)

    todo = [job for job in jobs if not job.is_kept]
    outlines, failed = outline_sessions([job.task for job in todo], workers)
    ready = [
        _with_folders(job.task, outlines[job.session], numbers)
        for job in todo if job.session in outlines
    ]
    manifest = _manifest(split, fold, settings, numbers, jobs)
    kept = tuple(entry.folder for job in jobs if job.is_kept for entry in job.old)
    if not todo and old and manifest.with_entries(manifest.entries, complete=True) == old:
        return Conversion(old, (), kept)
    frames = _check_space(data, outlines.values(), settings.codec)
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


def _number_of(numbers: dict[str, int], key: str) -> int:
    """Return the folder number of a part of a session; a new one gets the next."""
    return numbers.setdefault(key, max(numbers.values(), default=0) + 1)


def _with_folders(task: SessionTask, outline: Outline, numbers: dict[str, int]) -> SessionTask:
    """Return the task with a folder for each part."""
    keys = [part_key(task.session.session, part) for part in range(1, len(outline.rows) + 1)]
    folders = tuple(f"{task.side}/subject{_number_of(numbers, key)}" for key in keys)
    return replace(task, folders=folders)


def _compare_with_old(
    tasks: Sequence[SessionTask], old: Manifest | None, root: Path, on_progress: OnProgress | None
) -> list[_Job]:
    """Find for each session the folders it has, and whether they can be kept."""
    jobs = []
    for count, task in enumerate(tasks, start=1):
        listed = old.entries if old else ()
        entries = [entry for entry in listed if entry.session == task.session.session]
        existing = [entry for entry in entries if (root / entry.folder).exists()]
        is_kept = bool(existing) and existing == entries and all(
            _is_asked_for(entry, task) and is_whole(root, entry) for entry in existing
        )
        grade = read_grade(task.file, task.session.hash) if is_kept else None
        moved = [
            replace(entry, side=task.side, folder=f"{task.side}/{entry.folder.partition('/')[2]}")
            for entry in existing
        ]
        if is_kept:
            # the reasons of exclusions and the grade may be new, the pixels are the same
            excluded = excluded_parts(task.exclusions)
            moved = [
                replace(
                    entry, source=replace(entry.source, grade=grade),
                    rows=replace(entry.rows, excluded=excluded),
                )
                for entry in moved
            ]
        jobs.append(_Job(task, tuple(moved), is_kept))
        if old and on_progress:
            on_progress("checking folders", count, len(tasks))
    return jobs


def _is_asked_for(entry: Entry, task: SessionTask) -> bool:
    """Return whether an entry has this recording, these settings and these exclusions."""
    made_with = (entry.video.codec, entry.labels.ppg_filter, entry.rows.fps, entry.rows.holes)
    asked = task.settings
    spans = [
        [(part.from_s, part.to_s) for part in parts]
        for parts in (entry.rows.excluded, excluded_parts(task.exclusions))
    ]
    return (
        entry.source.content_hash == task.session.hash
        and made_with == (asked.codec, FILTER[asked.ppg], asked.fps, asked.holes)
        and spans[0] == spans[1]
    )


def _refuse_to_overwrite(
    jobs: Iterable[_Job], old: Manifest | None, root: Path, *, force: bool
) -> None:
    """Refuse to work beside foreign folders, and to replace any folder without `force`."""
    listed = {entry.folder for entry in old.entries} | set(old.stale) if old else set()
    if foreign := [name for name in list_folders(root) if name not in listed]:
        raise CurationError(
            expected=f"only folders of {MANIFEST}", found=", ".join(foreign[:3]), where=root,
            fix="move it away",
        )
    kept = {entry.folder for job in jobs if job.is_kept for entry in job.old}
    changed = sorted(
        entry.folder
        for entry in (old.entries if old else ())
        if entry.folder not in kept and (root / entry.folder).exists()
    )
    if changed and not force:
        raise CurationError(
            expected="to add folders only",
            found=f"{len(changed)} that would change ({', '.join(changed[:3])})",
            where=f"in {root}: another split, setting, exclusion or recording made them, or they "
                  "are damaged",
            fix=Fix.REPLACE,
        )


def _manifest(
    split: Split, fold: int, settings: Settings, numbers: dict[str, int], jobs: Iterable[_Job]
) -> Manifest:
    """Return the manifest to begin with: the folders that exist, nothing complete."""
    manifest = Manifest(
        version("acq"), split.hash, fold, len(split.folds), FILTER[settings.ppg], settings.codec,
        settings.ppg, settings.fps, settings.holes, complete=False, numbers=numbers, stale=(),
        entries=(),
    )
    return manifest.with_entries([entry for job in jobs for entry in job.old], complete=False)


def _write_folders(
    root: Path, manifest: Manifest, tasks: Sequence[SessionTask], outlines: dict[str, Outline],
    failed: list[FailedSession], workers: Workers, progress: _Progress,
) -> tuple[Manifest, list[str]]:
    """Write each session and put its folders into place; add to `failed` what cannot be written."""
    is_inline = workers.jobs == 1 and workers.scheduler is None
    work = bind(write_session, on_step=progress.step) if is_inline else write_session
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


def _check_space(data: Path, outlines: Iterable[Outline], codec: str) -> int:
    """Return the number of frames; refuse what will not fit on the disk.

    Needed are the raw pixels, or for FFV1 three quarters of them.
    """
    count, pixel_bytes = 0, 0
    for outline in outlines:
        count += outline.frames
        pixel_bytes += outline.frames * outline.frame_bytes
    needed = round(pixel_bytes * (1.0 if codec == "rawvideo" else 0.75)) + _SPARE_BYTES
    free = shutil.disk_usage(data).free
    if needed > free:
        raise CurationError(
            expected=f"{needed / 1e9:.1f} GB of free space", found=f"{free / 1e9:.1f} GB",
            where=data,
            fix="make room" + (", or choose the codec ffv1" if codec == "rawvideo" else ""),
        )
    return count
