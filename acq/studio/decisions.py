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
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.make_exclusion import make_exclusion

MOST_STEPS = 100
_Step = tuple[tuple[Exclusion, ...], tuple[Exclusion, ...]]      # what was made, what was revoked


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
class UndoSeveralRequest(ExcludeSeveralRequest):
    """Whole sessions whose exclusion for this reason is to be taken back."""


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


@dataclass(frozen=True)
class Told:
    """What a page is told of a decision."""

    out_of_date: list[OutOfDate]
    instead: tuple[str, ...] = ()  # in words, each decision that another one took the place of


class Decisions:
    """Exclusions made and revoked here, and the steps that lead back."""

    def __init__(self, data: Path, log: ChangeLog) -> None:
        self._data = data
        self._log = log
        self._lock = threading.Lock()
        self._steps: dict[str, list[_Step]] = {}         # by session

    def exclude(self, session_files: Sequence[Path], asked: ExcludeRequest) -> Told:
        """Exclude sessions, or a part of each; tell what is out of date now, and what it replaced.

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
                again = {(_part(one), one.reason) for one in revoked}
                if made := tuple(one for one in made if (_part(one), one.reason) not in again):
                    self._remember(session, made=made, revoked=revoked)
            return Told(self._note("excluded", decided), tuple(
                f"Excluded {one.session}, {one.part_text}, {instead}."
                for one in decided.changed if (instead := decided.instead_of(one))
            ))

    def include(self, session: str, asked: IncludeRequest) -> Told:
        """Revoke the decision on one part, and return what is out of date now.

        Raises
        ------
        CurationError, BusyError : as `decide.include`
        """
        with self._lock:
            decided = decide.include(self._data, [session], (asked.from_s, asked.to_s))
            self._remember(session, made=(), revoked=decided.changed)
            return Told(self._note("included again", decided))

    def undo(self, session: str) -> Told:
        """Take the last step on a session back, and return what is out of date now.

        A step that another page or process has taken back already counts as taken back.

        Raises
        ------
        CurationError : there is none
        BusyError : another process has the list
        """
        with self._lock:
            self._forget_taken_back(session)
            if not self._steps.get(session):
                raise CurationError(
                    expected=f"a decision on {session} that was made here", found="none to undo",
                    fix="the list of what is excluded has all others",
                )
            return Told(self._take_back(session, -1))

    def undo_several(self, asked: UndoSeveralRequest) -> Told:
        """Take back that whole sessions were excluded; one that is included again stays so.

        Raises
        ------
        CurationError, BusyError : as `undo`; those before it are taken back
        """
        stale, reason = list[OutOfDate](), " ".join(asked.reason.split())
        with self._lock:
            for session in asked.sessions:
                of_it = [
                    at for at, (made, _) in enumerate(self._steps.get(session, ()))
                    if any(one.is_whole and one.reason == reason for one in made)
                ]
                if of_it:
                    stale = self._take_back(session, of_it[-1]) or stale
        return Told(stale)

    def can_undo(self, session: str) -> bool:
        """Return whether there is a step on a session to take back."""
        with self._lock:
            self._forget_taken_back(session)
            return bool(self._steps.get(session))

    def _take_back(self, session: str, at: int) -> list[OutOfDate]:
        steps, stale = self._steps[session], list[OutOfDate]()
        made, revoked = self._left_of(session, steps[at])
        for exclusion in made:
            decided = decide.include(self._data, [session], _part(exclusion))
            stale = self._note("undone, excluded", decided)
        steps[at] = (), revoked            # what is done is not done again where the rest fails
        if revoked:
            stale = self._note("undone, included", decide.exclude(self._data, revoked))
        del steps[at]
        return stale

    def _forget_taken_back(self, session: str) -> None:
        """Forget the last steps of which nothing is left to take back."""
        steps = self._steps.get(session, [])
        while steps and not any(self._left_of(session, steps[-1])):
            steps.pop()

    def _left_of(self, session: str, step: _Step) -> _Step:
        """Return what of a step nobody has changed since; a younger decision is never undone."""
        made, revoked = step
        reasons = {_part(one): one.reason for one in read_exclusions(self._data).of(session)}
        left = tuple(one for one in made if reasons.get(_part(one)) == one.reason)
        parts = {_part(one) for one in left}
        return left, tuple(
            one for one in revoked
            if (_part(one) in parts if made else _part(one) not in reasons)
        )

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
            OutOfDate(str(path), word_fix(fix, "studio", of=of))
            for path, fix, of in made_before(self._data, decided.changed)
        ]


def _part(exclusion: Exclusion) -> tuple[float | None, float | None]:
    return exclusion.from_s, exclusion.to_s
