"""Who may write where: one writer at a time for each kind of writing, and none through a link.

A lock is the file `FOLDER/.locks/KIND`, locked with flock(2) by its owner, which writes its name
into it. The kernel frees it when the owner ends, however it ends, so that no lock outlives a killed
process; one that ends cleanly removes the file. Readers take no lock: a folder that cannot be
written is read like any other. flock holds between the containers of a machine, and over NFS
between machines.

A library of locks was considered: it cannot write the owner's name into the locked file, cannot ask
for the owner in a folder that is read-only, and leaves its files behind, which would name subjects.
"""

import errno
import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from .data_folder import sessions_dir
from .errors import AcqError, BusyError

P = ParamSpec("P")
Result = TypeVar("Result")

WAIT_S = 10.0       # of those that take a moment: each waits for the other
LOCKS = ".locks"
_READING = "reading-"
_POLL_S = 0.05
# others look who the owner is, and hold the lock for that moment
_LOOK_S = 0.3
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
_ELSEWHERE = "name the folder that it leads to instead, or move that folder here"


class NoLocksWarning(UserWarning):
    """Nothing keeps two processes from writing in a folder."""


@dataclass(frozen=True)
class Writing:
    """One kind of writing in a folder."""

    key: str            # name of the lock's file
    what: str           # what is written
    does: str = "writes"


SELECTION = Writing("selection", "the exclusions and the split")
NOTES = Writing("notes", "the notes on subjects")
RIG = Writing("rig", "the calibration of the rig")
UBFC = Writing("ubfc", "the curated folders")
PURE = Writing("pure", "the exports for other tools")
QUALITY = Writing("quality", "the quality of the sessions")
IMPORT = Writing("import", "imported sessions")
SIMULATION = Writing("simulation", "simulated sessions")
CHANGES = Writing("changes", "the studio's log of changes")
WITHDRAWAL = Writing("withdrawal", "a subject", "removes")
# those that may write what is of a subject; who removes a subject holds them all
OF_SUBJECTS = (SELECTION, NOTES, UBFC, PURE, QUALITY, IMPORT, SIMULATION)


def recordings_of(subject: str) -> Writing:
    """Return the writing of a subject's recordings; capitals make no other subject."""
    return Writing(f"record-{subject.casefold()}", f"recordings of {subject}")


def named(name: str) -> Writing:
    """Return the writing of one file or folder, by its name."""
    return Writing(f"of-{name.removeprefix('.').removesuffix('.part')}", name)


@dataclass(frozen=True)
class Owner:
    """A process that holds a lock."""

    program: str        # such as "acq convert"; "" where it cannot be read
    pid: int = 0
    host: str = ""
    since: str = ""     # ISO 8601, local time

    def __str__(self) -> str:
        if not self.program:
            return "another process"
        return f"{self.program} (process {self.pid} on {self.host}, since {self.since})"


@contextmanager
def hold(
    folder: Path, writing: Writing, *, into: tuple[Path, ...] = (), make: bool = False,
    wait_s: float = 0.0,
) -> Iterator[None]:
    """Be the only process that writes one kind of thing in a folder.

    Parameters
    ----------
    into : folders that are written to or cleared; none of them may lead out of `folder`
    make : make the folder where it is missing; else nothing is locked there, as nothing is there
    wait_s : how long to wait for another process to end

    Raises
    ------
    BusyError : another process does it
    AcqError : a link leads out of the folder
    """
    refuse_links_out(folder, *into)
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        yield
        return
    descriptor = _wait_for_lock(folder, writing, max(wait_s, _LOOK_S))
    try:
        if descriptor is not None:
            os.truncate(descriptor, 0)
            with suppress(OSError):     # on a full disk the lock is one all the same
                os.write(descriptor, json.dumps(asdict(_this_process())).encode())
        yield
    finally:
        if descriptor is not None:
            # removed while it is locked: who waits for it then sees that it is no longer the lock
            with suppress(OSError):
                _path(folder, writing).unlink()
            os.close(descriptor)
            with suppress(OSError):
                _path(folder, writing).parent.rmdir()


