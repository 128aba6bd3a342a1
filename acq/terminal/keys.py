"""Single keys while something runs: no Enter, no echo, and the terminal as it was afterwards.

Ctrl-C still interrupts. Ctrl-Z and Ctrl-\\ do nothing meanwhile: they would stop the recorder in
the middle of a frame.
"""

import os
import re
import select
import sys
import threading
from collections.abc import Callable
from types import TracebackType

_ESCAPE = re.compile(r"\x1b(\[[0-9;]*.|O.)?")        # arrows and the like send several bytes


def can_read_keys() -> bool:
    """Return whether this process has a terminal to read keys from."""
    if not sys.stdin or not sys.stdin.isatty():
        return False
    if os.name == "nt":
        return True
    try:
        # a job in the background is stopped where it touches one
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


class Keys:
    """Call `on_key` with each key pressed, from a thread; a context manager."""

    def __init__(self, on_key: Callable[[str], None]) -> None:
        self._on_key = on_key
        self._stop = threading.Event()
        self._before: list | None = None
        self._thread = threading.Thread(
            target=self._read_windows if os.name == "nt" else self._read, name="keys", daemon=True
        )

    def __enter__(self) -> "Keys":
        if os.name != "nt":
            import termios
            import tty

            fd = sys.stdin.fileno()
            self._before = termios.tcgetattr(fd)
            tty.setcbreak(fd, termios.TCSANOW)
            now = termios.tcgetattr(fd)
            for control in (termios.VSUSP, termios.VQUIT):
                now[6][control] = bytes([os.fpathconf(fd, "PC_VDISABLE")])
            termios.tcsetattr(fd, termios.TCSANOW, now)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.restore()
        self._thread.join(timeout=1.0)

    def restore(self) -> None:
        """Restore the terminal; may be called twice, and from a signal handler."""
        self._stop.set()
        if self._before is not None and can_read_keys():
            import termios

            before, self._before = self._before, None
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)

    def _read(self) -> None:
        fd = sys.stdin.fileno()
        while not self._stop.is_set():
            ready, _, _ = select.select([fd], [], [], 0.1)
            if not ready or self._stop.is_set():
                continue
            try:
                pressed = os.read(fd, 64)
            except OSError:                                            # the terminal is gone
                return
            if not pressed:
                return
            for key in _ESCAPE.sub("", pressed.decode(errors="ignore")):
                self._on_key(key)

    def _read_windows(self) -> None:
        import msvcrt

        while not self._stop.wait(0.03):
            while msvcrt.kbhit():                                      # type: ignore[attr-defined]
                self._on_key(msvcrt.getwch())                          # type: ignore[attr-defined]
