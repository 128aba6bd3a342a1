"""A verb that a page started, `acq record` or `acq calibrate`: a process in a session of its own.

The studio may end, or be killed: the process goes on; the next studio finds a recording by its
socket. What it prints goes to files without a name, never to a pipe, which would end with the
studio.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from acq.advice import FOR_PAGE
from acq.jobs.program import ACQ
from acq.jobs.record import Said, read_result, read_said


class StartedVerb:
    """The process, until it has ended."""

    def __init__(self, verb: str, options: Sequence[str]) -> None:
        # closed with this object
        self._out = tempfile.TemporaryFile()  # noqa: SIM115
        self._err = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [*ACQ, verb, "--json", *options], stdin=subprocess.DEVNULL, stdout=self._out,
            stderr=self._err, start_new_session=True, env={**os.environ, **FOR_PAGE},
        )

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def said(self) -> Said:
        """What it has printed so far."""
        return read_said(self._out.fileno(), self._err.fileno())

    def result(self) -> Any | None:
        """Return the document that it printed; None where it has printed none."""
        return read_result(self._out.fileno())

    def stop(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def fault(self) -> str:
        """Return why it failed, in words; "" where it did not. It has ended."""
        if not self._process.returncode:
            return ""
        said = self.said
        last = said.plain or (said.warnings or ("it ended without a word",))[-1]
        return "; ".join(said.errors) or last


class StartedRecording(StartedVerb):
    """A recording."""

    def __init__(self, options: Sequence[str]) -> None:
        super().__init__("record", options)
