"""A folder for files that many tests want a copy of: made once in a process, gone at its end."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def kept_folder():
    folder = Path(tempfile.mkdtemp(prefix="acq-kept-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
