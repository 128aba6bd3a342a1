"""A folder for files that many tests want a copy of: made once in a process, gone at its end."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def kept_folder():
    folder = Path(tempfile.mkdtemp(prefix="acq-kept-"))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, made_by: int) -> None:
    if os.getpid() == made_by:               # a forked child has this to do at its end, too
        shutil.rmtree(folder, ignore_errors=True)
