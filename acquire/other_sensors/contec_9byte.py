"""Contec pulse oximeters that send packets of nine bytes: CMS50D+ from firmware 4.6, CMS50E.

60 packets a second at 115200 baud, once they were asked for; about 30 s long, unless the host says
now and then that it is still there. Bit 7 is clear in the first byte of a packet and set in the
others, whose own highest bits come together in the second byte, the lowest one first:

    0  kind of packet; 1: live data
    1  the highest bits of bytes 2 to 8
    2  signal strength (bits 0 to 3), 0x10 searches for long, 0x40 beep, 0x80 no finger
    3  waveform, 0 to 127; 0x80 searching for the pulse
    4  bar (bits 0 to 3), and whether there is a perfusion index
    5  pulse rate; 6: oxygen saturation; 7 and 8: perfusion index

A packet has no number. Requests have the same form, of kind 0x7d.

Sources: github.com/timegrid/CMS50Dplus7 and github.com/cppfw/bedsidemon, which follow Contec's
"Communication protocol of pulse oximeter V7.0". Newer CMS50E that show as a HID, and not as a
serial port, have another form, which is not read here. A real device was not at hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from acquire.sensor.stamped_port import Line

from .kind import Reading, Requests

SIZE = 9
LIVE, REQUEST = 0x01, 0x7D
START, STOP, KEEP_ALIVE = 0xA1, 0xA2, 0xAF
_KEEP_ALIVE_S = 5.0
NO_FINGER, SEARCHING = "no finger", "it searches for the pulse"


def pack(kind: int, payload: bytes) -> bytes:
    """Return a packet of this form, with up to 7 bytes of payload, filled up with zeros."""
    padded = payload.ljust(SIZE - 2, b"\0")
    high = 0x80 | sum((byte >> 7) << at for at, byte in enumerate(padded))
    return bytes([kind, high, *(byte | 0x80 for byte in padded)])


class _Packets:
    def __init__(self) -> None:
        self.damaged = 0
        self._packet = b""              # empty before the first byte without bit 7

    def feed(self, data: bytes) -> Iterator[Reading]:
        """Yield the reading of every packet that is whole, with its last byte."""
        for byte in data:
            if not byte & 0x80:
                is_live = self._packet[:1] == bytes([LIVE])
                self.damaged += is_live and len(self._packet) < SIZE
                self._packet = bytes([byte])
            elif 0 < len(self._packet) < SIZE:
                self._packet += bytes([byte])
                if len(self._packet) == SIZE and self._packet[0] == LIVE:
                    high = self._packet[1]
                    yield Reading(float(self._packet[3] & 0x7F), _status(high))


def _status(high: int) -> str:
    if high & 0x01:                     # of byte 2
        return NO_FINGER
    return SEARCHING if high & 0x02 else ""


@dataclass(frozen=True)
class Contec9Byte:
    """A Contec oximeter with packets of nine bytes."""

    name: str = "contec-9byte"
    title: str = "a Contec CMS50D+ or CMS50E with packets of 9 bytes"
    lines: tuple[Line, ...] = (Line(115_200),)
    rate_hz: int | None = 60
    scale: tuple[int, int] | None = (0, 127)
    clips: bool = False                 # it draws the waveform at a height of its own
    needed: int = 10
    rate_error: float = 0.02            # no oscillator that a UART works with is further off
    least_bytes: int = 0                # whether there is a line inside is not known of all
    requests: Requests = field(default_factory=lambda: Requests(
        pack(REQUEST, bytes([START])), pack(REQUEST, bytes([STOP])),
        pack(REQUEST, bytes([KEEP_ALIVE])), _KEEP_ALIVE_S,
    ))
    delay: str = "its maker does not say how long it takes from light to packet"

    def delay_most_s(self, line: Line, rate_hz: int) -> float | None:
        """Return None: no delay is stated."""
        return None

    def decoder(self) -> _Packets:
        """Return what reads a new connection."""
        return _Packets()
