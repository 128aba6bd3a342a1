"""A folder of a worker that mirrors paths of another machine: `/data/a.h5` is `SCRATCH/data/a.h5`.

The work that runs in it is told the paths of there; in what it returns, and in its errors, they are
those of the other machine again. The folder lives as long as the Dask result that stands for it. It
lies in Dask's own folder of the worker, which that worker removes when it ends; that of a worker
that was killed is removed by the next one that is started in its place.
"""

import io
import os
import pickle
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from .files import sha256_of
from .workers import attempt_in_one_thread


@dataclass(frozen=True)
class CarriedFile:
    """A file that is carried."""

    name: str                  # its path on the machine that sends the item
    size: int
    sha256: str
    mtime_ns: int


class Lost(Exception):
    """The worker is gone, and what it had."""


class _Pickler(pickle.Pickler):
    """Pickles with the paths of below a folder told as if it were `/`."""

    def __init__(self, file: io.BytesIO, folder: str) -> None:
        super().__init__(file)
        self._folder = folder

    def persistent_id(self, obj: Any) -> tuple[str, str] | None:
        if isinstance(obj, PurePath) and obj.is_absolute() and str(obj).startswith(self._folder):
            return "path", str(obj).removeprefix(self._folder)
        if isinstance(obj, str) and self._folder and self._folder in obj:     # of an error
            return "text", obj.replace(self._folder, "")
        return None


class _Unpickler(pickle.Unpickler):
    """Reads what `_Pickler` wrote, with the paths below a folder of this machine."""

    def __init__(self, file: io.BytesIO, folder: str) -> None:
        super().__init__(file)
        self._folder = folder

    def persistent_load(self, pid: tuple[str, str]) -> Any:
        kind, text = pid
        return Path(self._folder + text) if kind == "path" else text


def dumps(value: Any, folder: str = "") -> bytes:
    """Pickle a value; paths of below `folder` are told without it."""
    file = io.BytesIO()
    _Pickler(file, folder).dump(value)
    return file.getvalue()


def loads(pickled: bytes, folder: str = "") -> Any:
    """Read what `dumps` wrote; its paths are below `folder` here."""
    return _Unpickler(io.BytesIO(pickled), folder).load()


class Scratch:
    """A folder of a worker that mirrors paths of another machine; it goes with this object."""

    def __init__(self, writes: str) -> None:
        from distributed import get_worker

        inside = os.path.realpath(get_worker().local_directory)
        self._folder = tempfile.mkdtemp(prefix="acq-", dir=inside)
        self._removing = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._path(writes).mkdir(parents=True)

    def __reduce__(self) -> Any:
        raise TypeError("a scratch folder stays on its worker")

    def _path(self, name: str) -> Path:
        return Path(self._folder + name)

    def add(self, name: str, piece: bytes) -> None:
        """Append a piece to a file."""
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        with self._path(name).open("ab") as file:
            file.write(piece)

    def do(self, order: bytes, sent: Sequence[CarriedFile]) -> bytes:
        """Do the work on an item; return the outcome and the files that it wrote, as they were.

        Raises
        ------
        Lost : other bytes came than were sent: the worker began anew in between
        """
        for file in sent:
            path = self._path(file.name)
            if not path.exists() or sha256_of(path) != file.sha256:
                raise Lost(f"expected {file.name} as it was sent, found other bytes at every try")
            os.utime(path, ns=(file.mtime_ns, file.mtime_ns))
        before = self._states()
        outcome = attempt_in_one_thread(*loads(order, self._folder))
        made = [
            CarriedFile(str(path).removeprefix(self._folder), size, sha256_of(path), mtime_ns)
            for path, (mtime_ns, size, inode) in self._states().items()
            if before.get(path) != (mtime_ns, size, inode) and not outcome.error
        ]
        # as they were written: who reads several that belong together looks for the last
        return dumps((outcome, sorted(made, key=lambda file: file.mtime_ns)), self._folder)

    def _states(self) -> dict[Path, tuple[int, int, int]]:
        """Return time, size and inode of each file."""
        files = [path for path in Path(self._folder).rglob("*") if path.is_file()]
        states = [path.stat() for path in files]
        return {
            path: (state.st_mtime_ns, state.st_size, state.st_ino)
            for path, state in zip(files, states, strict=True)
        }

    def read(self, batch: Sequence[tuple[str, int, int]]) -> list[bytes]:
        """Return pieces of files: each from a byte on, so many bytes."""
        pieces = []
        for name, first, count in batch:
            with self._path(name).open("rb") as file:
                file.seek(first)
                pieces.append(file.read(count))
        return pieces

    def remove(self) -> None:
        """Remove the folder."""
        self._removing()
