"""Sessions in the PURE layout, for the tools that read it: `data/pure/{train,test}/NN-MM`.

NN counts the split's subjects and MM a subject's sessions, or their parts. Rows are those of the
UBFC folders: the PPG stands at the times of the frames, and stamps are on the wall clock, as the
published set's are. All of it is made under a temporary name, every picture is decoded and
compared, and only then does it take the place of what was there, with a manifest. acq itself trains
on `data/ubfc`.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix
from acquire.interrupts import uninterrupted
from acquire.writing import PURE, holding
from dataset.common.progress import OnProgress
from dataset.common.workers import Workers
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.pure import pure_name
from dataset.layouts.pure_manifest import PureEntry, PureManifest, write_pure_manifest

from .pure_folder import write_pure_session
from .settings import FILTER, RequestedSettings, choose_settings
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

PARTIAL = ".pure-partial"
_NEW, _OLD = "new", "old"


@dataclass(frozen=True)
class PureExport:
    """What `export_pure` did."""

    entries: tuple[PureEntry, ...]              # as in the manifest
    failed: tuple[FailedSession, ...] = ()      # where there are any, nothing was put into place


@holding(PURE, lambda data: (data_folder.pure_dir(data), data / PARTIAL))
def export_pure(
    data: Path,
    *,
    fold: int | None = None,
    ppg: str | None = None,
    fps: str | None = None,
    holes: str | None = None,
    reasons: bool = False,
    force: bool = False,
    workers: Workers = Workers(),    # noqa: B008  (frozen)
    on_progress: OnProgress | None = None,
) -> PureExport:
    """Write every session of a fold of the split into `data/pure`.

    Settings are as in `dataset.convert.to_ubfc.convert_sessions`.

    Raises
    ------
    SplitError : no split, one that leaks, or one made from other sessions
    CurationError : there is an export already and `force` is not set
    """
    root, partial = data_folder.pure_dir(data), (data / PARTIAL).resolve()
    _refuse_to_overwrite(root, force=force)
    asked = RequestedSettings(ppg=ppg, fps=fps, holes=holes)
    settings = replace(choose_settings(None, asked), codec="png")
    split, fold = read_checked_split(data, fold, on_progress)
    tasks = session_tasks(data, split, fold, settings, reasons=reasons)
    outlines, failed = outline_sessions(tasks, workers)
    if failed:
        return PureExport((), tuple(failed))
    shutil.rmtree(partial, ignore_errors=True)
    (partial / _NEW).mkdir(parents=True)
    entries: list[PureEntry] = []
    try:
        ready = _with_folders(tasks, outlines, partial / _NEW)
        if on_progress:
            on_progress("writing sessions", 0, len(ready))
        for count, (task, outcome) in enumerate(do_tasks(write_pure_session, ready, workers), 1):
            if outcome.value is None:
                failed.append(failure(task, outcome))
            else:
                entries += outcome.value
            if on_progress:
                on_progress("writing sessions", count, len(ready))
        entries.sort(key=lambda entry: entry.folder)
        if not failed:
            manifest = PureManifest(
                version("acq"), split.hash, fold, len(split.folds), FILTER[settings.ppg],
                settings.fps, settings.holes, tuple(entries),
            )
            write_pure_manifest(manifest, partial / _NEW)
            with uninterrupted():
                _put_into_place(root, partial)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return PureExport(tuple(entries), tuple(failed))


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


def _with_folders(
    tasks: Sequence[SessionTask], outlines: dict[str, Outline], partial: Path
) -> list[SessionTask]:
    """Return the tasks with a folder for each part, numbered by subject, then by part."""
    subjects = sorted({task.session.subject for task in tasks})
    taken = dict.fromkeys(subjects, 0)
    ready = []
    for task in tasks:
        subject, parts = task.session.subject, len(outlines[task.session.session].rows)
        number, first = subjects.index(subject) + 1, taken[subject] + 1
        taken[subject] += parts
        names = [pure_name(number, first + part) for part in range(parts)]
        folders = tuple(f"{task.side}/{name}" for name in names)
        ready.append(replace(task, folders=folders, partial=partial))
    return ready


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
