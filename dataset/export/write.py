"""Every session of the split in the layout that a tool reads: `data/pure`, or `data/for/<tool>`.

Rows are those of the curated folders, on an even grid unless native times are asked for: most
readers count frames, and take the rate for constant or for 30. In PURE, NN counts the split's
subjects and MM a subject's sessions, or their parts; stamps are on the wall clock, as the published
set's are, and of an even grid the PPG has two samples a frame, as the oximeter's 60 Hz beside 30
frames. All of it is made under a temporary name, every picture is decoded and compared, and only
then does it take the place of what was there, with a manifest. acq itself trains on `data/ubfc`.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from acquire.interrupts import uninterrupted
from acquire.writing import PURE as LOCK
from acquire.writing import holding
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.convert.plan import ConversionPlan, check_space, first_that_fits, weigh
from dataset.convert.settings import (
    FILTER,
    NATIVE,
    PNG,
    RequestedSettings,
    Settings,
    choose_settings,
)
from dataset.convert.tasks import (
    FailedSession,
    SessionTask,
    do_tasks,
    failure,
    outline_sessions,
    read_checked_split,
    session_tasks,
    writers,
)
from dataset.layouts.avi import CODECS
from dataset.layouts.export_manifest import (
    ExportEntry,
    ExportManifest,
    read_export_manifest,
    write_export_manifest,
)
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.places import PURE, UBFC
from dataset.layouts.pure import pure_name

from .notes import write_notes
from .session_folders import session_writer
from .targets import EVEN_FPS, Target, check_place

PARTIAL = ".pure-partial"
_NEW, _OLD = "new", "old"


@dataclass(frozen=True)
class Export:
    """What `export_sessions` did."""

    root: Path
    entries: tuple[ExportEntry, ...]            # as in the manifest
    failed: tuple[FailedSession, ...] = ()      # where there are any, nothing was put into place
    untrusted: int = 0                          # rows without a finger whose rate can be told


def _places(data: Path) -> tuple[Path, ...]:
    tools = data_folder.tools_dir(data)
    return (data_folder.pure_dir(data), tools, *data_folder.export_dirs(data), data / PARTIAL)


@holding(LOCK, _places)
def export_sessions(
    data: Path,
    *,
    target: Target = Target(PURE),   # noqa: B008  (frozen)
    fold: int | None = None,
    asked: RequestedSettings = RequestedSettings(),    # noqa: B008
    reasons: bool = False,
    force: bool = False,
    workers: Workers = Workers(),    # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> Export:
    """Write every session of a fold of the split for a target.

    Parameters
    ----------
    asked : what is not asked for is as in the export that is replaced; else as of
        `dataset.convert.to_ubfc.convert_sessions`, but that an even grid of 30 frames a second is
        the usual one

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    CurationError : there is an export already and `force` is not set; settings or a place that the
        tool would misread; more subjects or recordings than it looks for
    """
    root, partial = data_folder.tool_dir(data, target.tool), (data / PARTIAL).resolve()
    check_place(data, target)
    settings = choose_export_settings(target, _as_before(root, target, asked))
    _refuse_to_overwrite(root, force=force)
    split, fold = read_checked_split(data, fold, on_progress)
    tasks = session_tasks(data, split, fold, settings, reasons=reasons)
    workers = workers.seeing(data)
    outlines, failed = outline_sessions(tasks, workers)
    if failed:
        return Export(root, (), tuple(failed))
    check_space(data, tasks, outlines, settings.codec)
    names = name_folders(tasks, [len(outlines[one.session.session].rows) for one in tasks], target)
    ready = [
        replace(task, folders=of_task, partial=partial / _NEW)
        for task, of_task in zip(tasks, names, strict=True)
    ]
    manifest = ExportManifest(
        version("acq"), split.hash, fold, len(split.folds), FILTER[settings.ppg], settings.fps,
        settings.holes, (), layout=target.layout, tool=target.tool,
    )
    shutil.rmtree(partial, ignore_errors=True)
    (partial / _NEW).mkdir(parents=True)
    try:
        entries, failed = _write_all(ready, target.layout, workers, on_progress)
        if not failed:
            manifest = replace(manifest, entries=entries)
            write_export_manifest(manifest, partial / _NEW)
            write_notes(manifest, partial / _NEW)
            root.parent.mkdir(exist_ok=True)
            with uninterrupted():
                _put_into_place(root, partial)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    untrusted = sum(outline.untrusted for outline in outlines.values())
    return Export(root, entries, tuple(failed), untrusted)


def plan_export(
    data: Path,
    *,
    target: Target,
    fold: int | None = None,
    asked: RequestedSettings = RequestedSettings(),    # noqa: B008  (frozen)
    by_disk: bool = False,
    workers: Workers = Workers(),                      # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> ConversionPlan:
    """Plan what `export_sessions` would do; nothing is written into the data folder.

    Parameters
    ----------
    by_disk : take the quickest codec that fits

    Raises
    ------
    SplitError, CurationError : as there, but for an export that is there already
    """
    check_place(data, target)
    root = data_folder.tool_dir(data, target.tool)
    settings = choose_export_settings(target, _as_before(root, target, asked))
    split, fold = read_checked_split(data, fold, on_progress)
    tasks = session_tasks(data, split, fold, settings)
    outlines, failed = outline_sessions(tasks, workers)
    ready = [one for one in tasks if one.session.session in outlines]
    name_folders(ready, [len(outlines[one.session.session].rows) for one in ready], target)
    free = shutil.disk_usage(data).free
    ways = weigh(tasks, outlines, (PNG,) if settings.codec == PNG else CODECS, free)
    codec = first_that_fits(ways, free, data) if by_disk else settings.codec
    return ConversionPlan(
        len(outlines), 0, sum(one.frames for one in outlines.values()), free, codec, ways,
        writers(ready, workers).jobs, tuple(failed),
    )


def _as_before(root: Path, target: Target, asked: RequestedSettings) -> RequestedSettings:
    """Return what is asked for, and else what an export that is there was made with."""
    try:
        old = read_export_manifest(root)
    except CurationError:               # none, or none that can be read: it is made anew as usual
        return asked
    if old.layout != target.layout:
        return asked
    ppg = next((name for name, how in FILTER.items() if how == old.filter), None)
    is_same_grid = asked.fps in (None, old.fps)
    return replace(
        asked, ppg=asked.ppg or ppg, fps=asked.fps or old.fps,
        holes=asked.holes or (old.holes if is_same_grid else None),
    )


def choose_export_settings(target: Target, asked: RequestedSettings) -> Settings:
    """Choose what is asked for, else an even grid whose lost frames are repeated.

    Raises
    ------
    CurationError : a tool would misread it
    """
    usual = replace(asked, fps=asked.fps or EVEN_FPS)
    settings = choose_settings(None, usual)
    if target.layout != UBFC:
        is_between = settings.fps != NATIVE and settings.holes != "keep"
        settings = replace(settings, codec=PNG, between=is_between)
    if not target.tool:
        return settings
    is_whole = settings.fps.isdigit()
    if not is_whole or (target.is_30 and settings.fps != EVEN_FPS):
        rates = EVEN_FPS if target.is_30 else "a whole number of"
        raise CurationError(
            expected=f"{rates} frames per second for {target.tool}", found=settings.fps,
            fix=Fix.CHOOSE_OPTION, of="fps",
        )
    if settings.holes == "keep":
        raise CurationError(
            expected=f"repeat or cut for {target.tool}, which counts frames", found="keep",
            fix=Fix.CHOOSE_OPTION, of="holes",
        )
    return settings


def _write_all(
    tasks: Sequence[SessionTask], layout: str, workers: Workers, on_progress: OnProgress | None
) -> tuple[tuple[ExportEntry, ...], list[FailedSession]]:
    """Write each session; return the entries by folder, and what cannot be written."""
    entries: list[ExportEntry] = []
    failed: list[FailedSession] = []
    if on_progress:
        on_progress("writing sessions", 0, len(tasks))
    workers = writers(tasks, workers)
    for count, (task, outcome) in enumerate(do_tasks(session_writer(layout), tasks, workers), 1):
        if outcome.value is None:
            failed.append(failure(task, outcome))
        else:
            entries += outcome.value
        if on_progress:
            on_progress("writing sessions", count, len(tasks))
    return tuple(sorted(entries, key=lambda entry: entry.folder)), failed


def _refuse_to_overwrite(root: Path, *, force: bool) -> None:
    """Refuse to replace an export without `force`, and anything that is no export."""
    if not root.is_dir() or not any(root.iterdir()):
        return
    if not force:
        raise CurationError(expected="no export yet", found=root, fix=Fix.REPLACE)
    if not (root / MANIFEST).is_file():
        raise CurationError(
            expected="an export of acq to replace", found=f"no {MANIFEST}", where=root,
            fix="move it away",
        )


def name_folders(
    tasks: Sequence[SessionTask], parts: Sequence[int], target: Target
) -> list[tuple[str, ...]]:
    """Return the folders of each task's parts, such as "train/01-02" or "train/UBFC/subject3".

    Parameters
    ----------
    parts : how many parts each task has

    Raises
    ------
    CurationError : there are more subjects or recordings than the tool looks for
    """
    around = f"{target.around}/" if target.around else ""
    names = _pure_names(tasks, parts, target) if target.numbers_subjects else _ubfc_names(parts)
    return [
        tuple(f"{task.side}/{around}{name}" for name in of_task)
        for task, of_task in zip(tasks, names, strict=True)
    ]


def _ubfc_names(parts: Sequence[int]) -> Iterator[list[str]]:
    """Yield the names of each task's parts, numbered over all of them."""
    before = 0
    for count in parts:
        yield [f"subject{before + part}" for part in range(1, count + 1)]
        before += count


