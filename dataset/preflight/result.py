"""The result of one check."""

from dataclasses import dataclass

from acquire.errors import AcqError, Fix

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    A failure means that a recording made now would be worthless or end early; a warning, that it
    would be worse than it could be. Face and pulse are warnings unless a subject is there.
    """

    name: str
    status: str                    # OK, WARN or FAIL
    text: str                      # what was found
    fix: Fix | str = ""            # what to do about it


def check_from_error(name: str, error: AcqError, status: str = FAIL) -> Check:
    """Return the check that an error, or a warning, stands for."""
    return Check(name, status, error.facts, error.fix)
