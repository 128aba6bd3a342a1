"""Ctrl-C, SIGTERM and a terminal that goes away: each ends the work at once, and cleanly.

A signal becomes an exception in the main thread, so that every `finally` on its way removes what is
half made. Not every library lets an exception pass: one that is swallowed, as by an import that
takes it for a missing module, is raised again as soon as it is gone. A signal that comes while what
is half made is being removed is not heard; `PATIENCE_S` later another one ends the process at once.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Literal

PATIENCE_S = 2.0
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_MOST_SWALLOWED = 50
_AGAIN_S = 0.01

# of a training: nothing yet, a run to resume, also where an error ended it, or a whole one
Left = Literal["nothing", "to resume", "after an error", "whole"]

_heard: dict[str, Any] = {
    "since_s": None, "swallowed": 0, "again": None, "held": 0, "waiting": None,
    "left": "nothing",
}


class _ComesBack(BaseException):
    """An exception that is raised again where it was swallowed."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number
        self.accepted = False

    @property
    def exit_code(self) -> int:
        """What a shell expects: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
        return 128 + self.number

    def __reduce__(self):
        """Let it travel to another process, where it does not come back."""
        return _accepted, (type(self), self.number)

    def __del__(self) -> None:
        if self.accepted or sys.is_finalizing():
            return
        _heard["since_s"] = None
        _heard["swallowed"] += 1
        if _heard["swallowed"] > _MOST_SWALLOWED:
            os._exit(self.exit_code)
        # not here: what is raised while an object is removed goes nowhere
        _heard["again"] = type(self), self.number
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _accepted(kind: type[_ComesBack], number: int) -> _ComesBack:
    error = kind(number)
    error.accepted = True
    return error


class Interrupted(_ComesBack, KeyboardInterrupt):
    """A signal asked this process for the end; it comes back until `accept` has had it."""


class WorkerEnded(_ComesBack, SystemExit):
    """The process that this one works for asked for the end; it comes back in the same way."""


def raise_on_signals(*names: str, error: type[_ComesBack] = Interrupted) -> None:
    """Raise an error in the main thread on a signal; one that is ignored (nohup) stays so."""
    sys.unraisablehook = _pass_over_signals
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _raise_again)
    for number in heard(*names):
        signal.signal(number, partial(_raise, error))


def heard(*names: str) -> list[signal.Signals]:
    """Return the signals that this system has and this process does not ignore, as nohup does."""
    numbers = (getattr(signal, name, None) for name in names)
    return [
        number for number in numbers
        if number is not None and signal.getsignal(number) != signal.SIG_IGN
    ]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hear signals at the end of the block only: for the moment in which files change places."""
    _heard["held"] += 1
    try:
        yield
    finally:
        _heard["held"] -= 1
        if not _heard["held"] and (waiting := _heard["waiting"]) is not None:
            _heard["waiting"] = None
            error, number = waiting
            _raise(error, number, None)


def note_left(left: Left) -> None:
    """Note what is left of the work under way where a signal ends it from now on."""
    _heard["left"] = left


def what_is_left() -> Left:
    """Return what `note_left` noted last."""
    return _heard["left"]


def accept(error: BaseException | None) -> _ComesBack | None:
    """Return the signal that an error came from, which then does not come back; else None."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, _ComesBack):
            error.accepted = True
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def _raise(error: type[_ComesBack], number: int, frame: FrameType | None) -> None:
    if _heard["held"]:
        _heard["waiting"] = error, number
        return
    if (since_s := _heard["since_s"]) is not None:
        if time.monotonic() - since_s > PATIENCE_S:
            os._exit(128 + number)
        return
    _heard["since_s"] = time.monotonic()
    raise error(number)


def _raise_again(number: int, frame: FrameType | None) -> None:
    if _heard["again"] is not None:
        error, again = _heard["again"]
        _heard["again"] = None
        _raise(error, again, frame)


def _pass_over_signals(unraisable: Any) -> None:
    """Print what Python cannot raise, as ever, but for a signal, which comes back by itself."""
    if not isinstance(unraisable.exc_value, _ComesBack):
        sys.__unraisablehook__(unraisable)
