"""Public data sets into ordinary sessions.

One recording of a set becomes one session file, with exactly its pixels. It is made under
`data/.import-partial` and renamed when whole. A recording that cannot become a session is named
with the reason. A session that came from the very same files is kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix, SessionError
from acquire.session.write_failure import is_disk_full
from acquire.writing import IMPORT, hold, refuse_links_out
from dataset.common.progress import OnProgress
from dataset.common.wording import counted
from dataset.common.workers import Outcome, Workers, work_through
from dataset.session.reader import Session

from .folders import describe_files, list_places
from .here import SessionsHere, refuse_made_here
from .provenance import find_provenance
from .public_set import FoundRecording, PublicSet
from .published import GET_FOLDER
from .sets import SETS, check_set, find_set, holds
from .write_recording import DEFECT, SOURCE, write_recording

PARTIAL = ".import-partial"
IMPORTING = "importing folders"        # the stage that `on_progress` is called with
_DIGITS = 9              # of a subject's number, at most


@dataclass(frozen=True)
class ImportTask:
    """One recording to import; what a worker gets."""

    set_key: str             # of SETS
    folder: Path             # or the file that it is
    name: str                # its path from the root
    data: Path
    subject: str
    prefix: str              # of the session's id
    title: str               # what it is imported from
    simulated: bool
    force: bool
    origin: str              # the session that acq made it of and its hash, as a source; or ""


@dataclass(frozen=True)
class ImportedFolder:
    """The session that a recording became."""

    folder: str              # or file, from the root of the set
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
    """Import every recording of a public set; yield each with its outcome, in the order they end.

    Parameters
    ----------
    root : the folder that holds the set's folders
    which : a key of `SETS`; None finds out
    prefix : of the subjects' names, instead of the set's own; their number in the set follows
    force : replace sessions that were made from other files
    on_progress : called with the stage, the recordings done and the recordings in all

    Raises
    ------
    CurationError : there is no such set under `root`, or the prefix makes no subject's name
    BusyError : another process imports there
    SessionError : the disk is full; what was imported stays
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
    names, here = _Names(data), SessionsHere(data)
    for path, found in _list_recordings(root, public_set):
        if isinstance(found, Outcome):
            yield path, found
            continue
        try:
            task = _make_task(set_key, found, root, data, prefix, here, force=force)
            names.add(task)
            tasks.append(task)
        except CurationError as error:
            yield path, Outcome(None, str(error), error)
    with hold(data, IMPORT, into=(data_folder.sessions_dir(data), data / PARTIAL), make=True):
        tell = on_progress or (lambda stage, done, total: None)
        tell(IMPORTING, 0, len(tasks))
        try:
            for done, (index, outcome) in enumerate(
                work_through(import_folder, tasks, workers=workers or Workers()), start=1
            ):
                tell(IMPORTING, done, len(tasks))
                if is_disk_full(outcome.cause):
                    raise SessionError(
                        expected=f"room for {counted(len(tasks) - done + 1, 'recording')} more",
                        found="a full disk", where=data, fix=Fix.FREE_SPACE,
                    )
                yield tasks[index].folder, outcome
        finally:
            with suppress(OSError):
                (data / PARTIAL).rmdir()


def _list_recordings(
    root: Path, public_set: PublicSet
) -> Iterator[tuple[Path, FoundRecording | Outcome[ImportedFolder]]]:
    """Yield every recording under a set's root, and what is none with the reason."""
    for place in list_places(root, public_set.suffix):
        match = None if place.defect else public_set.folder.fullmatch(place.path.name)
        if match is None:
            below = not place.defect and place.path.is_dir() and holds(public_set, place.path)
            yield place.path, _failed(
                f"{public_set.folder_text} of {public_set.title}",
                place.defect or ("a folder of them" if below else "another name"),
                place.fix or ("import it by itself" if below else "rename it if it is one"),
            )
        elif found := public_set.find(place.path, match[1]):
            yield from ((recording.path, recording) for recording in found)
        else:
            yield place.path, _failed(
                f"{public_set.holds_text} of {public_set.title}", describe_files(place.path),
                GET_FOLDER,
            )


