"""What is known of the times of a sensor that has no clock for us: they are told from arrivals.

Our firmware stamps with its own counter and answers pings. A sensor of another maker does neither.
Its samples are stamped when the host has their bytes, so the light was earlier: by the time that
the sensor takes, and by what line, adapter and host add. That bounds a time on one side.
"""

from dataclasses import dataclass

from .protocol import Sample


@dataclass(frozen=True)
class ReadingSample(Sample):
    """A sample of a sensor without a clock; `ticks` are microseconds of the host's clock."""

    reading: float       # as the sensor sent it


@dataclass(frozen=True)
class ArrivalTiming:
    """How the samples of a sensor without a clock are placed, and how far that can be trusted."""

    sensor: str          # its kind
    line_ns: int         # least time that the bytes of a sample take on the line
    spacing_ns: int      # no two samples are sent closer together than this
    # the light is earlier than a sample's time by at most this, if `delay` holds; -1: not known
    delay_most_ns: int
    delay: str           # what the delay is made of, and what is assumed of it
    unseen: str          # which losses cannot be seen

    @property
    def earlier(self) -> str:
        """By how much the light was earlier than a sample's time, in words."""
        if self.delay_most_ns < 0:
            return "an unknown time"
        return f"0 to {self.delay_most_ns / 1e6:.0f} ms"

    @property
    def words(self) -> str:
        """The bound in words."""
        earlier = f"the light was earlier by {self.earlier}"
        return f"one-sided, told from arrivals: {earlier} ({self.delay})"
