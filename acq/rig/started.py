"""A recording that a page started: `acq record` as a process in a session of its own.

The studio may end, or be killed: the recording goes on, and the next studio finds it by its socket.
What it prints goes to files without a name, never to a pipe, which would end with the studio.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence

from acq.jobs.program import ACQ
from acq.running.watch import WatchedRecording


class StartedRecording:
    """The process, until it has ended."""

    def __init__(self, options: Sequence[str]) -> None:
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - closed when its process has ended
        self._process = subprocess.Popen(
            [*ACQ, "record", "--json", *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self._err, start_new_session=True,
        )

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def is_(self, watched: WatchedRecording) -> bool:
        """Return whether a recording that is watched is this one."""
        return watched.path.stem == str(self._process.pid)

    def stop(self) -> None:
        """Ask it to end before it records."""
        self._process.terminate()

    def fault(self) -> str:
        """Return why it failed, in words; "" where it did not. It has ended."""
        self._err.seek(0)
        lines = self._err.read().decode(errors="replace").splitlines()
        self._err.close()
        if not self._process.returncode:
            return ""
        errors = []
        for line in lines:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict) and "error" in told:
                errors.append(str(told["error"]))
        return "; ".join(errors) or (lines[-1] if lines else "it ended without a word")
