"""Folders for files that many tests read: of a process, or of all processes that test."""

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@contextmanager
def folder_of_all(tmp_path_factory, name):
    """Yield a folder that all processes of this run share, while no other of them has it."""
    root = tmp_path_factory.getbasetemp()
    root = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / name
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root


@cache
def kept_folder():
    """Return a folder for files to be copied: of this process, gone at its end."""
    folder = Path(tempfile.mkdtemp(prefix="acq-kept-"))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, made_by: int) -> None:
    if os.getpid() == made_by:               # a forked child has this to do at its end, too
        shutil.rmtree(folder, ignore_errors=True)
