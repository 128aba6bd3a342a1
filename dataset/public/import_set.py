"""Public data sets into ordinary sessions: UBFC-rPPG DATASET_1 and DATASET_2, and PURE.

One folder of a set becomes one session file, with exactly its pixels. It is made under
`data/.import-partial` and renamed when whole. A folder that cannot become a session is named with
the reason. A session that came from the very same files is kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix, SessionError
from acquire.writing import IMPORT, hold, refuse_links_out
from dataset.common.progress import OnProgress
from dataset.common.workers import Outcome, Workers, work_through
from dataset.session.reader import Session

from .folders import list_places
from .provenance import find_provenance
from .sets import SETS, check_set, find_set
from .write_recording import DEFECT, SOURCE, write_recording

PARTIAL = ".import-partial"
IMPORTING = "importing folders"        # the stage that `on_progress` is called with
_DIGITS = 9              # of a subject's number, at most


@dataclass(frozen=True)
class ImportTask:
    """One folder to import; what a worker gets."""

    set_key: str             # of SETS
    folder: Path
    data: Path
    subject: str
    prefix: str              # of the session's id
    title: str               # what it is imported from
    simulated: bool
    force: bool


@dataclass(frozen=True)
class ImportedFolder:
    """The session that a folder became."""

    folder: str
    session: str
    subject: str
    frames: int
    samples: int
    lost_frames: int
    lost_samples: int
    simulated: bool
    defects: tuple[str, ...]
    kept: bool               # it was there already, from the same files


def import_set(
    root: Path, data: Path, *, which: str | None = None, prefix: str | None = None,
    force: bool = False, workers: Workers | None = None, on_progress: OnProgress | None = None,
) -> Iterator[tuple[Path, Outcome[ImportedFolder]]]:
    """Import every folder of a public set; yield each with its outcome, in the order they end.

    Parameters
    ----------
    root : the folder that holds the set's folders
    which : a key of `SETS`; None finds out
    prefix : of the subjects' names, instead of the set's own; their number in the set follows
    force : replace sessions that were made from other files
    on_progress : called with the stage, the folders done and the folders in all

    Raises
    ------
    CurationError : there is no such set under `root`, or the prefix makes no subject's name
    BusyError : another process imports there
    """
    set_key = which or find_set(root)
    check_set(root, set_key)
    public_set = SETS[set_key]
    prefix = public_set.prefix if prefix is None else prefix
    if not data_folder.is_subject_id(f"{prefix}{'0' * _DIGITS}"):
        raise CurationError(
            expected="a prefix of letters, digits, - and _", found=repr(prefix),
            fix=Fix.CHOOSE_OPTION, of="subject-prefix",
        )
    tasks: list[ImportTask] = []
    for place in list_places(root):
        if not place.defect and (match := public_set.folder.fullmatch(place.path.name)):
            try:
                task = _make_task(set_key, place.path, match[1], data, prefix, force=force)
                _refuse_same_name(task, tasks)
                tasks.append(task)
            except CurationError as error:
                yield place.path, Outcome(None, str(error), error)
        else:
            yield place.path, _failed(
                f"a folder {public_set.folder_text} of {public_set.title}",
                place.defect or "another name", place.fix or "rename it if it is one",
            )
    with hold(data, IMPORT, into=(data_folder.sessions_dir(data), data / PARTIAL), make=True):
        tell = on_progress or (lambda stage, done, total: None)
        tell(IMPORTING, 0, len(tasks))
        try:
            for done, (index, outcome) in enumerate(
                work_through(import_folder, tasks, workers=workers or Workers()), start=1
            ):
                tell(IMPORTING, done, len(tasks))
                yield tasks[index].folder, outcome
        finally:
            with suppress(OSError):
                (data / PARTIAL).rmdir()


def _make_task(
    set_key: str, folder: Path, number: str, data: Path, prefix: str, *, force: bool
) -> ImportTask:
    """Return what is to be done with a folder; one that acq exported keeps its subject's name."""
    known = find_provenance(set_key, folder)
    title = SETS[set_key].title
    if known.subject is not None or known.simulated:
        title = f"an export of acq in the layout of {title}"
    subject = f"{prefix}{known.subject or number}"
    return ImportTask(set_key, folder, data, subject, prefix, title, known.simulated, force)


def _refuse_same_name(task: ImportTask, before: Sequence[ImportTask]) -> None:
    """Refuse a folder whose subject would get a name that is read as another's.

    Raises
    ------
    CurationError : the other is here already, or in a folder before this one
    """
    folder_of = {other.subject: other.folder for other in before}
    try:
        data_folder.check_new_subject(task.data, task.subject, others=folder_of)
    except SessionError as error:
        read = data_folder.read_as(task.subject)
        same = [at for name, at in folder_of.items() if data_folder.read_as(name) == read]
        sources = SETS[task.set_key].sources
        is_same = any(sources(other) == sources(task.folder) for other in same)
        raise CurationError(
            expected="a subject's name that is read as no other",
            found=f"{error.found}{', of the same files' * is_same}",
            fix="rename one, or move one away where both are one person",
        ) from error


def _failed(expected: str, found: str, fix: str) -> Outcome[ImportedFolder]:
    error = CurationError(expected=expected, found=found, fix=fix)
    return Outcome(None, str(error), error)


def import_folder(task: ImportTask) -> ImportedFolder:
    """Import one folder.

    Raises
    ------
    CurationError : the folder holds no recording, or another session has its name
    SessionError : the session cannot be written
    """
    public_set = SETS[task.set_key]
    recording = public_set.read(task.folder)
    subject, session_id = task.subject, f"{task.prefix}{recording.session}"
    target = (
        data_folder.sessions_dir(task.data) / subject / f"{session_id}{data_folder.SESSION_SUFFIX}"
    )
    sources = [f"{name} sha256 {digest}" for name, digest in public_set.sources(task.folder)]
    if target.exists() and (kept := _keep(target, sources, task)):
        return kept
    partial = task.data / PARTIAL / target.name
    refuse_links_out(task.data, target.parent, partial.parent)
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)
    try:
        write_recording(
            recording, partial, title=task.title, subject=subject, session_id=session_id,
            sources=sources, simulated=task.simulated,
            sensor="" if task.title == public_set.title else "not stated",
        )
        with Session(partial) as session:
            imported = _describe(session, task.folder, kept=False)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return imported


def _keep(
    target: Path, sources: Sequence[str], task: ImportTask
) -> ImportedFolder | None:
    """Return the existing session of the same files; None where one of others may be replaced.

    Raises
    ------
    CurationError : it was made from other files, and `force` is not set
    """
    try:
        with Session(target) as session:
            old_sources = [event.text for event in session.events if event.kind == SOURCE]
            same = (session.imported_from, session.simulated) == (task.title, task.simulated)
            if same and old_sources == list(sources):
                return _describe(session, task.folder, kept=True)
            found = f"one of {session.imported_from or 'acq itself'}"
    except SessionError as error:
        found = f"one that cannot be read ({error})"
    if not task.force:
        raise CurationError(
            expected="no session or one of the same files", found=found, where=f"at {target}",
            fix=Fix.REPLACE,
        )
    return None


def _describe(session: Session, folder: Path, *, kept: bool) -> ImportedFolder:
    defects = tuple(event.text for event in session.events if event.kind == DEFECT)
    return ImportedFolder(
        folder.name, session.session_id, session.subject, len(session.frames), len(session.ppg),
        session.lost_frames, session.lost_samples, session.simulated, defects, kept,
    )
