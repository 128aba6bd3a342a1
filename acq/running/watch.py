"""Recordings that run on this machine, watched by another program of the same user."""

import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from acquire.errors import AcqError, BusyError

from .folder import running_folder
from .recording_socket import SUFFIX

_CONNECT_S = 2.0


class WatchedRecording:
    """One recording: what it tells, and what it is asked for.

    Raises
    ------
    OSError : it has ended
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begin: dict[str, Any] = {}
        self.status: dict[str, Any] | None = None        # the latest; replaced, never changed
        self.end: dict[str, Any] | None = None           # the summary
        self.said = ""                                   # the answer to what was asked last
        self.has_ended = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(_CONNECT_S)
            self._socket.connect(str(path))
            self._lines = self._socket.makefile("rb")
            self._take(self._lines.readline())
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise
        threading.Thread(target=self._run, name=f"watch {path.stem}", daemon=True).start()

    @property
    def is_of(self) -> str:
        """The data folder that it records into."""
        return str(self.begin.get("data", ""))

    def ask(self, do: str, number: int | None = None) -> None:
        """Ask for a mark, an undo or the end.

        Raises
        ------
        BusyError : it has ended
        """
        try:
            self._socket.sendall(json.dumps({"do": do, "number": number}).encode() + b"\n")
        except OSError as error:
            raise BusyError(
                expected="a recording that runs", found="one that has ended",
                fix="start another one",
            ) from error

    def _run(self) -> None:
        with suppress(OSError, ValueError):
            for line in self._lines:
                self._take(line)
        self.has_ended = True
        self._lines.close()
        self._socket.close()

    def _take(self, line: bytes) -> None:
        told = json.loads(line or b"{}")
        kind = told.get("kind")
        if kind == "status":
            self.status = told
        elif kind == "begin":
            self.begin = told
        elif kind == "end":
            self.end = told
        elif kind == "said":
            self.said = str(told["text"])


def _remove_of_the_dead(path: Path) -> None:
    """Remove the socket of a process that is no more; one that only begins has one already."""
    with suppress(OSError, ValueError):
        try:
            os.kill(int(path.stem), 0)
        except ProcessLookupError:
            path.unlink()


def find_recordings(data: Path, known: dict[Path, WatchedRecording]) -> list[WatchedRecording]:
    """Return the recordings into a data folder that run; those that are known are kept open."""
    try:
        paths = sorted(running_folder().glob(f"*{SUFFIX}"))
    except (AcqError, OSError):
        return []
    for path in paths:
        if path in known and not known[path].has_ended:
            continue
        try:
            known[path] = WatchedRecording(path)
        except (OSError, ValueError):                    # of a process that was killed
            known.pop(path, None)
            _remove_of_the_dead(path)
    for path in set(known) - set(paths):
        if known[path].has_ended:
            del known[path]
    here = str(data.resolve())
    return [one for one in known.values() if one.is_of == here and not one.has_ended]
