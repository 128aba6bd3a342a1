"""The recordings of a subject, in its own folder and in those of others."""

import os
import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from acquire import data_folder
from acquire.errors import SessionError, SubjectError
from dataset.common.files import one_line
from dataset.common.progress import OnProgress
from dataset.layouts.manifest import Manifest
from dataset.session.hdf5 import is_being_written, open_to_read

from .subject_files import SubjectFile, as_subject_file

_SESSION_FILE = re.compile(r"[A-Za-z0-9].*\.(?:h5|h5\.killed|qc\.json|qc\.npz)")
_SESSION_OF = re.compile(r"(.+)-\d{8}T\d{6}Z(?:-\d+)?")
_WAIT_S = 30.0


@dataclass(frozen=True)
class Recordings:
    """The recordings of one subject."""

    count: int                         # session files
    sessions: frozenset[str]           # ids
    files: tuple[SubjectFile, ...]     # with what lies beside them
    unchecked: tuple[str, ...]


def find_recordings(data: Path, subject: str, on_progress: OnProgress | None) -> Recordings:
    """Find every recording that is in the subject's folder, or says that it is the subject's.

    Raises
    ------
    SubjectError : its folder holds a recording of somebody else, or one that is being written
    """
    home = data_folder.sessions_dir(data) / subject
    own: list[Path] = []
    files: list[SubjectFile] = []
    unchecked: list[str] = []
    paths = [*data_folder.session_files(data), *data_folder.unread_recordings(data)]
    for done, path in enumerate(paths, start=1):
        if path.parent == home:
            _check_own_recording(path, subject)
            own.append(path)
        else:
            try:
                if _read_subject(path) == subject:
                    own.append(path)
                    files += _with_files_beside(path)
            except (SessionError, OSError, KeyError, RuntimeError) as error:
                unchecked.append(f"{path}: whose recording it is cannot be read: {one_line(error)}")
        if on_progress:
            on_progress("looking at sessions", done, len(paths))
    sessions = {path.stem for path in own}
    # listed, not looked up: some disks find S01 under s01
    if home.parent.is_dir() and subject in os.listdir(home.parent):
        names = [path.name for path in home.iterdir()]
        sessions |= {name.partition(".")[0] for name in names if _SESSION_FILE.fullmatch(name)}
        files.append(as_subject_file("recordings", home))
        unchecked += [
            f"{path}: the same file has another name on this disk, which is not removed"
            for path in _with_names_elsewhere(home)
        ]
    return Recordings(len(own), frozenset(sessions), tuple(files), tuple(unchecked))


def _with_names_elsewhere(folder: Path) -> list[Path]:
    """List the files that have more names than those in their folder, sorted."""
    states = {path: path.lstat() for path in sorted(folder.rglob("*")) if path.is_file()}
    names = Counter((state.st_dev, state.st_ino) for state in states.values())
    return [
        path for path, state in states.items()
        if state.st_nlink > names[state.st_dev, state.st_ino]
    ]


def owner_of_session(data: Path, manifest: Manifest | None, session: str) -> str:
    """Return the subject whose session has this id, by its file, the manifest or its form."""
    for path in data_folder.session_files(data):
        if path.stem == session:
            try:
                return _read_subject(path)
            except (SessionError, OSError, KeyError, RuntimeError):
                return path.parent.name
    for entry in manifest.entries if manifest else ():
        if entry.session == session:
            return entry.subject
    made_of_pseudonym = _SESSION_OF.fullmatch(session)
    return made_of_pseudonym[1] if made_of_pseudonym else ""


def _check_own_recording(path: Path, subject: str) -> None:
    """Refuse a recording in the subject's folder that must not be removed with it."""
    if is_being_written(path):
        raise SubjectError(
            expected="no recording that is being made", found="one that was written just now",
            where=f"at {path}", fix="end it first",
        )
    try:
        owner = _read_subject(path)
    except (SessionError, OSError, KeyError, RuntimeError):
        return                      # unreadable, and where only the subject's are
    if owner != subject:
        raise SubjectError(
            expected=f"recordings of {subject}", found=f"one of {owner}", where=f"at {path}",
            fix=f"move it to {path.parent.parent / owner}",
        )


def _read_subject(path: Path) -> str:
    # h5py alone, as none of the checks of a `Session` is needed here
    with closing(open_to_read(path, wait_s=_WAIT_S)) as file:
        return str(file.attrs["subject"])


def _with_files_beside(path: Path) -> list[SubjectFile]:
    """List a recording in the folder of another subject, and the files named after it."""
    return [
        as_subject_file("recording in another's folder", file)
        for file in sorted(path.parent.iterdir())
        if file.name.removeprefix(".").startswith(f"{path.stem}.")
    ]
