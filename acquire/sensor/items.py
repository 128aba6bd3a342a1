"""What the sensor's thread hands on: packets, exchanges, clock readings, losses."""

from dataclasses import dataclass

from acquire.host_time import ClockReading, Suspension

from .pings import Exchange
from .protocol import Hello
from .stamped_port import Received


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


@dataclass(frozen=True)
class SensorSays:
    """A sensor of another maker says something new of its state."""

    time_ns: int
    text: str             # such as "finger out"; "" where it says nothing any more


@dataclass(frozen=True)
class ScaleWidened:
    """Readings of another maker's sensor were beyond its scale: from here on it is wider."""

    time_ns: int
    before: tuple[float, float]     # lowest and highest reading
    scale: tuple[float, float]      # the same from here on
    hello: Hello                    # with the resolution of that scale


SensorItem = (
    SensorSays | ScaleWidened | Received | Exchange | ClockReading | Suspension | SensorLost
    | SensorBack
)
