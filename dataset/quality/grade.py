"""The rule that makes a grade of flags: a failure makes a session bad, a warning usable."""

from collections.abc import Sequence
from dataclasses import replace

from acquire.limits import MOST_FLAGS

from .result import Flag, Grade


def grade_of(flags: Sequence[Flag]) -> Grade:
    """Return the grade that flags lead to."""
    severities = {flag.severity for flag in flags}
    return "bad" if "failure" in severities else "usable" if "warning" in severities else "good"


def sort_flags(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """Sort flags: those of the whole session first, then by time."""
    return tuple(
        sorted(flags, key=lambda flag: (-1.0 if flag.from_s is None else flag.from_s, flag.kind))
    )


def join_many(flags: Sequence[Flag]) -> list[Flag]:
    """Return the flags with those of a kind as one where they are more than `MOST_FLAGS`.

    It goes from the first of them to the last, and tells of the worst and how many there are.
    """
    kept = []
    for kind in dict.fromkeys(flag.kind for flag in flags):
        of_kind = [flag for flag in flags if flag.kind == kind]
        if len(of_kind) > MOST_FLAGS:
            worst = max(of_kind, key=lambda flag: abs(flag.value or 0.0))
            begins = [flag.from_s for flag in of_kind if flag.from_s is not None]
            ends = [flag.to_s for flag in of_kind if flag.to_s is not None]
            of_kind = [replace(
                worst, from_s=min(begins, default=None), to_s=max(ends, default=None),
                text=f"{len(of_kind)} times, the worst: {worst.text}",
            )]
        kept += of_kind
    return kept
