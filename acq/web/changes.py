"""The log of what was changed through the studio, `DATA/studio/changes.log`: a line each.

A line has its time and what was done to which session or set, and is printed on stderr, too.
Reasons are not in it: they stand with the decisions. A withdrawal takes the subject's names out of
the log (`dataset.withdraw`).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from acq.terminal.printing import note, visible
from acquire.data_folder import changes_file
from acquire.writing import CHANGES, WAIT_S, hold, refuse_links_out

MOST_SHOWN = 200
_TAIL_BYTES = 64 * 1024
_BETWEEN = "  "


@dataclass(frozen=True)
class Change:
    """One change."""

    at: str                    # ISO 8601, local time
    text: str


class ChangeLog:
    """What was changed in a data folder through the studio, now and before."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.path = changes_file(data)

    def add(self, text: str) -> Change:
        """Note a change now, and print it.

        Raises
        ------
        OSError : it cannot be written
        BusyError : another process writes the log, and keeps it
        """
        at = datetime.now().astimezone().isoformat(" ", "seconds")
        change = Change(at, visible(" ".join(text.split())))
        refuse_links_out(self._data, self.path)
        with (
            hold(self.path.parent, CHANGES, make=True, wait_s=WAIT_S),
            self.path.open("a", encoding="utf-8") as file,
        ):
            file.write(f"{change.at}{_BETWEEN}{change.text}\n")
        note(f"{change.at}{_BETWEEN}{change.text}")
        return change

    @property
    def newest_first(self) -> list[Change]:
        """The last changes."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        lines = text.splitlines()[1 if size > _TAIL_BYTES else 0:]
        changes = [Change(*line.partition(_BETWEEN)[::2]) for line in lines]
        return changes[::-1][:MOST_SHOWN]
