"""What was read of files, kept for as long as the files stay as they are.

A file is taken for unchanged while its size, its times and its inode are. One that was written a
moment ago is read again the next time: it may change within the tick of the disk's clock.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

_SETTLED_S = 2.0            # FAT keeps times to two seconds
FileState = tuple[int, int, int, int]       # inode, size, time of the content and of the inode [ns]
FileStates = tuple[FileState | None, ...]


class KeptByState(Generic[T]):
    """Values by file; not for several threads at once."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[FileStates, T]] = {}

    def get(self, path: Path, read: Callable[[Path], T], *beside: Path) -> T:
        """Return what `read` returned of a file, without reading it again while it is unchanged.

        Parameters
        ----------
        beside : other files that `read` looks at; they need not be there
        """
        state, value = self.find(path, *beside)
        if value is None:
            value = read(path)
            self.keep(path, state, value)
        return value

    def find(self, path: Path, *beside: Path) -> tuple[FileStates, T | None]:
        """Return the present state of a file and those beside it, and what is kept of that."""
        state = tuple(map(_state_of, (path, *beside)))
        known = self._kept.get(path)
        return state, known[1] if known is not None and known[0] == state else None

    def keep(self, path: Path, state: FileStates, value: T) -> None:
        """Keep what was read of a file, whose state was taken before; not if it is just written."""
        if all(time.time_ns() - one[2] > _SETTLED_S * 1e9 for one in state if one is not None):
            self.put(path, state, value)
        else:
            self._kept.pop(path, None)

    def put(self, path: Path, state: FileStates, value: T) -> None:
        """Note what was read of a file when it and those beside it had this state."""
        self._kept[path] = state, value

    def entries(self) -> dict[Path, tuple[FileStates, T]]:
        """Return what is kept, with the state in which each file was read."""
        return dict(self._kept)

    def forget_others(self, paths: list[Path]) -> None:
        """Forget all files but these."""
        self._kept = {path: self._kept[path] for path in paths if path in self._kept}


def _state_of(path: Path) -> FileState | None:
    """Return inode, size and times [ns] of a file; None where it cannot be seen."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
