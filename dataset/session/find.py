"""What a person names: a data folder; a recording, by its session id or by its path.

A session id is the name of its file. Where nothing has the name, the nearest one there is told. A
copy carries the id of its original inside, whatever its file is called. Everywhere else an id
stands for one recording, so copies are told apart here, before anything is looked up by id.
"""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, Fix, SessionError, SplitError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MOST_NAMED = 2     # recordings of a subject, the newest
_WAIT_S = 30.0
_RENAME = (
    f"remove it, or give it a name of its own ({data_folder.SESSION_CHARACTERS}) and exclude it by "
    "that"
)
ReadId = Callable[[Path], tuple[str, int]]


def check_data_folder(data: Path) -> None:
    """Refuse a data folder that is not there, before anything is looked for in it.

    Raises
    ------
    CurationError : it is not, is no folder, or is its folder of recordings
    """
    if data.is_dir():
        if outer := _outer_folder(data):
            raise CurationError(
                expected="a data folder, which holds sessions/", found="recordings",
                where=f"right in {data}", fix=f"did you mean {outer}?",
            )
        return
    near = None if data.exists() else _near_folder(data)
    raise CurationError(
        expected="a data folder", found=data_folder.name_kind(data), where=f"at {data}",
        fix=f"did you mean {near}?" if near else Fix.CHOOSE_DATA_FOLDER,
    )


def _outer_folder(path: Path) -> Path | None:
    """Return the data folder of a folder that is its sessions/, or a subject's in there."""
    if data_folder.sessions_dir(path).is_dir():
        return None
    whole = Path(os.path.abspath(path))
    for up, recordings in enumerate(("*/*", "*")):
        if [whole, *whole.parents][up].name == "sessions":
            if not any(path.glob(f"{recordings}{data_folder.SESSION_SUFFIX}")):
                return None
            is_short = ".." in path.parts or len(path.parents) <= up
            return whole.parents[up] if is_short else path.parents[up]
    return None


def _near_folder(path: Path) -> Path | None:
    """Return the folder that was probably meant by a path whose first missing part is misspelt."""
    missing = [part for part in (path, *path.parents) if not part.exists()][-1]
    try:
        names = {
            folder.name.casefold(): folder.name
            for folder in missing.parent.iterdir() if folder.is_dir()
        }
    except OSError:
        return None
    for name in get_close_matches(missing.name.casefold(), names, n=3):
        folder = missing.parent / names[name] / path.relative_to(missing)
        if folder.is_dir():
            return folder
    return None


def session_path(data: Path, text: str | Path) -> Path:
    """Return the file that `text` names: any path, or the id of a recording under `data`.

    Whether a path leads to a recording is for its reader to say.

    Raises
    ------
    SessionError : no file of that name, and no recording of that id
    """
    text = str(text)
    if not text or _ADDRESS.match(text):
        raise SessionError(
            expected="a file, or the id of one recording",
            found=f"an address, {text}" if text else "an empty name",
            fix="save it as a file, and name that: addresses are not read" if text else "",
        )
    path = Path(text)
    if path.exists() or not data_folder.is_session_id(text):
        return path
    matching = [file for file in data_folder.session_files(data) if file.stem == text]
    if len(matching) != 1:
        raise SessionError(
            expected="a file, or the id of one recording", where=f"for {text!r}",
            found=f"{len(matching)} recordings in {data_folder.sessions_dir(data)}" if matching
            else _none(data), fix=_advice(data, text),
        )
    return matching[0]


def find_session(data: Path, text: str) -> Path:
    """Return the recording under `data` that has this id or path; it need not be readable.

    Raises
    ------
    CurationError : there is no such recording under `data`, or there are two of that name
    """
    files = data_folder.session_files(data)
    if "/" in text or text.endswith(data_folder.SESSION_SUFFIX):
        named = _place(Path(text))
        matching = [path for path in files if _place(path) == named] or [
            path for path in files if path.resolve() == Path(text).resolve()
        ]
    else:
        matching = [path for path in files if path.stem == text]
    if len(matching) != 1:
        raise CurationError(
            expected=f"a recording {text!r}",
            found=f"{len(matching)} files" if matching else "none",
            where=data_folder.sessions_dir(data), fix=_advice(data, text),
        )
    return matching[0]


def _place(path: Path) -> Path:
    """Return where a file lies; of a link its own place, not that of what it leads to."""
    return path.parent.resolve() / path.name


def _none(data: Path) -> str:
    folder = data_folder.sessions_dir(data)
    return "neither" if folder.is_dir() else f"no such file, and no folder {folder}"


def _advice(data: Path, text: str) -> Fix | str:
    """Name the recording that was probably meant; else advise to look at the list."""
    files = data_folder.session_files(data)
    of_subject = [path.stem for path in files if path.parent.name.casefold() == text.casefold()]
    if of_subject:
        newest = " or ".join(of_subject[-_MOST_NAMED:])
        return f"{text} is a subject, so name a recording of it, such as {newest}"
    names = [path.stem for path in files]
    return data_folder.ask_if_meant(Path(text).stem, names) or Fix.LIST_SESSIONS


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
               if copy.stem != session_id and data_folder.is_session_id(copy.stem)
               else {"fix": _RENAME}),
        ))
        for session_id, (original, *copies) in files_by_id(files, read=read).items()
        for copy in copies
    }


def misplaced(found: Iterable[tuple[Path, str]]) -> SplitError:
    """Return the error of recordings that lie in other folders than those of their subjects.

    Parameters
    ----------
    found : each file, with its subject
    """
    return SplitError(
        expected="each recording in its subject's folder",
        found=", ".join(f"one of {subject} at {path}" for path, subject in found),
        fix="move it to the folder of its subject; if it is another person of the same name, "
        "exclude it here, and import what is curated in that person's own data folder, under "
        "another prefix",
    )