def _pure_names(
    tasks: Sequence[SessionTask], parts: Sequence[int], target: Target
) -> list[list[str]]:
    """Return the names of each task's parts, numbered by subject, then by part.

    Raises
    ------
    CurationError : there are more than the tool looks for
    """
    subjects = sorted({task.session.subject for task in tasks})
    taken, names = dict.fromkeys(subjects, 0), []
    for task, count in zip(tasks, parts, strict=True):
        subject = task.session.subject
        number, first = subjects.index(subject) + 1, taken[subject] + 1
        taken[subject] += count
        names.append([pure_name(number, first + part) for part in range(count)])
    for what, found, most in (
        ("subjects", len(subjects), target.most_subjects),
        ("recordings of a subject", max(taken.values(), default=0), target.most_recordings),
    ):
        if found > most:
            raise CurationError(
                expected=f"at most {most} {what} in PURE for {target.tool or 'any tool'}",
                found=found, fix="use the UBFC layout",
            )
    return names


def _put_into_place(root: Path, partial: Path) -> None:
    """Put the new export where the old one was; the old one stays where that fails."""
    try:
        if root.exists():
            root.rename(partial / _OLD)
        (partial / _NEW).rename(root)
    except BaseException:
        if (partial / _OLD).exists() and not root.exists():
            (partial / _OLD).rename(root)
        raise
