"""What happens to a session file that can no longer be written.

After a failed write HDF5 would try again when the file is closed, fail again, and crash the process
when it frees what is left. So a writer whose write failed refuses every further write, its file is
left open, and the process ends without the clean-up of HDF5.
"""

import atexit
import errno
import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Protocol

from acquire.errors import AcqError, SessionError

WRITE_ERRORS = (OSError, RuntimeError)      # h5py raises either
_FLUSHED_IS_WHOLE = "what was flushed before is whole"


class FileWriter(Protocol):
    """Something that writes one file and can fail at it."""

    path: Path
    broken: bool                # a write has failed; the file must not be touched again


_left_open: list[FileWriter] = []


def _exit_without_clean_up() -> None:
    """End the process without HDF5's clean-up, which would crash on the broken file."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def leave_open(writer: FileWriter) -> None:
    """Keep every handle of a broken file: freeing one would write, fail and print at length."""
    writer.broken = True
    _left_open.append(writer)
    atexit.register(_exit_without_clean_up)


def failure_reason(error: Exception) -> str:
    """Return in one line why a write failed."""
    if number := getattr(error, "errno", None):
        return os.strerror(number)
    message = re.search(r"error message = '([^']+)'", str(error))     # within HDF5's long report
    return message[1] if message else " ".join(str(error).split())


def is_disk_full(error: AcqError | None) -> bool:
    """Return whether a session could not be written as the disk is full: nor can the next one."""
    full = (os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
    return isinstance(error, SessionError) and error.found in full


def guard_write(method: Callable) -> Callable:
    """Make a writer's method raise `SessionError` when a write fails, and at each call after it."""

    @wraps(method)
    def guarded(writer: FileWriter, *args: object, **kwargs: object) -> object:
        if writer.broken:
            raise SessionError(
                expected="to write the session file", found="that an earlier write failed",
                where=writer.path, fix=_FLUSHED_IS_WHOLE,
            )
        try:
            return method(writer, *args, **kwargs)
        except WRITE_ERRORS as error:
            leave_open(writer)
            raise SessionError(
                expected="to write the session file", found=failure_reason(error),
                where=writer.path, fix=_FLUSHED_IS_WHOLE,
            ) from error

    return guarded
