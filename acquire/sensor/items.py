"""What the sensor's thread hands to the recorder, beside the packets themselves."""

from dataclasses import dataclass

from .port import Received
from .protocol import Hello, Pong


@dataclass(frozen=True)
class Exchange:
    """A ping that was answered."""

    sent_ns: int
    pong: Pong
    recv_ns: int


@dataclass(frozen=True)
class ClockReading:
    """CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW, read together."""

    monotonic_ns: int
    raw_ns: int


@dataclass(frozen=True)
class SensorLost:
    """From here on the sensor is away."""

    time_ns: int
    cause: str            # of the gap that begins
    reason: str


@dataclass(frozen=True)
class SensorBack:
    """The sensor is there again; the next sample lies behind a gap."""

    time_ns: int
    hello: Hello
    cause: str            # of the gap, where no `SensorLost` came before
    port: str


Item = Received | Exchange | ClockReading | SensorLost | SensorBack
