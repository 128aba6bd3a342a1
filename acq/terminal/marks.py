"""Marks that are set while a recording runs, by a key or by another program."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acquire.recorder.recorder import Recorder


class Marks:
    """Set marks in one recording, and undo them; from any thread.

    Parameters
    ----------
    standing : those that stand, the time [ns] and the text of each; shared by all who set marks
    """

    def __init__(self, recorder: "Recorder", standing: list[tuple[int, str]]) -> None:
        self._recorder = recorder
        self._standing = standing

    def set(self, number: int | None = None) -> str:
        """Set a mark now, one with a number or one without; return what was done, in words."""
        text = "mark" if number is None else f"mark {number}"
        self._standing.append((self._recorder.mark(text), text))
        return f"{text} set; u undoes it"

    def undo(self) -> str:
        """Undo the last mark that stands; return what was done, in words."""
        try:
            time_ns, text = self._standing.pop()
        except IndexError:
            return "no mark to undo"
        self._recorder.mark(f"{text} at {time_ns}", "mark_undone")
        return f"{text} undone"
