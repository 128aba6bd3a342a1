"""Check of the date that this machine's clock says; a recording is named by it."""

from acquire.errors import SessionError
from acquire.host_time import doubt_date

from .result import WARN, Check, check_from_error


def check_date(unix_s: float) -> list[Check]:
    """Return a warning where the date cannot be right, a failure where no session can hold it."""
    try:
        doubt = doubt_date(unix_s)
    except SessionError as error:
        return [check_from_error("date", error)]
    return [Check("date", WARN, doubt, "set its date and time")] if doubt else []
