"""Contec pulse oximeters that send packets of five bytes: CMS50D+ before firmware 4.6, CMS50E.

60 packets a second at 19200 baud with odd parity. Bit 7 is set in the first byte of a packet and
clear in the others:

    0  signal strength (bits 0 to 3), 0x10 no finger, 0x20 oxygen falls, 0x40 beep
    1  waveform, 0 to 127
    2  bar (bits 0 to 3), 0x10 error of the probe, 0x20 searching for the pulse, 0x40 rate's bit 7
    3  pulse rate, bits 0 to 6
    4  oxygen saturation

A packet has no number. A CMS50E streams when its menu says so, or once it was sent a byte; three
times 0xf6 bring a device that plays a recording back to live data.

Sources: github.com/atbrask/CMS50Dplus; apneaboard.com, "Contec CMS50X Data Format"; tranzoa.net,
"CMS50E Pulse Oximeter USB / Serial Protocol". Other readers take 0x10 of the first byte for
"searches for long". A real device was not at hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import serial

from acquire.sensor.stamped_port import Line

from .kind import Reading, Requests

SIZE = 5
NO_FINGER, NO_PROBE, SEARCHING = "no finger", "the probe has an error", "it searches for the pulse"


class _Packets:
    def __init__(self) -> None:
        self.damaged = 0
        self._packet = b""              # empty before the first byte with bit 7

    def feed(self, data: bytes) -> Iterator[Reading]:
        """Yield the reading of every packet that is whole, with its last byte."""
        for byte in data:
            if byte & 0x80:
                self.damaged += 0 < len(self._packet) < SIZE
                self._packet = bytes([byte])
            elif 0 < len(self._packet) < SIZE:
                self._packet += bytes([byte])
                if len(self._packet) == SIZE:
                    yield Reading(float(self._packet[1]), _status(self._packet))


def _status(packet: bytes) -> str:
    if packet[0] & 0x10:
        return NO_FINGER
    if packet[2] & 0x10:
        return NO_PROBE
    return SEARCHING if packet[2] & 0x20 else ""


@dataclass(frozen=True)
class Contec5Byte:
    """A Contec oximeter with packets of five bytes."""

    name: str = "contec-5byte"
    title: str = "a Contec CMS50D+ or CMS50E with packets of 5 bytes"
    lines: tuple[Line, ...] = (Line(19_200, serial.PARITY_ODD), Line(19_200))
    rate_hz: int | None = 60
    scale: tuple[int, int] | None = (0, 127)
    clips: bool = False                 # it draws the waveform at a height of its own
    needed: int = 10
    rate_error: float = 0.02            # no oscillator that a UART works with is further off
    least_bytes: int = SIZE
    requests: Requests = field(default_factory=lambda: Requests(start=b"\xf6\xf6\xf6"))
    delay: str = "its maker does not say how long it takes from light to packet"

    def delay_most_s(self, line: Line, rate_hz: int) -> float | None:
        """Return None: no delay is stated."""
        return None

    def decoder(self) -> _Packets:
        """Return what reads a new connection."""
        return _Packets()
