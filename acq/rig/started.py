"""A verb that a page started, `acq record` or `acq calibrate`: a process in a session of its own.

The studio may end, or be killed: the process goes on; the next studio finds a recording by its
socket. What it prints goes to a file without a name, never to a pipe, which would end with the
studio.
"""

import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from acq.advice import FOR_PAGE
from acq.jobs.program import ACQ
from acq.jobs.record import Said, read_said


class StartedVerb:
    """The process, until it has ended."""

    def __init__(self, verb: str, options: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._last: Said | None = None          # what it had printed at its end
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - closed when its process has ended
        self._process = subprocess.Popen(
            [*ACQ, verb, "--json", *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self._err, start_new_session=True,
            env={**os.environ, **FOR_PAGE},
        )

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def said(self) -> Said:
        """What it has printed so far."""
        with self._lock:
            if self._last is None:
                has_ended = self.has_ended      # before what it printed last is read
                said = read_said(Path(os.devnull), self._err.fileno())
                if not has_ended:
                    return said
                self._last = said
                self._err.close()
            return self._last

    def stop(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def fault(self) -> str:
        """Return why it failed, in words; "" where it did not. It has ended."""
        said = self.said
        if not self._process.returncode:
            return ""
        last = said.plain or (said.warnings or ("it ended without a word",))[-1]
        return "; ".join(said.errors) or last
