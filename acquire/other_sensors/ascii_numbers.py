"""Sketches that print a number a line, as those for analog pulse sensors do.

A line is the reading as text. The sketches of the PulseSensor mark the readings with an S
(`S512`), and print two more kinds of line at each beat, B and Q, which are passed over.

Source: PulseSensor Amped for Arduino, AllSerialHandling.ino (`S`, `B` and `Q` before a number).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from acquire.sensor.stamped_port import Line

from .kind import Reading, Requests

_READING = re.compile(rb"S?\s*(-?\d{1,12}(?:\.\d{1,12})?)")
_BEAT = re.compile(rb"[BQ]\s*\d{1,6}")
_LONGEST_LINE = 64
_BUFFER_BYTES = 64              # of an Arduino's serial output
_ADAPTER_S = 0.016              # an FTDI holds bytes no longer, unless set otherwise


class _Lines:
    def __init__(self) -> None:
        self.damaged = 0
        self._rest = b""
        self._is_inside = False         # a whole line has ended: what follows begins with a line

    def feed(self, data: bytes) -> Iterator[Reading]:
        """Yield the number of every line that ends; the first line may be part of one."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            text = line.strip()
            is_first, self._is_inside = not self._is_inside, True
            if is_first or not text or _BEAT.fullmatch(text):
                continue
            if match := _READING.fullmatch(text):
                yield Reading(float(match[1]))
            else:
                self.damaged += 1


@dataclass(frozen=True)
class AsciiNumbers:
    """A sketch that prints its readings, one a line."""

    name: str = "ascii"
    title: str = "a sketch that prints numbers"
    lines: tuple[Line, ...] = (Line(115_200), Line(9_600), Line(57_600))
    rate_hz: int | None = None
    scale: tuple[int, int] | None = None
    clips: bool = True
    needed: int = 4
    # a loop that waits 20 ms and prints is slower or quicker by the digits that it prints
    rate_error: float = 0.1
    least_bytes: int = 0                # boards with native USB have no line
    requests: Requests = field(default_factory=Requests)
    delay: str = (
        "if the sketch prints each reading at once, without smoothing, through a buffer of "
        "64 bytes and an adapter that waits 16 ms at most"
    )

    def delay_most_s(self, line: Line, rate_hz: int) -> float | None:
        """Return the time of a full buffer on the line, of a period and of the adapter [s]."""
        return _BUFFER_BYTES * line.bits_per_byte / line.baud + 1 / rate_hz + _ADAPTER_S

    def decoder(self) -> _Lines:
        """Return what reads a new connection."""
        return _Lines()


# What it prints looks like a converter of 14 or 16 bits, whose pulse is far larger, where the light
# is below 65,536: nothing in the numbers tells the two apart.
PRINTED_MAX30102 = AsciiNumbers(
    name="ascii-18bit", title="a sketch that prints a MAX30102's 18 bits",
    scale=(0, 2**18 - 1),
)
