"""Jobs that run and have run: begun as children in sessions of their own, cancelled by a signal.

A job does not end with the studio, and a later studio finds it by its record: still running, ended
as its output says, or gone without a word. To cancel is to send SIGTERM, which ends a verb as
Ctrl-C does. What a withdrawal prints names the subject, so it goes into files that have no name.
Jobs have a low priority from their beginning on: a recording may start at any time, and where
nothing else runs they are as fast as ever.
"""

import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from acquire.data_folder import SESSION_SUFFIX, jobs_dir, sessions_dir, subjects_in
from acquire.errors import AcqError, CurationError
from acquire.writing import refuse_links_out
from dataset.withdraw.names import SubjectNames

from .program import ACQ
from .record import (
    ERR,
    JOB,
    LOCK,
    OUT,
    Progress,
    Record,
    Said,
    State,
    is_locked,
    read_record,
    read_result,
    read_said,
    state_of,
    take_lock,
    write_record,
)
from .request import WITHDRAW, Command, JobRequest, command_of
from .told import words_of

_UNSEEN = "its end was not seen: the studio had ended before it did, and it left no word"
_UNSEEN_JOB = (
    f"{_UNSEEN}, as after a kill or a power cut; what it writes is there whole or not at all"
)
_UNSEEN_WITHDRAWAL = (
    f"{_UNSEEN}, as it is kept nowhere. If the subject is still in the list of sessions, delete it "
    "again, which completes it; if not, acq withdraw with its name, in a terminal, finds what is "
    "left"
)
MOST_KEPT = 50
NICE = 5                            # a third of the weight of what has the processor first


@dataclass(frozen=True)
class JobView:
    """A job as pages show it."""

    id: str
    verb: str
    title: str
    begun: str
    ended: str
    state: State
    stage: str
    done: int
    total: int
    words: tuple[str, ...]              # errors and warnings, or why its end is not known
    told: tuple[str, ...]               # what it did
    has_result: bool


class _Job:
    """One job: its record, and its process where this studio began it."""

    def __init__(self, folder: Path, record: Record, asked: JobRequest | None = None) -> None:
        self.folder, self.record, self.asked = folder, record, asked
        self.names: SubjectNames | None = None       # of who withdraws
        self.process: subprocess.Popen[bytes] | None = None
        self.out: Path | int = folder / OUT
        self.err: Path | int = folder / ERR

    @property
    def is_running(self) -> bool:
        if self.process is not None:
            return self.record.exit_code is None
        return not self.record.ended and is_locked(self.folder)

    def said(self) -> Said:
        return read_said(self.out, self.err)


