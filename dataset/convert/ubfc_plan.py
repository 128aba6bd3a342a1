"""What a conversion has to do: compare each session with its folders of an earlier conversion."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from acquire.errors import CurationError, Fix
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import MANIFEST, Entry, Manifest
from dataset.quality.result import read_grade

from .rows import excluded_parts
from .settings import FILTER
from .swap import is_whole, list_folders
from .tasks import SessionTask


@dataclass(frozen=True)
class PlannedSession:
    """One session, and its folders from an earlier conversion."""

    task: SessionTask
    old: tuple[Entry, ...]       # of folders that exist, moved to the side where they are to be
    is_kept: bool                # they are whole, and what is asked for now

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return self.task.session.session


def compare_with_old(
    tasks: Sequence[SessionTask], old: Manifest | None, root: Path, on_progress: OnProgress | None
) -> list[PlannedSession]:
    """Find for each session the folders it has, and whether they can be kept.

    Raises
    ------
    CurationError : the quality file of a session cannot be read
    """
    planned = []
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
            excluded = excluded_parts(task.exclusions, reasons=task.reasons)
            moved = [
                replace(
                    entry, source=replace(entry.source, grade=grade),
                    rows=replace(entry.rows, excluded=excluded),
                )
                for entry in moved
            ]
        planned.append(PlannedSession(task, tuple(moved), is_kept))
        if old and on_progress:
            on_progress("checking folders", count, len(tasks))
    return planned


def _of_signal(ppg_filter: dict[str, Any]) -> dict[str, Any]:
    """Return a filter without the words on heart rates: earlier versions had others."""
    return {name: value for name, value in ppg_filter.items() if name != "heart_rate"}


def _is_asked_for(entry: Entry, task: SessionTask) -> bool:
    """Return whether an entry has this recording, these settings and these exclusions."""
    made_with = (entry.video.codec, entry.rows.fps, entry.rows.holes)
    asked = task.settings
    spans = [
        [(part.from_s, part.to_s) for part in parts]
        for parts in (entry.rows.excluded, excluded_parts(task.exclusions))
    ]
    return (
        entry.source.content_hash == task.session.hash
        and made_with == (asked.codec, asked.fps, asked.holes)
        and _of_signal(entry.labels.ppg_filter) == _of_signal(FILTER[asked.ppg])
        and spans[0] == spans[1]
    )


def refuse_to_overwrite(
    planned: Iterable[PlannedSession], old: Manifest | None, root: Path, *, force: bool
) -> None:
    """Refuse to work beside foreign folders, and to replace any folder without `force`.

    Raises
    ------
    CurationError : some of them are named
    """
    listed = {entry.folder for entry in old.entries} | set(old.stale) if old else set()
    if foreign := [name for name in list_folders(root) if name not in listed]:
        raise CurationError(
            expected=f"only folders of {MANIFEST}", found=", ".join(foreign[:3]), where=root,
            fix="move it away",
        )
    kept = {entry.folder for session in planned if session.is_kept for entry in session.old}
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
