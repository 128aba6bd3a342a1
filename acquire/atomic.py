"""Files and folders that are there whole or not at all.

Each is made under a temporary name beside its own, `.NAME.<random>.part`, and renamed when it is
whole: a reader sees the old one or the new one, and what an error or Ctrl-C interrupts is removed.
An error of the system has the name that the file was to have.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
_FULL = (errno.ENOSPC, errno.EDQUOT)       # errors of writing, for which the system names no file


def _part_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.urandom(6).hex()}{PART}")


@contextmanager
def naming(part: Path, path: Path) -> Iterator[None]:
    """Let an error of the system name `path`, which is written under the name `part`."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _FULL:
            error.filename = str(path)
        elif isinstance(error.filename, (str, Path)):
            error.filename = str(error.filename).replace(str(part), str(path))
        elif error.errno and str(part) in str(error):     # pyarrow has the name in its sentence
            error.strerror, error.filename = os.strerror(error.errno), str(path)
        raise


@contextmanager
def atomic_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a path to write to; afterwards it takes the place of `path`, on the disk for sure.

    The folder is made where it is missing. The mode follows the umask.

    Parameters
    ----------
    private : let nobody but the owner read it, whatever the umask; the file is there already when
        its path is yielded

    Raises
    ------
    OSError : it cannot be written, or not renamed
    """
    part = _part_of(path)
    try:
        with naming(part, path):
            if private:
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            yield part
            with open(part, "rb") as file:
                os.fsync(file.fileno())
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text file in UTF-8, whole or not at all; `private`: as in `atomic_file`."""
    with atomic_file(path, private=private) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; afterwards it takes the place of `path`.

    A folder that is at `path` already is replaced, and stays as it was where anything fails.

    Raises
    ------
    OSError : it cannot be made, or not renamed
    """
    part = _part_of(path)
    old = None
    try:
        with naming(part, path):
            part.mkdir()
            yield part
        if path.exists():
            old = _part_of(path)
            path.rename(old)
        try:
            part.rename(path)
        except BaseException:
            if old is not None:
                old.rename(path)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
