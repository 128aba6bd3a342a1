"""What both layouts share: which sessions are converted how, and the work on one of them.

A task is picklable, so that a process of its own, or of another machine, can do it. Sessions are
outlined first, without decoding a frame: then each part gets its folder, and the tasks are done.
A session that cannot be converted is named, and does not stop the others.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from acquire import data_folder
from acquire.errors import AcqError, SplitError, all_of
from dataset.common.progress import OnProgress
from dataset.common.workers import (
    Outcome,
    Places,
    Workers,
    reading_bytes,
    reading_s,
    work_through,
)
from dataset.consistency.copies import find_copies_across_subjects
from dataset.selection.exclusions import Exclusion
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.identities import SessionIdentity, identify_sessions
from dataset.selection.split import Split, check_sessions
from dataset.selection.split_file import read_split
from dataset.session.reader import Session, most_frames

from .rows import plan_rows
from .settings import Settings, choose_fold

Made = TypeVar("Made")


@dataclass(frozen=True)
class SessionTask:
    """One session to be converted."""

    session: SessionIdentity
    file: Path                          # as this machine names it
    side: str                           # "train" or "test"
    settings: Settings
    exclusions: tuple[Exclusion, ...]   # of this session
    reasons: bool = False               # whether the manifest tells why they were excluded
    folders: tuple[str, ...] = ()       # "train/subject1" or "train/01-01", one for each part
    partial: Path = Path()              # where the folders are made


@dataclass(frozen=True)
class Outline:
    """What a task will make."""

    rows: tuple[int, ...]               # of each part
    frame_bytes: int                    # of BGR pixels
    untrusted: int = 0                  # rows at which the finger's pulse cannot be told

    @property
    def frames(self) -> int:
        """The rows of all parts."""
        return sum(self.rows)

    @property
    def pixel_bytes(self) -> int:
        """The bytes of the BGR pixels of all parts."""
        return self.frames * self.frame_bytes


@dataclass(frozen=True)
class FailedSession:
    """A session that could not be converted, and why."""

    session: str
    error: AcqError

    def __str__(self) -> str:
        return f"{self.session}: {self.error}"


def read_checked_split(
    data: Path, fold: int | None, on_progress: OnProgress | None
) -> tuple[Split, int]:
    """Read the split and the fold to convert, and check that the sessions are those of the split.

    Raises
    ------
    SplitError : no split, one that leaks, one made from other sessions, or with the same content
        under two subjects
    SessionError : a session cannot be identified
    CurationError : there is no such fold
    """
    path = data_folder.split_file(data)
    split = read_split(path)
    chosen = choose_fold(split, fold)
    check_sessions(split, identify_sessions(data, on_progress=on_progress), path)
    if copies := find_copies_across_subjects(data, split.sessions, on_progress=on_progress):
        raise all_of(copies, SplitError)
    return split, chosen


def session_tasks(
    data: Path, split: Split, fold: int, settings: Settings, *, reasons: bool = False
) -> list[SessionTask]:
    """Return the task of each session of the split, in its order, still without folders."""
    exclusions = read_exclusions(data)
    return [
        SessionTask(
            session, (data / session.file).resolve(), split.side_of(session.subject, fold),
            settings, exclusions.of(session.session), reasons,
        )
        for session in split.sessions
    ]


def outline_session(task: SessionTask) -> Outline:
    """Count the rows of each part of a session, without decoding a frame.

    Raises
    ------
    SessionError : the session cannot be read
    CurationError : it cannot be used
    """
    with Session(task.file) as session:
        parts = plan_rows(session, task.settings, task.exclusions).parts
        return Outline(
            tuple(len(part.frame_index) for part in parts),
            session.frames.width * session.frames.height * 3,
            sum(span.frames for part in parts for span in part.untrusted),
        )


def outline_sessions(
    tasks: Sequence[SessionTask], workers: Workers
) -> tuple[dict[str, Outline], list[FailedSession]]:
    """Outline each session, by session id, and list those that cannot be used.

    It is done on this machine, be there a cluster: no frame is decoded.
    """
    outlines, failed = {}, []
    for task, outcome in do_tasks(outline_session, tasks, workers.here()):
        if outcome.value is None:
            failed.append(failure(task, outcome))
        else:
            outlines[task.session.session] = outcome.value
    return outlines, failed


def writers(tasks: Sequence[SessionTask], workers: Workers) -> Workers:
    """Return the workers that write these sessions: where none are asked for, as are worth it."""
    files = [task.file for task in tasks]
    return workers.for_work(
        len(tasks), reading_s(files), process_bytes=reading_bytes(most_frames(files))
    )


def do_tasks(
    work: Callable[[SessionTask], Made], tasks: Sequence[SessionTask], workers: Workers
) -> Iterator[tuple[SessionTask, Outcome[Made]]]:
    """Do `work` on each task; yield the task with its outcome, in the order in which they end."""
    for index, outcome in work_through(work, tasks, workers=workers, places=_places):
        yield tasks[index], outcome


def files_of(task: SessionTask) -> tuple[Path, ...]:
    """Return the files that the work on a session reads: the recording, and its grade."""
    quality = data_folder.quality_file(task.file)
    return (task.file, quality) if quality.exists() else (task.file,)


def _places(task: SessionTask) -> Places:
    return Places(files_of(task), task.partial)


def failure(task: SessionTask, outcome: Outcome[Made]) -> FailedSession:
    """Return why a task has no result."""
    return FailedSession(task.session.session, outcome.cause or AcqError(outcome.error))
