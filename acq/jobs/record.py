"""The record of a job on the disk, and what its output says of it.

`DATA/studio/jobs/ID/` holds `job.json`, what the verb printed (`out.json`: its result; `err.jsonl`:
its progress and its errors), and `lock`. The job has `lock` locked from before it begins until its
process is gone, however it goes, so that a later studio knows whether it still runs.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from acquire.atomic import write_text
from acquire.documents import Kind, parse_document, read_document
from acquire.errors import AcqError
from acquire.limits import LARGEST_DOCUMENT_BYTES

from .request import WITHDRAW

JOB, OUT, ERR, LOCK = "job.json", "out.json", "err.jsonl", "lock"
INTERRUPTED = (130, 143)                # exit codes after SIGINT and SIGTERM
ENDED = ("interrupted", "ended by", "ended with")        # how acq.advice words a signal
_MOST_BYTES = 8 * 2**20                 # of stderr, the last ones: a line a second for a day
_STAGE = b'"stage": '                   # in a line of progress; in a text the quotes are escaped
State = Literal["running", "done", "failed", "cancelled", "not known"]


@dataclass(frozen=True)
class Record:
    """What stands in `job.json`."""

    id: str
    verb: str
    title: str
    begun: str                          # ISO 8601, local time
    pid: int
    ended: str = ""                     # ISO 8601; "": not yet, or no studio saw it
    exit_code: int | None = None
    # of a withdrawal, whose output is kept nowhere: what it said and did, without the names
    words: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a job is in its present stage."""

    stage: str = ""
    done: int = 0
    total: int = 0                      # 0: not known


@dataclass(frozen=True)
class _Line:
    """What is read of a line on stderr."""

    note: str = ""
    warning: str = ""
    error: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Said:
    """What a job has printed so far."""

    progress: Progress
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]
    plain: str                          # the last line that is no JSON, as of a traceback
    result: Any | None                  # the document on stdout; None: it is not whole
    is_well: bool = True                # as that says itself; verify has no other word of a fault

    @property
    def has_result(self) -> bool:
        """Whether the document on stdout is whole."""
        return self.result is not None


_RECORD = Kind(Record, "the record of a job", AcqError, "remove its folder")
_LINE = Kind(_Line, "a line of a job", AcqError, "remove its folder")


def read_record(folder: Path) -> Record:
    """Read the record of a job.

    Raises
    ------
    AcqError : it cannot be read
    """
    return read_document(_RECORD, folder / JOB)


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a job."""
    write_text(folder / JOB, json.dumps(asdict(record), indent=1) + "\n", private=True)


def take_lock(folder: Path) -> int:
    """Return a descriptor that holds the lock of a job, to be inherited by its process."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_locked(folder: Path) -> bool:
    """Return whether the process of a job is still there."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def read_said(out: Path | int, err: Path | int) -> Said:
    """Read what a job has printed; each of `out` and `err` is a file, or its descriptor."""
    lines, plain, progress = _lines(_tail(err, _MOST_BYTES))
    result = read_result(out)
    return Said(
        progress, tuple(line.note for line in lines if line.note),
        tuple(line.warning for line in lines if line.warning),
        tuple(line.error for line in lines if line.error), plain, result,
        not (isinstance(result, dict) and result.get("ok") is False),
    )


def read_result(out: Path | int) -> Any | None:
    """Return the document that a job printed; None where it is not whole, or too large."""
    text = _tail(out, LARGEST_DOCUMENT_BYTES)
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        return None


def _lines(text: bytes) -> tuple[list[_Line], str, Progress]:
    """Return the lines that are JSON, without progress; the last one that is not; the progress."""
    lines, plain, progress = [], "", Progress()
    every = text.splitlines()
    latest = max((at for at, line in enumerate(every) if _STAGE in line), default=-1)
    for at, line in enumerate(every):
        if _STAGE in line and at != latest:
            continue
        try:
            read = parse_document(_LINE, line, Path(ERR))
        except AcqError:
            plain = line.decode("utf-8", "replace").strip() or plain
            continue
        if at == latest:
            progress = Progress(read.stage, read.done, read.total)
        else:
            lines.append(read)
    return lines, plain, progress


def _tail(source: Path | int, most: int) -> bytes:
    try:
        descriptor = source if isinstance(source, int) else os.open(source, os.O_RDONLY)
    except OSError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, most, max(0, size - most))
    finally:
        if not isinstance(source, int):
            os.close(descriptor)


def state_of(record: Record, said: Said, *, is_running: bool) -> State:
    """Return how a job stands; one whose end no studio saw is judged by what it printed."""
    if is_running:
        return "running"
    if record.exit_code is None:
        if record.verb == WITHDRAW:
            return "not known"          # what it printed is kept nowhere: it names the subject
        if said.errors or not said.is_well:
            return "failed"
        if any(warning.startswith(ENDED) for warning in said.warnings):
            return "cancelled"
        return "done" if said.has_result else "not known"
    if record.exit_code in INTERRUPTED:
        return "cancelled"
    return "done" if record.exit_code == 0 else "failed"
