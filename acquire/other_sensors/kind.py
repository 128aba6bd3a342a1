"""What a kind of contact sensor states of itself; to add one, write one file that does.

The rest is the same for all of them: `find` recognises it, `port` reads it, `thread` hands its
samples to the recorder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from acquire.sensor.stamped_port import Line


class Reading(NamedTuple):
    """One number of a sensor, as it sent it."""

    value: float
    status: str = ""            # what it says of itself, such as "finger out"; empty: nothing


class NumberedReading(NamedTuple):
    """A reading, and how many before it on this connection came damaged."""

    reading: Reading
    damaged: int


class Decoder(Protocol):
    """Cuts the bytes of one open port into readings."""

    damaged: int                # packets or lines that could not be read; each was one reading

    def feed(self, data: bytes) -> Iterator[Reading]:
        """Yield every reading that `data` completes."""
        ...


@dataclass(frozen=True)
class Requests:
    """What a sensor has to be sent so that it streams; empty where it streams by itself."""

    start: bytes = b""
    stop: bytes = b""
    keep_alive: bytes = b""
    keep_alive_s: float = 0.0   # how often


class ContactSensor(Protocol):
    """A kind of contact sensor that streams readings over a serial line."""

    @property
    def name(self) -> str:
        """Short name, which the session carries too."""
        ...

    @property
    def title(self) -> str:
        """What it is, in words."""
        ...

    @property
    def lines(self) -> tuple[Line, ...]:
        """The settings of the line that it may use, the most usual first."""
        ...

    @property
    def rate_hz(self) -> int | None:
        """Its sample rate [Hz]; None where each device has its own, and it is measured."""
        ...

    @property
    def scale(self) -> tuple[int, int] | None:
        """Lowest and highest reading; None where it is told from the first readings."""
        ...

    @property
    def clips(self) -> bool:
        """Whether a reading at an end of the scale was cut off there."""
        ...

    @property
    def needed(self) -> int:
        """How many readings in a row, none damaged, it is recognised by."""
        ...

    @property
    def rate_error(self) -> float:
        """By which part of the period two readings may be closer together than it."""
        ...

    @property
    def least_bytes(self) -> int:
        """Bytes of the shortest reading on the line; 0: there may be no line."""
        ...

    @property
    def requests(self) -> Requests:
        """What it has to be sent."""
        ...

    def delay_most_s(self, line: Line, rate_hz: int) -> float | None:
        """Return how long light to arrival takes at most, if `delay` holds [s]; None: not known."""
        ...

    @property
    def delay(self) -> str:
        """What the time from light to arrival is made of, and what is assumed of it."""
        ...

    def decoder(self) -> Decoder:
        """Return what reads a new connection."""
        ...
