"""The folder where programs of one user on one machine find each other; nobody else may enter."""

import os
import tempfile
from pathlib import Path

from acquire.errors import AcqError


def running_folder() -> Path:
    """Return the folder, made where it is missing.

    Raises
    ------
    AcqError : there is one that is another user's, or that others may enter
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and Path(given).is_dir():
        folder = Path(given) / "acq"
    else:
        folder = Path(tempfile.gettempdir()) / f"acq-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # in a folder for all, somebody else could have made it first
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise AcqError(
            expected="a folder of this user alone", found="one that others may enter", where=folder,
            fix="remove it, or set XDG_RUNTIME_DIR",
        )
    return folder
