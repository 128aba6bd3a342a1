"""The disk space that a recording needs before it starts and while it runs."""

import shutil
from pathlib import Path

from acquire.errors import Fix, SessionError

RESERVE_BYTES = 64 * 2**20      # with less than this free, the recording stops and is closed
_TYPICAL_S = 60.0               # assumed length of a recording whose length is not given
_COMPRESSED_SHARE = 0.5         # of the raw size: what lossless compression leaves of a noisy scene


def check_space(folder: Path, bytes_per_s: float, duration_s: float | None) -> None:
    """Refuse to start where the disk cannot hold the recording.

    Parameters
    ----------
    folder : of the recording; it need not exist yet
    bytes_per_s : of raw video
    duration_s : None where the length is open; room for a minute is then enough

    Raises
    ------
    SessionError : too little is free
    """
    need = round(bytes_per_s * _COMPRESSED_SHARE * (duration_s or _TYPICAL_S)) + 2 * RESERVE_BYTES
    parents = (folder, *folder.absolute().parents)
    folder = next(path for path in parents if path.exists())
    free = shutil.disk_usage(folder).free
    if free < need:
        raise SessionError(
            expected=f"{need / 1e6:.0f} MB free for this recording", found=f"{free / 1e6:.0f} MB",
            where=f"at {folder}", fix=Fix.FREE_SPACE,
        )
