"""Sessions that pages look at, kept open: a player asks for many pictures of one file."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataset.timeline import SessionPlayer

MOST_OPEN = 4


class _Opened:
    """One open session; a thread at a time."""

    def __init__(self, state: tuple[int, ...]) -> None:
        self.state = state
        self.lock = threading.Lock()
        self.player: SessionPlayer | None = None


class OpenSessions:
    """The last few sessions that were asked for; opened anew where the file was replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: OrderedDict[Path, _Opened] = OrderedDict()

    @contextmanager
    def player(self, path: Path, *, newest: bool = False) -> Iterator[SessionPlayer]:
        """Lend the player of a session to one thread.

        Parameters
        ----------
        newest : open it anew also where the same file has changed, as one that is recorded does

        Raises
        ------
        SessionError : it cannot be read
        """
        opened = self._find(path, newest=newest)
        with opened.lock:
            if opened.player is None:
                opened.player = SessionPlayer(path)
            yield opened.player

    def forget_gone(self) -> None:
        """Close those whose files are gone: what is deleted fills the disk while it is open."""
        with self._lock:
            for path in [path for path in self._opened if not path.exists()]:
                del self._opened[path]

    def _find(self, path: Path, *, newest: bool) -> _Opened:
        stat = path.stat()
        state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        with self._lock:
            opened = self._opened.get(path)
            if opened is None or opened.state[:2] != state[:2] or (
                newest and opened.state != state
            ):
                opened = self._opened[path] = _Opened(state)
            self._opened.move_to_end(path)
            while len(self._opened) > MOST_OPEN:
                # closed when the last thread that has it lets go of it
                self._opened.popitem(last=False)
            return opened