class Jobs:
    """The jobs of one data folder, also those that an earlier studio began.

    Parameters
    ----------
    program : what runs a verb, before its name
    on_begin, on_end : called with each job that is begun here, and once it has ended
    """

    def __init__(
        self, data: Path, program: Sequence[str] = ACQ, *,
        on_begin: Callable[[JobView], object] = lambda job: None,
        on_end: Callable[[JobView], object] = lambda job: None,
    ) -> None:
        self._data, self._program, self._lock = data, program, threading.Lock()
        self._beginning = threading.Lock()
        self._on_begin, self._on_end = on_begin, on_end
        self._jobs: dict[str, _Job] = {}
        for folder in sorted(jobs_dir(data).glob("*/")):
            if not (folder / JOB).exists():
                self._remove_rest(folder)
            with suppress(AcqError):
                self._jobs[folder.name] = _Job(folder, read_record(folder))

    def begin(self, asked: JobRequest) -> JobView:
        """Begin a job; one that was begun here and still runs is not begun twice.

        Raises
        ------
        AcqError : as `command_of`; or the data folder's part for jobs is a link to another place
        OSError : no process can be begun, or nothing written
        """
        command = command_of(asked, self._data)
        with self._beginning:
            for job in list(self._jobs.values()):
                if job.asked == asked and job.is_running:
                    return self._view(job)
            return self._begin(asked, command)

    def _begin(self, asked: JobRequest, command: Command) -> JobView:
        now = datetime.now().astimezone()
        name = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        folder = jobs_dir(self._data) / name
        refuse_links_out(self._data, folder)
        folder.mkdir(parents=True, mode=0o700)
        try:
            job = _Job(folder, Record(
                name, asked.verb, command.title, now.isoformat(" ", "seconds"), pid=0,
            ), asked)
            if asked.verb == WITHDRAW:
                job.names = self._names_of(asked.subject)
            self._start(job, command.arguments)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._jobs[name] = job
            self._forget_oldest()
        threading.Thread(target=self._wait, args=(job,), daemon=True, name=name).start()
        view = self._view(job)
        self._on_begin(view)
        return view

    def _start(self, job: _Job, arguments: tuple[str, ...]) -> None:
        out, err = (_make_file(job.folder / name) for name in (OUT, ERR))
        lock = take_lock(job.folder)
        if job.record.verb == WITHDRAW:
            for name in (OUT, ERR):
                (job.folder / name).unlink()
            job.out, job.err = os.dup(out), os.dup(err)
        try:
            job.process = subprocess.Popen(
                [*self._program, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                pass_fds=(lock,), start_new_session=True,
            )
            _give_way(job.process.pid)
            job.record = replace(job.record, pid=job.process.pid)
            try:
                write_record(job.folder, job.record)
            except BaseException:                    # nobody could watch or cancel it
                job.process.kill()
                job.process.wait()
                raise
        finally:
            for descriptor in (lock, out, err):      # from here on the process alone has them
                os.close(descriptor)

    def _wait(self, job: _Job) -> None:
        """Note how a job ended."""
        assert job.process is not None
        code = job.process.wait()
        with self._lock:
            ended = datetime.now().astimezone().isoformat(" ", "seconds")
            code = code if code >= 0 else 128 - code            # as a shell counts signals
            noted = replace(job.record, ended=ended, exit_code=code)
            if job.names is not None:
                said, unnamed = job.said(), job.names.removed_from
                words = _words(noted, said, state_of(noted, said, is_running=False))
                told = words_of(noted.verb, said.result)
                noted = replace(
                    noted, words=tuple(map(unnamed, words)), told=tuple(map(unnamed, told))
                )
            try:
                if (job.folder / JOB).exists():
                    write_record(job.folder, noted)
            finally:                # who sees that it has ended finds that on the disk, too
                job.record = noted
        self._on_end(self._view(job))

    def cancel(self, name: str) -> JobView:
        """Ask a job to end, as Ctrl-C does; one that has ended stays as it is.

        Raises
        ------
        CurationError : there is none
        """
        job = self._find(name)
        with self._lock:
            if job.is_running:
                with suppress(ProcessLookupError):
                    os.kill(job.record.pid, signal.SIGTERM)
        return self._view(job)

    def listed(self) -> list[JobView]:
        """Return every job, the newest first."""
        with self._lock:
            # a withdrawal removes the records that name its subject
            for name, job in list(self._jobs.items()):
                if not (job.folder / JOB).exists() and not job.is_running:
                    del self._jobs[name]
                    self._remove_rest(job.folder)
            jobs = list(self._jobs.values())
        return [self._view(job) for job in sorted(jobs, key=lambda job: job.record.id)[::-1]]

    def result(self, name: str) -> Any | None:
        """Return the document that a job printed; None where it printed none.

        Raises
        ------
        CurationError : there is no such job
        """
        return read_result(self._find(name).out)

    def view(self, name: str) -> JobView:
        """Return one job.

        Raises
        ------
        CurationError : there is none
        """
        return self._view(self._find(name))

    def _find(self, name: str) -> _Job:
        job = self._jobs.get(name)
        if job is None:
            raise CurationError(expected="a job", found=repr(name), fix="load the page again")
        return job

    def _forget_oldest(self) -> None:
        ended = [name for name, job in sorted(self._jobs.items()) if not job.is_running]
        for name in ended[:max(0, len(self._jobs) - MOST_KEPT)]:
            shutil.rmtree(self._jobs.pop(name).folder, ignore_errors=True)

    def _remove_rest(self, folder: Path) -> None:
        """Remove the folder of a job whose record a withdrawal removed; one that begins stays."""
        with suppress(AcqError, OSError):
            refuse_links_out(self._data, folder / LOCK)
            if (folder / LOCK).exists() and not is_locked(folder):
                shutil.rmtree(folder)

    def _names_of(self, subject: str) -> SubjectNames:
        home = sessions_dir(self._data) / subject
        sessions = frozenset(path.stem for path in home.glob(f"*{SESSION_SUFFIX}"))
        return SubjectNames(
            subject, sessions, frozenset(subjects_in(self._data)) - {subject}
        )

    def _view(self, job: _Job) -> JobView:
        said, record = job.said(), job.record
        state = state_of(record, said, is_running=job.is_running)
        told = () if state == "running" else words_of(record.verb, said.result)
        progress = said.progress if state == "running" else Progress()
        return JobView(
            id=record.id, verb=record.verb, title=record.title, begun=record.begun,
            ended=record.ended, state=state, words=_words(record, said, state) or record.words,
            told=told or record.told, has_result=said.has_result, **asdict(progress),
        )


def _words(record: Record, said: Said, state: State) -> tuple[str, ...]:
    """Return the errors and warnings of a job, or why its end is not known."""
    words = (*said.errors, *said.warnings)
    if state == "failed" and not said.errors and (said.plain or not said.is_well):
        return (*words, said.plain or "its result says what is not as it should be")
    if state == "not known":
        return (*words, _UNSEEN_WITHDRAWAL if record.verb == WITHDRAW else _UNSEEN_JOB)
    return words


def _give_way(pid: int) -> None:
    """Lower the priority of a job that has just begun, and of all that it will begin."""
    with suppress(OSError):             # it has ended already, or the system has no such file
        os.setpriority(os.PRIO_PGRP, pid, NICE)
        # where Linux shares the processor between sessions, nice values count within one alone
        Path(f"/proc/{pid}/autogroup").write_text(f"{NICE}\n", encoding="ascii")


def _make_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
