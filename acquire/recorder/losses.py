"""What a recording is missing, counted under its cause."""

from collections import Counter
from dataclasses import dataclass, field

CAMERA_LOST = "lost by the camera"
CAMERA_AWAY = "while the camera was away"
STORAGE_BEHIND = "storage fell behind"
LINE_LOST = "lost on the serial line"
DEVICE_OVERRUN = "overrun on the device"
PART_FAILED = "the MAX30102 failed and was set up anew"
UNWRITTEN = "could not be written"
SILENT_END = "silent at the end"


@dataclass
class Losses:
    """Jumps in one sequence of numbers, by cause."""

    last: int = -1                                      # the latest number
    by_cause: Counter[str] = field(default_factory=Counter)

    def advance(self, sequence: int, cause: str) -> int:
        """Go on to the next sequence number; count and return how many are missing before it."""
        missing = sequence - self.last - 1
        self.last = sequence
        if missing > 0:
            self.by_cause[cause] += missing
        return max(missing, 0)

    def move(self, count: int, *, to: str, old: str) -> None:
        """Count some of the losses under another cause."""
        if count:
            self.by_cause[old] -= count
            self.by_cause[to] += count
            self.by_cause += Counter()                  # removes causes that fell to zero
