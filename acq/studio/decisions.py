"""What a curator decides on a page, through the functions of `acq exclude`; each can be undone."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from acq.advice import word_fix
from acq.web.changes import ChangeLog
from acquire.errors import CurationError
from dataset.selection import decide
from dataset.selection.decide import Decided, made_before
from dataset.selection.exclusions import Exclusion
from dataset.selection.make_exclusion import make_exclusion

MOST_STEPS = 100


@dataclass(frozen=True)
class ExcludeRequest:
    """A session, or a part of it, to exclude."""

    from_s: float | None           # None: from its beginning
    to_s: float | None             # None: to its end
    reason: str


@dataclass(frozen=True)
class ExcludeSeveralRequest:
    """Whole sessions to exclude."""

    sessions: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class IncludeRequest:
    """A part of a session whose exclusion is to be revoked; None and None: the whole session."""

    from_s: float | None
    to_s: float | None


@dataclass(frozen=True)
class OutOfDate:
    """Something that was made before a decision."""

    path: str
    mend: str                      # in words


class Decisions:
    """Exclusions made and revoked here, and the steps that lead back."""

    def __init__(self, data: Path, log: ChangeLog) -> None:
        self._data = data
        self._log = log
        self._lock = threading.Lock()
        # by session: what was made, and what was revoked, in each step
        self._steps: dict[str, list[tuple[tuple[Exclusion, ...], tuple[Exclusion, ...]]]] = {}

    def exclude(self, session_files: Sequence[Path], asked: ExcludeRequest) -> list[OutOfDate]:
        """Exclude sessions, or a part of each, and return what is out of date now.

        Raises
        ------
        CurationError, SessionError, BusyError : as `make_exclusion` and `decide.exclude`
        """
        with self._lock:
            exclusions = [
                make_exclusion(path, from_s=asked.from_s, to_s=asked.to_s, reason=asked.reason)
                for path in session_files
            ]
            decided = decide.exclude(self._data, exclusions)
            for session in {exclusion.session for exclusion in exclusions}:
                made, revoked = (
                    tuple(one for one in of if one.session == session)
                    for of in (decided.changed, decided.replaced)
                )
                self._remember(session, made=made, revoked=revoked)
            return self._note("excluded", decided)

    def include(self, session: str, asked: IncludeRequest) -> list[OutOfDate]:
        """Revoke the decision on one part, and return what is out of date now.

        Raises
        ------
        CurationError, BusyError : as `decide.include`
        """
        with self._lock:
            decided = decide.include(self._data, [session], (asked.from_s, asked.to_s))
            self._remember(session, made=(), revoked=decided.changed)
            return self._note("included again", decided)

    def undo(self, session: str) -> list[OutOfDate]:
        """Take the last step on a session back, and return what is out of date now.

        Raises
        ------
        CurationError : there is none, or what it made is no longer there
        BusyError : another process has the list
        """
        with self._lock:
            if not self._steps.get(session):
                raise CurationError(
                    expected=f"a decision on {session} that was made here", found="none to undo",
                    fix="the list of what is excluded has all others",
                )
            steps = self._steps[session]
            made, revoked = steps[-1]
            stale: list[OutOfDate] = []
            for exclusion in made:
                part = exclusion.from_s, exclusion.to_s
                stale = self._note("undone, excluded", decide.include(self._data, [session], part))
            steps[-1] = (), revoked        # what is done is not done again where the rest fails
            if revoked:
                stale = self._note("undone, included", decide.exclude(self._data, revoked))
            steps.pop()
            return stale

    def can_undo(self, session: str) -> bool:
        """Return whether there is a step on a session to take back."""
        return bool(self._steps.get(session))

    def _remember(
        self, session: str, *, made: tuple[Exclusion, ...], revoked: tuple[Exclusion, ...]
    ) -> None:
        steps = self._steps.setdefault(session, [])
        steps.append((made, revoked))
        del steps[:-MOST_STEPS]

    def _note(self, done: str, decided: Decided) -> list[OutOfDate]:
        for exclusion in decided.changed:
            self._log.add(f"{done}: {exclusion.session}, {exclusion.part_text}")
        return [
            OutOfDate(str(path), word_fix(fix, "studio", of=path.name))
            for path, fix in made_before(self._data, decided.changed)
        ]
