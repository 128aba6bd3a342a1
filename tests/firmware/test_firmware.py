"""The firmware builds from a clean tree; its codec and queue, compiled for this machine, are right.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquire.sensor import protocol
from acquire.sensor.protocol import Packet, encode
from tests.acquire.sensor.test_protocol import BAD, FROM_DEVICE, FROM_HOST, GOOD
from tests.support.twin import FIRMWARE, make

WIDTHS = {                  # bytes of each field that the device sends
    protocol.TYPE_HELLO: (1, 1, 1, 1, 4, 4, 2, 1, 1),
    protocol.TYPE_SAMPLE: (4, 4, 2, 1),
    protocol.TYPE_PONG: (2, 4, 4),
    protocol.TYPE_STATUS: (4, 4),
    protocol.TYPE_LIGHT: (4, 1),
}
TYPE = {name[5:]: value for name, value in vars(protocol).items() if name.startswith("TYPE_")}


@pytest.fixture(scope="module")
def codec(tmp_path_factory) -> Path:
    if not shutil.which("c++"):
        pytest.skip("no C++ compiler; apt-get install g++")
    build = tmp_path_factory.mktemp("codec")
    made = make("codec", BUILD=build)
    assert made.returncode == 0, made.stderr
    assert "warning" not in made.stderr
    return build / "codec"


def run(codec: Path, verb: str, data: bytes = b"") -> list[str]:
    done = subprocess.run([codec, verb], input=data, capture_output=True, timeout=20, check=True)
    return done.stdout.decode().splitlines()


def type_of(packet: Packet) -> int:
    return TYPE[type(packet).__name__.upper()]


def as_read_by_the_device(packet: Packet) -> str:
    return " ".join(map(str, (type_of(packet), *vars(packet).values())))


def to_device(packet: Packet) -> bool:
    return type_of(packet) >= protocol.TYPE_IDENTIFY


def as_written_by_the_device(packet: Packet) -> str:
    fields = zip(WIDTHS[type_of(packet)], vars(packet).values(), strict=True)
    return " ".join([str(type_of(packet)), *(f"{width}:{value}" for width, value in fields)])


def test_codec_writes_the_golden_bytes(codec):
    packets = [(wire, packet) for wire, packet in GOOD if not to_device(packet)]
    lines = "\n".join(as_written_by_the_device(packet) for _, packet in packets)
    assert run(codec, "encode", lines.encode()) == [wire.hex() for wire, _ in packets]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(FROM_DEVICE, min_size=1, max_size=50))
def test_host_reads_whatever_codec_writes(codec, packets):
    wire = run(codec, "encode", "\n".join(map(as_written_by_the_device, packets)).encode())
    assert wire == [encode(packet).hex() for packet in packets]
    parser = protocol.PacketParser()
    assert list(parser.feed(bytes.fromhex("".join(wire)))) == packets
    assert parser.bad_packets == 0


def test_codec_reads_the_golden_bytes(codec):
    packets = [(wire, packet) for wire, packet in GOOD if to_device(packet)]
    lines = run(codec, "decode", b"".join(wire for wire, _ in packets))
    assert lines == [*(as_read_by_the_device(p) for _, p in packets), "bad 0"]


@pytest.mark.parametrize("wire", BAD, ids=bytes.hex)
def test_codec_counts_and_skips_what_is_no_packet(codec, wire):
    good, packet = next((w, p) for w, p in GOOD if isinstance(p, protocol.Ping) and p.id == 1)
    assert run(codec, "decode", b"\0\0" + wire + good) == [as_read_by_the_device(packet), "bad 1"]


def test_codec_does_not_take_what_only_a_device_sends(codec):
    wire = b"".join(wire for wire, packet in GOOD if not to_device(packet))
    count = sum(not to_device(packet) for _, packet in GOOD)
    assert run(codec, "decode", wire) == [f"bad {count}"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(FROM_HOST.map(encode), st.binary(max_size=40))))
def test_codec_and_host_parser_agree_on_any_stream(codec, parts):
    stream = b"".join(parts)
    parser = protocol.PacketParser()
    packets = list(parser.feed(stream))
    theirs = [p for p in packets if not to_device(p)]
    mine = [as_read_by_the_device(p) for p in packets if to_device(p)]
    assert run(codec, "decode", stream) == [*mine, f"bad {parser.bad_packets + len(theirs)}"]


def test_queue_keeps_order_and_refuses_when_full(codec):
    assert run(codec, "queue")[-1].startswith("kept")


@pytest.mark.twin
def test_builds_from_nothing(program):
    """As the fixture of the twin has built it."""
    folder = program.parent.parent
    build, printed = folder / "build", (folder / "made").read_text()
    assert (build / "ppg_logger.elf").read_bytes().startswith(b"\x7fELF")
    assert (build / "ppg_logger.hex").read_text().startswith(":")
    flash, ram = map(
        int, re.findall(r"^(?:flash|RAM) (\d+) of \d+ B \(\d+\.\d %\)", printed, re.MULTILINE)
    )
    assert 4000 < flash <= 32256     # what an Uno's bootloader leaves
    assert 300 < ram <= 1536  # and a quarter of the SRAM for the stack
    symbols = subprocess.run(
        ["avr-nm", build / "ppg_logger.elf"], capture_output=True, text=True, check=True
    ).stdout
    assert not re.search(r" (malloc|free|delay|_Znwj)$", symbols, re.MULTILINE)


@pytest.mark.twin
def test_a_sketch_that_does_not_fit_is_an_error(program, tmp_path):
    made = make(
        BUILD=shutil.copytree(program.parent.parent / "build", tmp_path / "build"), FLASH=4000
    )
    assert made.returncode != 0
    assert "expected the sketch to fit" in made.stderr


def test_sketch_never_waits_and_has_no_heap():
    sources = [*FIRMWARE.glob("ppg_logger/*.h"), FIRMWARE / "ppg_logger/ppg_logger.ino"]
    assert len(sources) == 8
    for source in sources:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", source.read_text(), flags=re.DOTALL)
        assert not re.search(r"\b(delay\w*\s*\(|malloc|new\b|String\b)", code), source


def test_make_names_the_missing_packages(tmp_path):
    for tool in ("sh", "make", "cc", "mkdir", "sed"):
        if found := shutil.which(tool):
            (tmp_path / tool).symlink_to(found)
    made = subprocess.run(
        [tmp_path / "make", "-C", FIRMWARE, f"BUILD={tmp_path}/build"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=20, check=False,
    )
    assert made.returncode != 0
    assert "apt-get install gcc-avr avr-libc arduino-core-avr" in made.stderr
