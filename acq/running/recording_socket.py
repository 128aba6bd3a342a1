"""A recording told to other programs: a Unix socket of one user, a line of JSON a message.

Whoever listens is sent what does not change, then the state four times a second, at the end the
summary, or `{"kind": "end", "error": ...}` where an error ended it. It may send
`{"do": "mark", "number": 3}` (null: without a number), `{"do": "undo"}` and `{"do": "stop"}`; what
was done comes back as `{"kind": "said", "text": ...}`. A thread of its own serves it and waits for
nobody: while a listener has not taken a message, it gets no other.
"""

import json
import os
import selectors
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from acq.advice import advise
from acq.terminal.marks import Marks
from acq.terminal.panel_view import PanelState
from acq.terminal.printing import warn
from acquire import host_time
from acquire.errors import AcqError
from dataset.common.files import finite

from .folder import running_folder
from .told import tell_begin, tell_end, tell_status

if TYPE_CHECKING:
    from acquire.recorder.recorder import Recorder
    from acquire.recorder.status import RecordingStatus, RecordingSummary

SUFFIX = ".recording"
STOPPED_BY = "the studio"
_MOST_LISTENERS = 8
_LONGEST_LINE = 4096
_END_S = 2.0                 # for listeners to take the summary


@dataclass
class _Listener:
    connection: socket.socket
    waiting: bytearray = field(default_factory=bytearray)      # what it has not taken yet
    heard: bytearray = field(default_factory=bytearray)        # a part of a line


class RecordingSocket:
    """Tell a recording to whoever listens; a context manager. It never holds the recorder up."""

    def __init__(
        self, recorder: "Recorder", shown: PanelState, data: Path, camera: str, *,
        is_watched: bool, every_s: float = 0.25,
    ) -> None:
        """Set it up.

        Parameters
        ----------
        is_watched : whether a panel looks for the face and reads the pulse
        every_s : between two states that are told
        """
        self._recorder = recorder
        self._shown = shown
        self._marks = Marks(recorder, shown.marks)
        self._begin = tell_begin(data, camera, shown)
        self._is_watched = is_watched
        self._every_s = every_s
        self._status: RecordingStatus | None = None
        self._summary: RecordingSummary | None = None
        self._error = ""                    # that ended it without a summary, in words
        self._is_over = threading.Event()
        self._listeners: list[_Listener] = []
        self._listening: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="listeners", daemon=True)

    def on_status(self, status: "RecordingStatus") -> None:
        """Take the latest status; nothing else happens in the recorder's thread."""
        self._status = status

    def on_end(self, summary: "RecordingSummary") -> None:
        """Take the summary, which listeners are sent when this is closed."""
        self._summary = summary

    def __enter__(self) -> "RecordingSocket":
        try:
            self._path = running_folder() / f"{os.getpid()}{SUFFIX}"
            self._path.unlink(missing_ok=True)         # of a process that had this number before
            self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listening.bind(str(self._path))
            self._path.chmod(0o600)
            self._listening.listen()
            self._listening.setblocking(False)
        except (AcqError, OSError) as error:
            self._close_listening()
            warn(f"no studio will see this recording: {error}")
        else:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._error = advise(error, "record") if isinstance(error, AcqError | OSError) else (
                f"{type(error).__name__} {error}".strip()
            )
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_END_S)
        self._close_listening()

    def _close_listening(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            with suppress(OSError):
                self._path.unlink()

    def _run(self) -> None:
        assert self._listening is not None
        last: object = None
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            while not self._is_over.is_set():
                for key, _ in selector.select(self._every_s):
                    if key.data is None:
                        self._accept(selector)
                    elif not self._hear(key.data):
                        selector.unregister(key.fileobj)
                        self._listeners.remove(key.data)
                        key.data.connection.close()
                if self._status is not last and self._listeners:
                    last = self._status
                    self._tell_status()
                for listener in self._listeners:
                    self._send(listener)
        self._tell_end()

    def _accept(self, selector: selectors.BaseSelector) -> None:
        assert self._listening is not None
        with suppress(OSError):
            connection, _ = self._listening.accept()
            if len(self._listeners) >= _MOST_LISTENERS:
                connection.close()
                return
            connection.setblocking(False)
            listener = _Listener(connection)
            self._listeners.append(listener)
            self._tell(listener, self._begin)
            selector.register(connection, selectors.EVENT_READ, listener)

    def _hear(self, listener: _Listener) -> bool:
        """Do what a listener asks for; return whether it is still there."""
        try:
            heard = listener.connection.recv(_LONGEST_LINE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        listener.heard += heard
        if not heard or len(listener.heard) > _LONGEST_LINE:
            return False
        *lines, rest = bytes(listener.heard).split(b"\n")
        listener.heard = bytearray(rest)
        for line in lines:
            self._tell(listener, {"kind": "said", "text": self._do(line)})
        return True

    def _do(self, line: bytes) -> str:
        try:
            asked = json.loads(line)
            do, number = asked["do"], asked.get("number")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return "not understood"
        if do == "mark" and (number is None or number in range(1, 10)):
            return self._marks.set(number)
        if do == "undo":
            return self._marks.undo()
        if do == "stop":
            self._recorder.stop(STOPPED_BY)
            return "stopping"
        return "not understood"

    def _tell_status(self) -> None:
        status = self._status
        assert status is not None
        elapsed_s = (host_time.now_ns() - status.start_ns) / 1e9
        told = tell_status(status, self._shown, elapsed_s=elapsed_s, is_watched=self._is_watched)
        for listener in self._listeners:
            if not listener.waiting:
                self._tell(listener, told)

    def _tell_end(self) -> None:
        for listener in self._listeners:
            if self._summary is not None:
                start_ns = 0 if self._status is None else self._status.start_ns
                self._tell(listener, tell_end(self._summary, self._shown.marks, start_ns))
            elif self._error:
                self._tell(listener, {"kind": "end", "error": self._error})
            with suppress(OSError):
                listener.connection.settimeout(_END_S / 2)
                listener.connection.sendall(listener.waiting)
            listener.connection.close()

    def _tell(self, listener: _Listener, told: dict[str, Any]) -> None:
        listener.waiting += json.dumps(finite(told), default=str).encode() + b"\n"
        self._send(listener)

    @staticmethod
    def _send(listener: _Listener) -> None:
        with suppress(OSError):                  # one that is gone is noticed where it is read
            while listener.waiting:
                del listener.waiting[: listener.connection.send(listener.waiting)]
