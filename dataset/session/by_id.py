"""Recordings by session id: where several files have one id, which of them is the recording.

A copy carries the id of its original inside, whatever its file is called. Everywhere else an id
stands for one recording, so copies are told apart here, before anything is looked up by id.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from acquire.data_folder import is_session_id
from acquire.errors import Fix, SessionError

_WAIT_S = 30.0
ReadId = Callable[[Path], tuple[str, int]]


def read_id(path: Path) -> tuple[str, int]:
    """Return a file's session id, and how many signs there are that it is a copy.

    A file that cannot be read, or was never closed, counts under its name, after all others.
    """
    from .hdf5 import open_to_read, was_never_closed

    try:
        if not was_never_closed(path):
            with closing(open_to_read(path, wait_s=_WAIT_S)) as file:
                session_id = str(file.attrs["session_id"])
                subject = str(file.attrs["subject"])
            return session_id, count_mistakes(path, session_id, subject)
    except (SessionError, OSError, KeyError, RuntimeError):
        pass
    return path.stem, 3


def count_mistakes(path: Path, session_id: str, subject: str) -> int:
    """Count the signs that a file of this id and subject is a copy."""
    return (
        (path.stem != session_id) + (path.parent.name != subject)
        + (not session_id.startswith(f"{subject}-"))
    )


def files_by_id(
    files: Iterable[Path], *, read: ReadId = read_id
) -> dict[str, tuple[Path, ...]]:
    """Return the files of each session id, the recording first, then its copies.

    The recording is the file that is named by its id, lies in the folder of its subject, and whose
    id begins with its subject; of several such the first by path.

    Parameters
    ----------
    read : `read_id`, or what knows what that would return
    """
    ranked: dict[str, list[tuple[int, Path]]] = {}
    for path in files:
        session_id, mistakes = read(path)
        ranked.setdefault(session_id, []).append((mistakes, path))
    return {
        session_id: tuple(path for _, path in sorted(entries))
        for session_id, entries in ranked.items()
    }


def find_copies(files: Iterable[Path]) -> dict[Path, SessionError]:
    """Return the files whose session id another file has, too, each with the error that says so."""
    return {copy: error for copy, (_, error) in find_originals(files).items()}


def find_originals(
    files: Iterable[Path], *, read: ReadId = read_id
) -> dict[Path, tuple[Path, SessionError]]:
    """Return of each copy the recording that it is one of, and the error that says so."""
    return {
        copy: (original, SessionError(
            expected="each session once",
            found=f"{session_id} in {original} and, as a copy, in {copy}",
            **({"fix": Fix.REMOVE_OR_EXCLUDE, "of": copy.stem}
               if copy.stem != session_id and is_session_id(copy.stem)
               else {"fix": "remove it, or give it a name of its own and exclude it by that"}),
        ))
        for session_id, (original, *copies) in files_by_id(files, read=read).items()
        for copy in copies
    }
