"""The rule that makes a grade of flags: a failure makes a session bad, a warning usable."""

from collections.abc import Sequence

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
