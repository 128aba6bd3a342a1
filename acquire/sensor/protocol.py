"""Wire protocol version 1: bytes in, values out, no I/O.

`firmware/ppg_logger/protocol.h` is the reference; the constants here mirror it in the same order
with the same names, and a test compares them. A packet on the wire is COBS(type, payload,
CRC-16/CCITT-FALSE) followed by 0x00, so a reader that joins in the middle, or loses bytes, is
synchronised again at the next zero.

Source: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Trans. Networking 7(2),
1999; CRC-16/CCITT-FALSE as CRC-16/IBM-3740 in the reveng catalogue (check value 0x29B1 for
"123456789").
"""

import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass

PROTOCOL_VERSION = 1
BAUD = 115200
TICK_HZ = 2_000_000
DEFAULT_RATE_HZ = 25
CRC_INIT = 0xFFFF
CRC_POLY = 0x1021

TYPE_HELLO = 0x01
TYPE_SAMPLE = 0x02
TYPE_PONG = 0x03
TYPE_STATUS = 0x04
TYPE_LIGHT = 0x05

TYPE_IDENTIFY = 0x10
TYPE_PING = 0x11
TYPE_START = 0x12
TYPE_STOP = 0x13
TYPE_LED = 0x14

SIZE_HELLO = 16
SIZE_SAMPLE = 11
SIZE_PONG = 10
SIZE_STATUS = 8
SIZE_LIGHT = 5
SIZE_IDENTIFY = 0
SIZE_PING = 2
SIZE_START = 2
SIZE_STOP = 0
SIZE_LED = 1
MAX_PAYLOAD = 16

SAMPLE_OVERRUN = 0x01
SAMPLE_CLIPPED = 0x02
SAMPLE_LED = 0x04
SAMPLE_RESTARTED = 0x08

SENSOR_ANALOG = 0
SENSOR_MAX30102 = 1
SENSOR_VIRTUAL = 255
SENSOR_NAMES = {SENSOR_ANALOG: "analog", SENSOR_MAX30102: "MAX30102", SENSOR_VIRTUAL: "virtual"}


@dataclass(frozen=True)
class Hello:
    """What the device is: its first packet after a boot, its answer to IDENTIFY, START and STOP."""

    protocol: int
    major: int
    minor: int
    patch: int
    boot_id: int         # differs between any two boots
    tick_hz: int
    rate_hz: int
    adc_bits: int
    sensor: int          # SENSOR_*

    @property
    def firmware(self) -> str:
        """Firmware version as `major.minor.patch`."""
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Sample:
    """One PPG sample; `ticks` and `sequence` still wrap at 2^32."""

    sequence: int
    ticks: int           # middle of the averaging window
    value: int           # full scale 65535
    flags: int           # SAMPLE_* bits


@dataclass(frozen=True)
class Pong:
    """Answer to a ping: device ticks when it was read and when the answer was written."""

    id: int
    rx_ticks: int
    tx_ticks: int


@dataclass(frozen=True)
class Status:
    """Counters since boot, once a second while sampling."""

    overruns: int        # samples lost on the device because its queue was full
    bad_packets: int     # host packets it could not decode


@dataclass(frozen=True)
class Light:
    """Answer to LED: the pin was set at these ticks, whether it changed or not."""

    ticks: int
    on: int              # 0 or 1


@dataclass(frozen=True)
class Identify:
    """Ask for a HELLO."""


@dataclass(frozen=True)
class Ping:
    """Ask for a PONG with the same id."""

    id: int


@dataclass(frozen=True)
class Start:
    """Start sampling; 25, 50 or 100 Hz."""

    rate_hz: int


@dataclass(frozen=True)
class Stop:
    """Stop sampling."""


@dataclass(frozen=True)
class Led:
    """Switch the LED in the camera's view; answered by LIGHT."""

    on: int


Packet = Hello | Sample | Pong | Status | Light | Identify | Ping | Start | Stop | Led

_LAYOUT: dict[int, tuple[type, struct.Struct]] = {
    TYPE_HELLO: (Hello, struct.Struct("<BBBBIIHBB")),
    TYPE_SAMPLE: (Sample, struct.Struct("<IIHB")),
    TYPE_PONG: (Pong, struct.Struct("<HII")),
    TYPE_STATUS: (Status, struct.Struct("<II")),
    TYPE_LIGHT: (Light, struct.Struct("<IB")),
    TYPE_IDENTIFY: (Identify, struct.Struct("<")),
    TYPE_PING: (Ping, struct.Struct("<H")),
    TYPE_START: (Start, struct.Struct("<H")),
    TYPE_STOP: (Stop, struct.Struct("<")),
    TYPE_LED: (Led, struct.Struct("<B")),
}
_TYPE_OF = {cls: (kind, layout) for kind, (cls, layout) in _LAYOUT.items()}
_MAX_ENCODED = 1 + MAX_PAYLOAD + 2 + 1   # type, payload, CRC, one COBS code byte


def crc16(data: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE of `data`."""
    return binascii.crc_hqx(data, CRC_INIT)   # crc_hqx uses CRC_POLY


def cobs_encode(data: bytes) -> bytes:
    """Rewrite `data` (at most 254 bytes) without zeros, one byte longer."""
    if len(data) > 254:
        raise ValueError(f"expected at most 254 bytes, got {len(data)}")
    out = bytearray()
    for run in data.split(b"\0"):
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """Undo `cobs_encode`; return None where `data` is not such an encoding."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        if code == 0 or at + code > len(data):
            return None
        out += data[at + 1 : at + code]
        at += code
        if at < len(data):
            out.append(0)
    return bytes(out)


def encode(packet: Packet) -> bytes:
    """Return the bytes of `packet` on the wire, with the closing zero."""
    kind, layout = _TYPE_OF[type(packet)]
    body = bytes([kind]) + layout.pack(*vars(packet).values())
    return cobs_encode(body + struct.pack("<H", crc16(body))) + b"\0"


def decode(encoded: bytes) -> Packet | None:
    """Decode the bytes between two zeros; return None where they are not a packet."""
    body = cobs_decode(encoded)
    if body is None or len(body) < 3 or crc16(body[:-2]) != int.from_bytes(body[-2:], "little"):
        return None
    cls, layout = _LAYOUT.get(body[0], (None, None))
    if cls is None or layout is None or layout.size != len(body) - 3:
        return None
    return cls(*layout.unpack(body[1:-2]))


class PacketParser:
    """Cut a byte stream into packets.

    Damaged packets are counted; the parser is synchronised again at the next zero.
    """

    def __init__(self) -> None:
        self.bad_packets = 0
        self._buffer = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Yield every packet that `data` completes.

        The first zero after joining a running stream ends a part of a packet, so expect one bad
        packet there.
        """
        *ended, rest = data.split(b"\0")
        for part in ended:
            self._keep(part)
            encoded, too_long = bytes(self._buffer), self._too_long
            self._buffer.clear()
            self._too_long = False
            if not encoded and not too_long:
                continue            # two zeros in a row: an idle line
            packet = None if too_long else decode(encoded)
            if packet is None:
                self.bad_packets += 1
            else:
                yield packet
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        if len(self._buffer) + len(part) > _MAX_ENCODED:
            self._too_long = True
            self._buffer.clear()
        elif not self._too_long:
            self._buffer += part
