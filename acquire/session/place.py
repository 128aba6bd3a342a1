"""Where an open file is now: it may be moved or deleted while it is written."""

import os
from contextlib import suppress
from pathlib import Path

from acquire.errors import SessionError

_OPEN_FILES = Path("/proc/self/fd")         # Linux: a link to the place of each


class DeletedError(SessionError):
    """The session file was deleted while it was written; nothing of it is left."""


def place_of(descriptor: int, path: Path) -> Path:
    """Return where an open file is: `path` where it was, or the place that it was moved to.

    Raises
    ------
    DeletedError : it was deleted, or moved to where it cannot be found
    """
    with suppress(OSError):
        # NFS renames a file that is deleted while it is open
        place = Path(os.readlink(_OPEN_FILES / str(descriptor)))
        if not place.name.startswith(".nfs") and place.exists():
            return path if place == Path(os.path.realpath(path)) else place
    with suppress(OSError):
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return path
    raise DeletedError(
        expected="the session file where it was made", found="that it was deleted meanwhile",
        where=f"at {path}", fix="nothing of it is left",
    )
