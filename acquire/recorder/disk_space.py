"""The folder of a recording, and the disk space that it needs before and while it runs."""

import os
import shutil
from pathlib import Path

from acquire.errors import Fix, SessionError, apart

RESERVE_BYTES = 64 * 2**20      # with less than this free, the recording stops and is closed
_TYPICAL_S = 60.0               # assumed length of a recording whose length is not given
_COMPRESSED_SHARE = 0.5         # of the raw size: what lossless compression leaves of a noisy scene


def check_space(folder: Path, bytes_per_s: float, duration_s: float | None) -> None:
    """Refuse to start where the folder cannot be written, or the disk cannot hold the recording.

    Parameters
    ----------
    folder : of the recording; it need not exist yet
    bytes_per_s : of raw video
    duration_s : None where the length is open; room for a minute is then enough

    Raises
    ------
    SessionError : it cannot be written, or too little is free
    """
    need = round(bytes_per_s * _COMPRESSED_SHARE * (duration_s or _TYPICAL_S)) + 2 * RESERVE_BYTES
    free = shutil.disk_usage(folder := check_folder(folder)).free
    if free < need:
        raise SessionError(
            expected=f"{apart(need / 1e6, free / 1e6, digits=0)} MB free for this recording",
            found=f"{apart(free / 1e6, need / 1e6, digits=0)} MB",
            where=f"at {folder}", fix=Fix.FREE_SPACE,
        )


def check_folder(folder: Path) -> Path:
    """Refuse a folder, which need not exist yet, that cannot be written; return what of it exists.

    Raises
    ------
    SessionError : it cannot be written
    """
    parents = (folder, *folder.absolute().parents)
    folder = next(path for path in parents if path.exists())
    if not folder.is_dir():
        raise SessionError(
            expected="a folder to record into", found="a file", where=f"at {folder}",
            fix=Fix.CHOOSE_DATA_FOLDER,
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SessionError(
            expected="a folder to record into", found="one that may not be written",
            where=f"at {folder}", fix=Fix.CHOOSE_DATA_FOLDER,
        )
    return folder


def make_folder(folder: Path) -> None:
    """Make the folder of a recording where it is missing.

    Raises
    ------
    SessionError : it cannot be made
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionError(
            expected="to make the folder", found=error, where=folder, fix=Fix.CHOOSE_DATA_FOLDER
        ) from error
