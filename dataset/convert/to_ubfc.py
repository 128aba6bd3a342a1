"""Sessions into curated UBFC folders, after the split.

A folder is built under `data/.ubfc-partial`, decoded again, compared, and only then put into place;
one that it replaces is removed when it is whole. The manifest is written first: with the new entry,
or with the folders that are about to move or go, and with `complete` false. So at any moment each
folder of ours is listed, an interrupted conversion goes on where it was, and what is not listed is
somebody else's and never removed. Folder numbers are remembered apart from the entries: a session
keeps its number, whatever becomes of its folder.

A session that cannot be converted is named and holds nobody up; the manifest then stays incomplete,
and nobody trains on it.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial as bind
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from acquire import data_folder
from acquire.errors import CurationError
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers, work_through
from dataset.layouts.manifest import (
    MANIFEST,
    Entry,
    Manifest,
    part_key,
    read_manifest,
    write_manifest,
)
from dataset.selection.exclusions import read_exclusions
from dataset.selection.split import Split, check_sessions, identify_sessions, read_split

from .rows import excluded_parts
from .settings import FILTER, choose_fold, settle
from .swap import finish_replacing, is_whole, move_and_clear, present, replace_folders
from .write_folder import CHECKING, WRITING, Outline, Task, grade_of, outline, write_session

PARTIAL = ".ubfc-partial"
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Conversion:
    """What `convert_sessions` did."""

    manifest: Manifest
    written: tuple[str, ...]     # folders made now
    kept: tuple[str, ...]        # folders that were there already
    failed: tuple[str, ...] = ()    # one line for each session that could not be converted


@dataclass
class _Job:
    """One session, the side it goes to and what is there of it."""

    task: Task
    side: str
    old: list[Entry]  # as an earlier conversion left them, on the side where they are to be
    stays: bool                  # they are whole, and what is asked for now

    @property
    def name(self) -> str:
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

        Each of these four may be None: that of the conversion that is there, else rawvideo,
        filtered, native, and keep where `fps` is native, else repeat.
    force : replace folders that another split, setting or version of a session made
    workers : who does the work

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    SessionError : a session cannot be identified
    CurationError : something would be overwritten, or does not fit on the disk
    """
    split = read_split(data_folder.split_file(data))
    check_sessions(
        split, identify_sessions(data, on_progress=on_progress), data_folder.split_file(data)
    )
    fold = choose_fold(split, fold)
    root = data_folder.ubfc_dir(data)
    # a worker that outlives a killed parent writes into nobody's
    partial = (data / PARTIAL / uuid4().hex).resolve()
    old = read_manifest(root / MANIFEST) if (root / MANIFEST).exists() else None
    settings = settle(old, codec=codec, ppg=ppg, fps=fps, holes=holes)
    if old:
        finish_replacing(root, old)
    exclusions = read_exclusions(data)
    tasks = [
        Task(s, (data / s.file).resolve(), settings, exclusions.of(s.session), partial=partial)
        for s in split.sessions
    ]
    numbers = dict(old.numbers) if old else {}
    for task in tasks:
        _number(numbers, task.session.session)
    jobs = _plan(split, fold, tasks=tasks, old=old, root=root, on_progress=on_progress)
    _refuse(jobs, old=old, root=root, force=force)
    todo = [job for job in jobs if not job.stays]
    outlines, failed = _outline(todo, workers)
    ready = []
    for job in todo:
        if job.name in outlines:
            keys = [part_key(job.name, part + 1) for part in range(len(outlines[job.name].rows))]
            folders = tuple(f"{job.side}/subject{_number(numbers, key)}" for key in keys)
            ready.append(replace(job.task, folders=folders))
    manifest = Manifest(
        version("acq"), split.hash, fold, len(split.folds), FILTER[settings.ppg], settings.codec,
        settings.ppg, settings.fps, settings.holes, complete=False, numbers=numbers, stale=(),
        entries=(),
    ).with_entries([entry for job in jobs for entry in job.old], complete=False)
    kept = tuple(entry.folder for job in jobs if job.stays for entry in job.old)
    if (
        not todo
        and old
        and old.complete
        and manifest.with_entries(manifest.entries, complete=True) == old
    ):
        return Conversion(old, (), kept)
    progress = _Progress(on_progress, total=_check_space(data, outlines.values(), settings.codec))
    root.mkdir(parents=True, exist_ok=True)
    manifest = move_and_clear(root, manifest, old)
    shutil.rmtree(data / PARTIAL, ignore_errors=True)
    partial.mkdir(parents=True)

    inline = workers.jobs == 1 and workers.scheduler is None
    work = bind(write_session, on_step=progress.step) if inline else write_session
    written: list[str] = []
    try:
        for place, outcome in work_through(work, ready, workers=workers):
            task = ready[place]
            if outcome.value is None:
                failed.append(f"{task.session.session}: {outcome.error}")
                continue
            if not inline:
                for stage in (WRITING, CHECKING):
                    progress.step(stage, outlines[task.session.session].frames)
            manifest = replace_folders(root, partial, manifest, outcome.value)
            written += task.folders
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


