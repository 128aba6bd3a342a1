"""What a curator excluded: whole sessions or parts of them, each with a reason, and reversibly.

An exclusion touches no recording. An excluded session is not in a split, an excluded part is in no
curated folder, and training refuses folders that were made before the decision.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from acquire import data_folder
from acquire.errors import CurationError, Fix
from dataset.common.spans import join_spans
from dataset.common.wording import clock_time

_LONGEST_S = 1e9


@dataclass(frozen=True)
class Exclusion:
    """One decision; times are seconds after the session's start.

    Raises
    ------
    ValueError : no session id, no reason or one that is no text, or a part that is none
    """

    session: str               # session id
    from_s: float | None       # None: from its beginning
    to_s: float | None         # None: to its end
    reason: str
    decided: str               # ISO 8601, UTC

    def __post_init__(self) -> None:
        if not data_folder.is_session_id(self.session):
            raise ValueError(f"{self.session!r} instead of a session id")
        if not self.reason.strip():
            raise ValueError(f"no reason for the exclusion of {self.session}")
        if any("\ud800" <= char <= "\udfff" for char in self.reason):     # no JSON holds these
            raise ValueError(f"a reason with bytes that are no text, {self.reason!r}")
        for end in (self.from_s, self.to_s):
            if end is not None and not 0 <= end < _LONGEST_S:
                where = "before its start" if end < 0 else "30 years and more after its start"
                raise ValueError(f"a part of {self.session} that begins or ends {where}: {end:g} s")
        if self.from_s is not None and self.to_s is not None and self.from_s >= self.to_s:
            how = "ends before it begins" if self.from_s > self.to_s else "ends where it begins"
            raise ValueError(f"a part that {how}, {self.part_text}")

    @property
    def is_whole(self) -> bool:
        """True where it excludes the whole session."""
        return self.from_s is None and self.to_s is None

    @property
    def part_text(self) -> str:
        """What it excludes, in words."""
        return "the whole session" if self.is_whole else _part_text(self.from_s, self.to_s)


@dataclass(frozen=True)
class Exclusions:
    """All decisions, sorted by session and time."""

    listed: tuple[Exclusion, ...] = ()

    def of(self, session: str) -> tuple[Exclusion, ...]:
        """Return the decisions on one session."""
        return tuple(exclusion for exclusion in self.listed if exclusion.session == session)

    def is_excluded(self, session: str) -> bool:
        """Return whether the whole session is excluded."""
        return any(exclusion.is_whole for exclusion in self.of(session))

    def spans_s(self, session: str) -> list[tuple[float, float]]:
        """Return the excluded spans [s after the session's start], joined and in order.

        An open end is infinite.
        """
        return join_spans(
            (
                float("-inf") if exclusion.from_s is None else exclusion.from_s,
                float("inf") if exclusion.to_s is None else exclusion.to_s,
            )
            for exclusion in self.of(session)
        )

    def adding(self, new: Exclusion) -> "Exclusions":
        """Return these and a new one, which replaces a decision on the very same part."""
        kept = [
            exclusion for exclusion in self.listed
            if (exclusion.session, exclusion.from_s, exclusion.to_s)
            != (new.session, new.from_s, new.to_s)
        ]
        return Exclusions(sort_exclusions([*kept, new]))

    def removing(
        self, session: str, part: tuple[float | None, float | None] | None = None
    ) -> tuple["Exclusions", tuple[Exclusion, ...]]:
        """Revoke every decision on a session, or only the one on this part.

        Returns
        -------
        what is left, and what was revoked

        Raises
        ------
        CurationError : there is no such decision
        """
        on_session = self.of(session)
        revoked = tuple(
            exclusion for exclusion in on_session
            if part is None or (exclusion.from_s, exclusion.to_s) == part
        )
        if not revoked:
            parts = ", ".join(exclusion.part_text for exclusion in on_session)
            raise CurationError(
                expected=f"an exclusion of {_part_text(*part)} of {session}" if part
                else f"an exclusion of {session}",
                found=f"only these parts of it excluded: {parts}" if parts
                else "nothing of it excluded",
                fix=Fix.LIST_EXCLUSIONS,
            )
        left = tuple(exclusion for exclusion in self.listed if exclusion not in revoked)
        return Exclusions(left), revoked


def sort_exclusions(exclusions: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    """Sort exclusions by session, then by time."""
    return tuple(
        sorted(
            exclusions,
            key=lambda exclusion: (
                exclusion.session, exclusion.from_s or 0.0, exclusion.to_s or float("inf")
            ),
        )
    )


def _part_text(from_s: float | None, to_s: float | None) -> str:
    first = "its start" if from_s is None else clock_time(from_s, digits=3)
    last = "its end" if to_s is None else clock_time(to_s, digits=3)
    return f"{first} to {last}"
