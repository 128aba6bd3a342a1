"""A program on a terminal of its own: a pty that a test types into and reads from."""

import os
import pty
import select
import subprocess
import sys
import termios
import time

# The pty becomes the controlling terminal, so that Ctrl-C is a signal there.
_ATTACH = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


class Terminal:
    """`acq` on an 80x24 terminal."""

    def __init__(self, *words, cwd):
        self._master, self._slave = pty.openpty()
        termios.tcsetwinsize(self._slave, (24, 80)) if hasattr(termios, "tcsetwinsize") else None
        self.before = termios.tcgetattr(self._slave)
        self.output = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ATTACH, "-m", "acq.main", *map(str, words)], cwd=cwd,
            start_new_session=True, stdin=self._slave, stdout=self._slave, stderr=self._slave,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        )

    def type(self, text):
        os.write(self._master, text.encode())

    def read(self, seconds):
        """Take what it writes for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._master], [], [], left)[0]:
                self.output += os.read(self._master, 65536).decode(errors="replace")

    def wait_for(self, text, timeout_s=200):
        """Read until it has written `text` since the last call."""
        end, seen = time.monotonic() + timeout_s, len(self.output)
        while text not in self.output[seen:]:
            assert time.monotonic() < end, f"no {text!r} in {self.output[-2000:]!r}"
            assert self._process.poll() is None or select.select([self._master], [], [], 0)[0], (
                self.output[-2000:]
            )
            self.read(0.1)

    def finish(self, timeout_s=200):
        """Read until it has ended; give the exit code."""
        end = time.monotonic() + timeout_s
        while self._process.poll() is None:
            assert time.monotonic() < end, self.output[-2000:]
            self.read(0.1)
        self.read(0.1)
        return self._process.returncode

    @property
    def modes(self):
        """The terminal's settings now."""
        return termios.tcgetattr(self._slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)