def _number(numbers: dict[str, int], key: str) -> int:
    return numbers.setdefault(key, max(numbers.values(), default=0) + 1)


def _plan(
    split: Split, fold: int, *, tasks: Sequence[Task], old: Manifest | None, root: Path,
    on_progress: OnProgress | None,
) -> list[_Job]:
    """Say on which side each session belongs, and whether what is there of it can stay."""
    jobs = []
    for at, task in enumerate(tasks):
        side = split.side_of(task.session.subject, fold)
        entries = (
            [entry for entry in old.entries if entry.session == task.session.session] if old else []
        )
        there = [entry for entry in entries if (root / entry.folder).exists()]
        stays = (
            bool(there)
            and there == entries
            and all(_is_asked_for(entry, task) and is_whole(root, entry) for entry in there)
        )
        said = excluded_parts(task.exclusions)
        grade = grade_of(task.file, task.session.hash) if stays else None
        on_side = [
            replace(entry, side=side, folder=f"{side}/{entry.folder.partition('/')[2]}")
            for entry in there
        ]
        jobs.append(
            _Job(
                task, side,
                [replace(e, excluded=said, grade=grade) for e in on_side] if stays else on_side,
                stays,
            )
        )
        if old and on_progress:
            on_progress("checking folders", at + 1, len(tasks))
    return jobs


def _is_asked_for(entry: Entry, task: Task) -> bool:
    """Say whether an entry was made from this recording, with these settings and without these
    parts of it.
    """
    made = (entry.session_hash, entry.codec, entry.filter, entry.fps_asked, entry.holes)
    asked = task.settings
    spans = [
        [(one["from_s"], one["to_s"]) for one in listed]
        for listed in (entry.excluded, excluded_parts(task.exclusions))
    ]
    return (
        made == (task.session.hash, asked.codec, FILTER[asked.ppg], asked.fps, asked.holes)
        and spans[0] == spans[1]
    )


def _refuse(jobs: Iterable[_Job], *, old: Manifest | None, root: Path, force: bool) -> None:
    """Refuse to work beside what is not ours, and to replace anything without `force`."""
    listed = {entry.folder for entry in old.entries} | set(old.stale) if old else set()
    if foreign := [name for name in present(root) if name not in listed]:
        raise CurationError(
            f"expected only folders of {MANIFEST}, found {', '.join(foreign[:3])} in {root}; move "
            "it away"
        )
    stay = {entry.folder for job in jobs if job.stays for entry in job.old}
    changed = sorted(
        e.folder
        for e in (old.entries if old else ())
        if e.folder not in stay and (root / e.folder).exists()
    )
    if changed and not force:
        raise CurationError(
            f"expected to add folders only, found {len(changed)} that would change "
            f"({', '.join(changed[:3])}) in {root}: another "
            "split, setting, exclusion or recording made them, or they are damaged; say --force to "
            "replace them"
        )


def _outline(jobs: Sequence[_Job], workers: Workers) -> tuple[dict[str, Outline], list[str]]:
    """Ask what each session will make; say of which it cannot be told."""
    outlines, failed = {}, []
    for place, outcome in work_through(outline, [job.task for job in jobs], workers=workers):
        if outcome.value is None:
            failed.append(f"{jobs[place].name}: {outcome.error}")
        else:
            outlines[jobs[place].name] = outcome.value
    return outlines, failed


def _check_space(data: Path, outlines: Iterable[Outline], codec: str) -> int:
    """Refuse to start what will not fit: raw pixels, or for FFV1 three quarters of them. Give the
    number of frames.
    """
    count, needed = 0, 0
    for one in outlines:
        count += one.frames
        needed += one.frames * one.frame_bytes
    needed = round(needed * (1.0 if codec == "rawvideo" else 0.75)) + _SPARE_BYTES
    free = shutil.disk_usage(data).free
    if needed > free:
        raise CurationError(
            f"expected {needed / 1e9:.1f} GB of free space, found {free / 1e9:.1f} GB in {data}; "
            "make room"
            + (", or use --codec ffv1" if codec == "rawvideo" else "")
        )
    return count
