"""Turn a recording that was killed, cut short or damaged into a session like any other.

What can be read is copied (`dataset.recovery.readable_part`) to a file beside it, which takes the
place of the recording when it is whole. The file as it was found is kept as FILE.killed.
"""

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py

from acquire import data_folder
from acquire.atomic import atomic_file
from acquire.errors import SessionError, apart
from acquire.writing import hold, named, refuse_links_out
from dataset.common.progress import OnProgress
from dataset.session.hdf5 import (
    SILENT_S,
    check_is_file,
    is_being_written,
    refuse_while_recorded,
    was_never_closed,
)
from dataset.session.reader import Session

from .closed_view import ClosedView
from .readable_part import Counts, ReadablePart

KEPT_SUFFIX = ".killed"
_POLL_S = 0.5                   # a recorder flushes four times a second
_SPARE_BYTES = 16 * 2**20       # more than a rewritten file can be longer than the first


@dataclass(frozen=True)
class Recovered:
    """What was saved and what was not."""

    path: str                   # the clean session
    kept_as: str                # the file as it was found, under its new name
    frames: int
    samples: int
    dropped_frames: int         # begun in the file, but not whole, or they do not decode
    dropped_samples: int
    lost_frames: int            # missing from the sequence, the dropped ones between others too
    lost_samples: int
    sync_bound_ms: float | None


def recover(
    path: Path, *, on_progress: OnProgress = lambda stage, done, total: None
) -> Recovered | None:
    """Replace an unclosed or damaged recording by a clean session; None where it needs nothing.

    That is one that was closed and of which all frames decode. A file that was written a moment
    ago, by a recorder that cannot be seen from here, is watched for up to `SILENT_S`.

    Parameters
    ----------
    on_progress : called with a stage, what of it is done and its total: looks at a young file,
        frames checked, frames copied

    Raises
    ------
    SessionError : it is still being written, holds nothing that can be read, or there is no room
        for a second one
    AcqError : another process recovers it, or it is a link to a file elsewhere
    """
    check_is_file(path)
    if path.name.endswith(KEPT_SUFFIX):
        raise SessionError(
            expected="a recording", found="the file that an earlier recovery kept", where=path,
            fix=f"give a copy of it the name of a recording, {data_folder.SESSION_SUFFIX}, and "
            "recover that",
        )
    if was_never_closed(path):
        refuse_while_recorded(path)
        _wait_for_silence(path, on_progress)
    elif _is_whole(path, on_progress):
        return None
    refuse_links_out(data_folder.root_of(path), path)
    with hold(path.parent, named(path.name)):
        return _replace(path, on_progress)


def _replace(path: Path, on_progress: OnProgress) -> Recovered:
    """Put a clean session in the place of a recording, which is kept under another name."""
    kept = path.with_name(path.name + KEPT_SUFFIX)
    if kept.exists():
        raise SessionError(
            expected=f"to keep the file as it is as {kept.name}", found="a file of that name",
            where=f"in {path.parent}", fix="move it away",
        )
    try:
        with atomic_file(path) as part:
            _make_empty(part, path)
            counts = _copy(path, part, on_progress)
            with Session(part) as session:          # it opens as any other
                bound_ms = session.sync_bound_ms
            path.rename(kept)
    except BaseException:
        if kept.exists() and not path.exists():
            kept.rename(path)
        raise
    return Recovered(path=str(path), kept_as=str(kept), sync_bound_ms=bound_ms, **asdict(counts))


def _wait_for_silence(path: Path, on_progress: OnProgress) -> None:
    """Wait until a file has no writer for sure; refuse it as soon as it changes.

    Raises
    ------
    SessionError : it is being written
    """
    before, polls = path.stat(), 0
    while is_being_written(path):
        time.sleep(_POLL_S)
        polls += 1
        on_progress("watching whether it grows", polls, max(polls, round(SILENT_S / _POLL_S)))
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise SessionError(
                expected="a recording that has ended", found="one being written", where=path,
                fix="stop its recorder first",
            )


def _is_whole(path: Path, on_progress: OnProgress) -> bool:
    """Return whether a closed file opens and all its frames decode; refuse what is not HDF5."""
    try:
        session = Session(path)
    except SessionError:
        if not h5py.is_hdf5(path):
            raise
        return False
    with session:
        count = len(session.frames)
        for at in range(count):
            try:
                session.frames.raw(at)
            except SessionError:
                return False
            on_progress("decoding", at + 1, count)
    return True


def _make_empty(part: Path, path: Path) -> None:
    try:
        part.open("xb").close()
    except OSError as error:
        raise SessionError(
            expected=f"to write beside {path}",
            found="no permission" if isinstance(error, PermissionError) else error,
            fix="recover a copy in another folder",
        ) from error


def _copy(path: Path, part: Path, on_progress: OnProgress) -> Counts:
    """Write what can be read of `path` to `part`."""
    try:
        view = ClosedView(path)
    except ValueError as error:
        raise SessionError(
            expected="a recording", found=f"an HDF5 file of another kind, or damaged ({error})",
            where=path, fix="is it a recording of acq?",
        ) from error
    try:
        with view, h5py.File(view, "r") as file:
            need = view.size + _SPARE_BYTES
            if (free := shutil.disk_usage(path.parent).free) < need:
                raise SessionError(
                    expected=f"{apart(need / 1e6, free / 1e6, digits=0)} MB free for a second file",
                    found=f"{apart(free / 1e6, need / 1e6, digits=0)} MB", where=path.parent,
                )
            return ReadablePart(file, view.size, path).write(part, on_progress)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise SessionError(
            expected="a session of which something can be read", found=error, where=path
        ) from error
