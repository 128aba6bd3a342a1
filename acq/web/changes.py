"""The log of what was changed through the studio: a line each on stderr, with its time.

It is no file: one that names sessions and reasons would have to be kept from others, and cleared
when a subject withdraws. What was decided stands in the data folder, with its time; whoever wants
the lines, too, sends stderr to a file.
"""

from dataclasses import dataclass
from datetime import datetime

from acq.terminal.printing import note

MOST_KEPT = 200


@dataclass(frozen=True)
class Change:
    """One change."""

    at: str                    # ISO 8601, local time
    text: str


class ChangeLog:
    """What was changed since the studio began."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self.count = 0                              # of all, also of those no longer kept

    def add(self, text: str) -> Change:
        """Note a change now, and print it."""
        change = Change(datetime.now().astimezone().isoformat(" ", "seconds"), text)
        self._changes = [*self._changes, change][-MOST_KEPT:]
        self.count += 1
        note(f"{change.at}  {change.text}")
        return change

    @property
    def newest_first(self) -> list[Change]:
        """The last changes."""
        return self._changes[::-1]
