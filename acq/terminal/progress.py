"""What a verb is doing, on stderr: bars on a terminal, lines in a log or a pipe.

In a log a stage that takes more than a moment has a line, one every half a minute that says how far
it is, also while nothing gets done on a busy machine, and one at its end; what the library logs (an
epoch of a training) is a line of its own. A program that reads them (`--json`) gets one as a stage
begins, and one a second while something gets done.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset.common.wording import clock_time

from .printing import are_errors_json, note

if TYPE_CHECKING:
    from dataset.common.progress import OnProgress

SAY_EVERY_S = 30.0
OBJECT_EVERY_S = 1.0           # at most, where a program reads them
FIRST_S = 3.0                  # a stage that ends sooner has no line
_LOGGED = "models"             # whose log is shown


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator["OnProgress"]:
    """Show how far a verb is; yield the function that it calls.

    The function takes the stage's name, what is done and the total; a stage begins at its first
    call.
    """
    if quiet:
        yield lambda stage, done, total: None
    elif is_drawn():
        with _bars() as on_progress:
            yield on_progress
    else:
        with ProgressObjects() if are_errors_json() else ProgressLines() as lines:
            yield lines.on_progress


def is_drawn() -> bool:
    """Return whether stderr is a terminal on which bars can move."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


@contextmanager
def _bars() -> Iterator["OnProgress"]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    from .console import make_console

    columns = (
        TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    # rich would print on stderr what a verb prints on stdout meanwhile
    bars = Progress(*columns, console=make_console(stderr=True), redirect_stdout=False)
    tasks: dict[str, TaskID] = {}

    def on_progress(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            # not before: bars that never were would leave an empty line before an error
            bars.start()
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)

    try:
        yield on_progress
    finally:
        if tasks:
            bars.stop()


@dataclass
class _Stage:
    """How far a stage is."""

    name: str
    begun_s: float
    done: int = -1
    total: int = 0
    is_told: bool = False


class ProgressLines(logging.Handler):
    """Write progress as lines; a context manager.

    Parameters
    ----------
    say : prints a line
    every_s : between two lines, where nothing else was said [s]
    first_s : how long a stage goes on before its first line [s]
    """

    def __init__(
        self, say: Callable[[str], None] = note, *, every_s: float = SAY_EVERY_S,
        first_s: float = FIRST_S,
    ) -> None:
        super().__init__(logging.INFO)
        self._say_line, self._every_s, self._first_s = say, every_s, first_s
        self._stages: dict[str, _Stage] = {}     # two may go on by turns
        self._latest: _Stage | None = None
        self._said_s = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Note how far a stage is; print it after its first moments, and at its end then."""
        now_s = time.monotonic()
        latest = self._latest = self._stages.setdefault(stage, _Stage(stage, now_s))
        ends = done == total > latest.done
        latest.done, latest.total = done, total
        if ends if latest.is_told else now_s - latest.begun_s >= self._first_s:
            self._say_stage(latest)

    def emit(self, record: logging.LogRecord) -> None:
        """Print what the library logs."""
        self._say(record.getMessage())

    def _say_stage(self, stage: _Stage) -> None:
        stage.is_told = True
        self._say(_in_words(stage))

    def _say(self, line: str) -> None:
        self._said_s = time.monotonic()
        self._say_line(line)

    def _run(self) -> None:
        while not self._closing.wait(self._due_s() - time.monotonic()):
            if self._latest and time.monotonic() >= self._due_s():
                self._say_stage(self._latest)
            elif not self._latest:
                self._said_s = time.monotonic()

    def _due_s(self) -> float:
        """Return when the next line is due, unless something is said before."""
        latest = self._latest
        if latest is None:               # soon enough for a stage that begins meanwhile
            return self._said_s + min(self._first_s or self._every_s, self._every_s)
        if not latest.is_told and latest.done < latest.total:
            return latest.begun_s + self._first_s
        return self._said_s + self._every_s

    def __enter__(self) -> "ProgressLines":
        self._logger = logging.getLogger(_LOGGED)
        self._level = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)
        self._closing.set()
        self._thread.join()


class ProgressObjects(ProgressLines):
    """Write progress as JSON, a line each, with the stage, what is done and the total apart."""

    def __init__(self) -> None:
        super().__init__(first_s=0.0)

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Note how far a stage is; print it at its beginning, its end, and once a second."""
        super().on_progress(stage, done, total)
        if self._latest and time.monotonic() - self._said_s >= OBJECT_EVERY_S:
            self._say_stage(self._latest)

    def _say_stage(self, stage: _Stage) -> None:
        self._said_s, stage.is_told = time.monotonic(), True
        note(_in_words(stage), stage=stage.name, done=stage.done, total=stage.total)


def _in_words(stage: _Stage) -> str:
    took_s = time.monotonic() - stage.begun_s
    after = f" after {clock_time(took_s, digits=0)}" if took_s >= 1 else ""
    return f"{stage.name}: {stage.done} of {stage.total}{after}"