def holding(
    writing: Writing, into: Callable[[Path], tuple[Path, ...]], *, make: bool = False
) -> Callable[[Callable[Concatenate[Path, P], Result]], Callable[Concatenate[Path, P], Result]]:
    """Make a function, whose first argument is the folder, hold a lock from its start to its end.

    Parameters
    ----------
    into : returns of the folder those that are written to or cleared
    make : as in `hold`
    """

    def decorate(
        work: Callable[Concatenate[Path, P], Result]
    ) -> Callable[Concatenate[Path, P], Result]:
        @wraps(work)
        def held(data: Path, *args: P.args, **kwargs: P.kwargs) -> Result:
            with hold(data, writing, into=into(data), make=make):
                return work(data, *args, **kwargs)

        return held

    return decorate


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Show who removes data for good that this process works on what it has read of them.

    Any number of processes may read; in a folder that cannot be written nothing can be removed.

    Raises
    ------
    BusyError : a subject is being removed
    """
    if not os.access(folder, os.W_OK):
        yield
        return
    # a name of its own: processes in two containers that share the folder may have one number
    with hold(folder, Writing(f"{_READING}{os.urandom(6).hex()}", "the data", "reads")):
        refuse_while(folder, WITHDRAWAL)
        yield


def refuse_while_read(folder: Path) -> None:
    """Refuse to begin while a process works on what it has read, as training does.

    Raises
    ------
    BusyError : one does
    """
    for path in sorted((folder / LOCKS).glob(f"{_READING}*")):
        refuse_while(folder, Writing(path.name, "the data", "reads"))


def owner_of(folder: Path, writing: Writing) -> Owner | None:
    """Return who does this kind of writing now; None where nobody does, or it cannot be seen."""
    import fcntl

    path = _path(folder, writing)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_owner(path)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def refuse_while(folder: Path, writing: Writing) -> None:
    """Refuse to begin while another process does this kind of writing.

    Raises
    ------
    BusyError : one does
    """
    if owner := owner_of(folder, writing):
        raise _busy(folder, writing, owner)


def refuse_links_out(root: Path, *places: Path) -> None:
    """Refuse folders under `root` that are links, or lie behind links, to another place.

    `root/sessions` itself may be a link: recordings often lie on a disk of their own.

    Raises
    ------
    AcqError : there is one
    """
    inside = (root.resolve(), sessions_dir(root).resolve())
    for place in places:
        leads_to = place.resolve()
        if not any(leads_to.is_relative_to(folder) for folder in inside):
            raise AcqError(
                expected=f"to write inside {root}", found=f"a link that leads to {leads_to}",
                where=f"at {place}", fix=_ELSEWHERE,
            )


def _path(folder: Path, writing: Writing) -> Path:
    return folder / LOCKS / writing.key


def _wait_for_lock(folder: Path, writing: Writing, wait_s: float) -> int | None:
    """Return the descriptor of the locked file; None where the disk has no locks."""
    path, until_s = _path(folder, writing), time.monotonic() + wait_s
    refuse_links_out(folder, path.parent)
    while True:
        try:
            if (descriptor := _try_lock(path)) is not None:
                return descriptor
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise OSError(error.errno, error.strerror, str(folder)) from error
            warnings.warn(
                f"the disk of {folder} has no locks: let no two programs write there at once",
                NoLocksWarning, stacklevel=4,
            )
            return None
        if time.monotonic() > until_s:
            raise _busy(folder, writing, _read_owner(path))
        time.sleep(_POLL_S)


def _try_lock(path: Path) -> int | None:
    """Lock a file, and return its descriptor; None where another process has it, or had just."""
    import fcntl

    with suppress(FileExistsError):    # it may go again at once, with the last lock in it
        path.parent.mkdir()
    is_mine = True
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        return None
    except PermissionError:            # of another user, who ended without removing it
        if not path.exists():
            raise
        descriptor, is_mine = os.open(path, os.O_RDONLY), False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(FileNotFoundError):
            if is_mine and os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
            if not is_mine:
                path.unlink()
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _read_owner(path: Path) -> Owner:
    try:
        body = json.loads(path.read_bytes()[:1000])
        return Owner(**{key: type(value)(body[key]) for key, value in asdict(Owner("")).items()})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return Owner("")


def _busy(folder: Path, writing: Writing, owner: Owner) -> BusyError:
    return BusyError(
        expected=f"no other process that {writing.does} {writing.what}", found=str(owner),
        where=folder, fix="wait until it has ended, or end it",
    )


def _this_process() -> Owner:
    """Describe this process by its command line: the program, and what it was told to do."""
    program = Path(sys.argv[0] or "python")
    is_module = program.stem in ("main", "start", "__main__")
    name = program.parent.name if is_module else program.name
    words = [word for word in sys.argv[1:] if not word.startswith("-")][:1]
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    return Owner(" ".join([name, *words]), os.getpid(), socket.gethostname(), since)
