"""Damaged bytes into the packet parser."""

import random
from dataclasses import dataclass
from math import exp

from acquire.sensor.protocol import (
    PacketParser,
    Ping,
    Pong,
    Sample,
    Status,
    cobs_decode,
    cobs_encode,
    encode,
)


@dataclass
class FuzzResult:
    """What the parser made of damaged bytes."""

    bytes: int = 0
    intact: int = 0               # undamaged packets behind a zero: all must be found
    candidates: int = 0           # damaged packets that only the CRC can reveal
    accepted: int = 0             # of these candidates

    @property
    def allowed(self):
        """The most candidates that a 16-bit CRC accepts, in all but one run in ten thousand."""
        mean = self.candidates / 2**16
        count, probability = 0, exp(-mean)                 # of the Poisson distribution
        total = probability
        while total < 1 - 1e-4:
            count += 1
            probability *= mean / count
            total += probability
        return count


_RANDOM_PACKETS = (
    lambda rng, n: Sample(n % 2**32, rng.getrandbits(32), rng.getrandbits(16), rng.getrandbits(3)),
    lambda rng, n: Pong(n % 2**16, rng.getrandbits(32), n % 2**32),
    lambda rng, n: Status(n % 2**32, rng.getrandbits(32)),
    lambda rng, n: Ping(n % 2**16),
)
_PAYLOAD_BYTES = {     # by packet type
    0x01: 16, 0x02: 11, 0x03: 10, 0x04: 8, 0x10: 0, 0x11: 2, 0x12: 2, 0x13: 0, 0x14: 1,
}


def damage(rng, data):
    """Damage the bytes of one packet with its closing zero, as lines do, and in worse ways."""
    kind = rng.randrange(7)
    bad = bytearray(data)
    if kind == 0:                                          # bits flip
        for _ in range(rng.randint(1, 8)):
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
    elif kind == 1:                                        # the line drops bytes
        at = rng.randrange(len(bad))
        del bad[at : at + rng.randint(1, 6)]
    elif kind == 2:                                        # zeros come in
        bad.insert(rng.randrange(len(bad)), 0)
    elif kind == 3:                                        # a byte comes twice
        at = rng.randrange(len(bad))
        bad.insert(at, bad[at])
    elif kind == 4:                                        # noise
        bad = bytearray(rng.randbytes(rng.randint(1, 400)))
    elif kind == 5:                                        # a stretch is overwritten
        at = rng.randrange(len(bad))
        bad[at:] = rng.randbytes(len(bad) - at)
    else:                                                  # right in all but the CRC, which is any
        packet_type = rng.choice(list(_PAYLOAD_BYTES))
        payload_and_crc = rng.randbytes(_PAYLOAD_BYTES[packet_type] + 2)
        bad = bytearray(cobs_encode(bytes([packet_type]) + payload_and_crc) + b"\0")
    return bytes(bad)


def fuzz_parser(n_bytes, *, seed=0):
    """Feed whole and damaged packets in pieces of any length; every whole one must come out.

    A whole packet counts where it follows a zero.

    Raises
    ------
    AssertionError : one is not found, or more damaged ones are accepted than a 16-bit CRC explains
    """
    rng, parser, result = random.Random(seed), PacketParser(), FuzzResult()
    number = 0
    rest = b""                                             # since the last zero
    whole = {}                                             # encoded packet -> packet
    while result.bytes < n_bytes:
        stream = bytearray()
        whole = dict(list(whole.items())[-2:])             # the last one may end in this stretch
        for _ in range(2000):
            packet = rng.choice(_RANDOM_PACKETS)(rng, number)
            number += 1
            piece = encode(packet)
            whole[piece[:-1]] = packet
            stream += piece if rng.random() < 0.5 else damage(rng, piece)
        parsed, start = [], 0
        while start < len(stream):
            size = rng.choice((1, 7, 64, 4096))
            parsed += parser.feed(bytes(stream[start : start + size]))
            start += size
        *parts, rest = (rest + bytes(stream)).split(b"\0")
        intact = [whole[part] for part in parts if part in whole]
        remaining = iter(intact)
        expected = next(remaining, None)
        for packet in parsed:
            if packet == expected:
                expected = next(remaining, None)
            else:
                result.accepted += 1
        assert expected is None, f"a whole packet was not found: {expected}"
        result.candidates += sum(_has_a_packet_s_form(part) for part in parts if part not in whole)
        result.intact += len(intact)
        result.bytes += len(stream)
    assert result.accepted <= result.allowed, (
        f"{result.accepted} damaged packets accepted, {result.allowed} allowed"
    )
    return result


def _has_a_packet_s_form(encoded):
    body = cobs_decode(encoded) if 0 < len(encoded) <= 20 else None
    return body is not None and len(body) >= 3 and _PAYLOAD_BYTES.get(body[0]) == len(body) - 3
