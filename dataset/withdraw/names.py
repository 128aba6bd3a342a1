"""The names that lead to a subject: its pseudonym and the ids of its sessions."""

import re
from dataclasses import dataclass
from functools import cached_property

WITHDRAWN = "(withdrawn)"            # replaces a name that stood in the text of a person


@dataclass(frozen=True)
class SubjectNames:
    """A pseudonym and the session ids that belong to it."""

    subject: str
    sessions: frozenset[str]

    others: frozenset[str] = frozenset()     # pseudonyms of the other subjects

    @cached_property
    def _pattern(self) -> "re.Pattern[str]":
        """Match every session id, and the pseudonym, as whole words.

        `S03` is matched neither in `S031` nor in `S03-b`, which are other pseudonyms; session ids
        begin others in the same way (`UBFC2-1` and `UBFC2-11`). A session id that is also the
        pseudonym of another is read as that one.
        """
        sessions = "|".join(map(re.escape, sorted(self.sessions - self.others, key=len)[::-1]))
        pseudonym = rf"{re.escape(self.subject)}(?![A-Za-z0-9_])(?!-(?!\d{{8}}T))"
        names = rf"(?:{sessions})(?![A-Za-z0-9_-])|{pseudonym}" if sessions else pseudonym
        return re.compile(rf"(?<![A-Za-z0-9_-])(?:{names})")

    def are_in(self, text: str) -> bool:
        """Return whether a text names the subject."""
        return self._pattern.search(text) is not None

    def removed_from(self, text: str) -> str:
        """Return a text in which `WITHDRAWN` stands for the subject."""
        return self._pattern.sub(WITHDRAWN, text)

    def include(self, session: str) -> bool:
        """Return whether a session is the subject's: its id is known, or made of the pseudonym.

        `session` is an id, or the key of one of its parts such as `ID#2`.
        """
        session = session.partition("#")[0]
        made_of_pseudonym = rf"{re.escape(self.subject)}-\d{{8}}T\d{{6}}Z(?:-\d+)?"
        return session in self.sessions or re.fullmatch(made_of_pseudonym, session) is not None