def _make_task(
    set_key: str, found: FoundRecording, root: Path, data: Path, prefix: str, here: SessionsHere,
    *, force: bool,
) -> ImportTask:
    """Return what is to be done with a recording; one that acq exported keeps its subject's name.

    Raises
    ------
    CurationError : the export that it is from has a manifest that cannot be read, or is of a
        session that is here
    """
    public_set = SETS[set_key]
    known = find_provenance(set_key, found.path)
    title, origin = public_set.title, ""
    if known.origin:
        here.refuse(known.origin.session, found.path)
        origin = f"session {known.origin.session} sha256 {known.origin.session_hash}"
    if known.subject is not None or known.simulated:
        title = f"an export of acq in the layout of {title}"
    return ImportTask(
        set_key, found.path, found.path.relative_to(root).as_posix(), data,
        f"{prefix}{known.subject or found.subject}", prefix, title,
        known.simulated or public_set.simulated, force, origin,
    )


class _Names:
    """The subjects that are here or about to get a folder, by how people read their names."""

    def __init__(self, data: Path) -> None:
        self._by_reading = {
            data_folder.read_as(name): name for name in data_folder.subjects_in(data)
        }
        self._first: dict[str, ImportTask] = {}      # of each subject

    def add(self, task: ImportTask) -> None:
        """Refuse a recording whose subject would get a name that is read as another's.

        Raises
        ------
        CurationError : the other is here already, or in a recording before this one
        """
        reading = data_folder.read_as(task.subject)
        if self._by_reading.get(reading, task.subject) != task.subject or not (
            data_folder.is_subject_id(task.subject)
        ):
            self._refuse(task, self._first.get(self._by_reading.get(reading, "")))
        self._by_reading[reading] = task.subject
        self._first.setdefault(task.subject, task)

    def _refuse(self, task: ImportTask, other: ImportTask | None) -> None:
        try:
            others = [other.subject] if other else []
            data_folder.check_new_subject(task.data, task.subject, others=others)
        except SessionError as error:
            sources = SETS[task.set_key].sources
            is_same = other is not None and sources(other.folder) == sources(task.folder)
            raise CurationError(
                expected="a subject's name that is read as no other",
                found=f"{error.found}{', of the same files' * is_same}",
                fix="rename one, or move one away where both are one person",
            ) from error


def _failed(expected: str, found: str, fix: str) -> Outcome[ImportedFolder]:
    error = CurationError(expected=expected, found=found, fix=fix)
    return Outcome(None, str(error), error)


def import_folder(task: ImportTask) -> ImportedFolder:
    """Import one recording.

    Raises
    ------
    CurationError : it is no recording, is one of a session that is here, or another session has
        its name
    SessionError : the session cannot be written
    """
    public_set = SETS[task.set_key]
    files = public_set.sources(task.folder)
    refuse_made_here(task.data, (digest for _, digest in files), task.folder)
    recording = public_set.read(task.folder)
    subject, session_id = task.subject, f"{task.prefix}{recording.session}"
    if not data_folder.is_session_id(session_id):
        raise CurationError(
            expected="a recording whose name may name a session", found=repr(session_id),
            where=task.folder, fix="rename it in letters, digits, - and _",
        )
    target = data_folder.session_file(task.data, subject, session_id)
    sources = [f"{name} sha256 {digest}" for name, digest in files]
    sources += [task.origin] if task.origin else []
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
            imported = _describe(session, task.name, kept=False)
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
            # an earlier version noted no session as a source
            files = [source for source in sources if source != task.origin]
            if same and old_sources in (list(sources), files):
                return _describe(session, task.name, kept=True)
            found = f"one of {session.imported_from or 'acq itself'}"
    except SessionError as error:
        found = f"one that cannot be read ({error})"
    if not task.force:
        raise CurationError(
            expected="no session or one of the same files", found=found, where=f"at {target}",
            fix=Fix.REPLACE,
        )
    return None


def _describe(session: Session, name: str, *, kept: bool) -> ImportedFolder:
    defects = tuple(event.text for event in session.events if event.kind == DEFECT)
    return ImportedFolder(
        name, session.session_id, session.subject, len(session.frames), len(session.ppg),
        session.lost_frames, session.lost_samples, session.simulated, defects, kept,
    )
