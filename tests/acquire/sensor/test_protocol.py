"""protocol.h, its Python mirror, the golden bytes and docs/protocol.md agree."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.sensor import protocol
from acquire.sensor.protocol import (
    Hello,
    Identify,
    Led,
    Light,
    Packet,
    PacketParser,
    Ping,
    Pong,
    Sample,
    Start,
    Status,
    Stop,
    cobs_decode,
    cobs_encode,
    crc16,
    decode,
    encode,
)

ROOT = Path(__file__).parents[3]
HEADER = ROOT / "firmware/ppg_logger/protocol.h"
KINDS = {
    cls.__name__.upper(): cls
    for cls in (Hello, Sample, Pong, Status, Light, Identify, Ping, Start, Stop, Led)
}


def header_constants() -> list[tuple[str, int]]:
    found = re.findall(r"^#define (\w+) (\w+)", HEADER.read_text(), re.MULTILINE)
    return [(name, int(value, 0)) for name, value in found]


def golden() -> tuple[list[tuple[bytes, Packet]], list[bytes]]:
    """Read the golden bytes: what each packet is on the wire, and what is no packet."""
    good, bad = [], []
    for line in (ROOT / "tests/data/packets.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        wire, kind, *fields = line.split()
        if kind == "BAD":
            bad.append(bytes.fromhex(wire))
        else:
            good.append((bytes.fromhex(wire), KINDS[kind](*map(int, fields))))
    return good, bad


GOOD, BAD = golden()


def test_constants_mirror_the_header_in_order():
    here = [
        (name, value)
        for name, value in vars(protocol).items()
        if re.match("[A-Z]", name) and isinstance(value, int)
    ]
    assert here == header_constants()


def test_sizes_are_what_the_layouts_hold():
    for name, cls in KINDS.items():
        size = getattr(protocol, f"SIZE_{name}")
        fields = len(cls.__dataclass_fields__)
        assert len(cobs_decode(encode(cls(*[1] * fields))[:-1]) or b"") == 1 + size + 2
        assert size <= protocol.MAX_PAYLOAD


def test_crc_check_value():
    assert crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize(("wire", "packet"), GOOD, ids=str)
def test_golden_bytes(wire: bytes, packet: Packet):
    assert encode(packet) == wire
    assert decode(wire[:-1]) == packet


@pytest.mark.parametrize("wire", BAD, ids=bytes.hex)
def test_golden_non_packets(wire: bytes):
    parser = PacketParser()
    assert list(parser.feed(wire)) == []
    assert parser.bad_packets == 1


U8, U16, U32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
FROM_DEVICE = st.one_of(
    st.builds(Hello, U8, U8, U8, U8, U32, U32, U16, U8, U8),
    st.builds(Sample, U32, U32, U16, U8),
    st.builds(Pong, U16, U32, U32),
    st.builds(Status, U32, U32),
    st.builds(Light, U32, U8),
)
FROM_HOST = st.one_of(
    st.builds(Identify),
    st.builds(Ping, U16),
    st.builds(Start, U16),
    st.builds(Stop),
    st.builds(Led, U8),
)
PACKETS = FROM_DEVICE | FROM_HOST


@given(st.binary(max_size=254))
def test_cobs_round_trip(data: bytes):
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) == len(data) + 1
    assert cobs_decode(encoded) == data


@given(st.lists(PACKETS), st.lists(st.integers(1, 30)))
def test_stream_round_trip_however_it_is_cut(packets: list[Packet], cuts: list[int]):
    stream = b"".join(map(encode, packets))
    parser, out = PacketParser(), []
    for cut in cuts:
        out += parser.feed(stream[:cut])
        stream = stream[cut:]
    out += parser.feed(stream)
    assert out == packets
    assert parser.bad_packets == 0


@given(PACKETS, PACKETS, st.binary(max_size=60))
def test_in_step_again_within_one_packet(first: Packet, second: Packet, garbage: bytes):
    parser = PacketParser()
    out = list(parser.feed(encode(first) + garbage + encode(first) + encode(second)))
    assert out[0] == first
    assert out[-1] == second             # whatever the garbage swallowed, it is one packet at most


@given(PACKETS, st.data())
def test_a_flipped_bit_is_seen(packet: Packet, data: st.DataObject):
    wire = bytearray(encode(packet))
    bit = data.draw(st.integers(0, 8 * (len(wire) - 1) - 1))
    wire[bit // 8] ^= 1 << bit % 8
    parser = PacketParser()
    out = [*parser.feed(bytes(wire)), *parser.feed(encode(Stop()))]
    assert out == [Stop()]
    assert parser.bad_packets >= 1


def test_the_document_lists_every_constant_with_its_value():
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs/protocol.md").read_text(), re.MULTILINE
    )
    assert {name: int(value, 0) for name, value in rows} == dict(header_constants())
    assert len(rows) == len(header_constants())


def test_the_document_lists_every_field():
    text = (ROOT / "docs/protocol.md").read_text()
    for name, cls in KINDS.items():
        section = text.split(f"### {name}\n", 1)[1].split("\n#", 1)[0]
        fields = re.findall(r"^\| (\w+) \| u(\d+) \|", section, re.MULTILINE)
        assert [field for field, _ in fields] == list(cls.__dataclass_fields__)
        assert sum(int(bits) for _, bits in fields) == 8 * getattr(protocol, f"SIZE_{name}")


def test_every_damaged_packet_is_counted_and_one_too_long_is_none():
    """What is too long is dropped to its end, however it is cut, even where its end is a packet."""
    packet = encode(Ping(id=1))
    parser = PacketParser()
    too_long = b"\1" * 5000 + packet
    parts = [too_long[at : at + 7] for at in range(0, len(too_long), 7)]
    assert [found for part in parts for found in parser.feed(part)] == []
    assert parser.bad_packets == 1
    assert list(parser.feed(b"\1\1\0" + packet + b"\2\2\0")) == [Ping(id=1)]
    assert parser.bad_packets == 3
