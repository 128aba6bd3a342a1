"""The sketch, built and written to a board with the tools that are there.

Two sets of tools do: make with avr-gcc and the Arduino core (Debian's packages), with avrdude to
write; or arduino-cli, which brings its own. The first is taken where both are there. The board is
found by its USB adapter, and where several could be it, by asking each who it is.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serial.tools import list_ports

from acquire.errors import AcqError, DeviceError, ProtocolError

from .port import Sensor
from .protocol import SENSOR_NAMES, Hello

# Vendors of the USB adapters on an Uno or Nano.
ADAPTERS = {
    0x2341: "Arduino", 0x2A03: "Arduino", 0x0403: "FTDI", 0x1A86: "CH340", 0x10C4: "CP210x",
    0x067B: "PL2303",
}
# A bootloader of 2018 or later listens at the first speed, an older Nano's at the second.
BAUDS = (115_200, 57_600)
# the same, in arduino-cli's words
BOARDS = ("arduino:avr:uno", "arduino:avr:nano:cpu=atmega328old")
_BUILD_TIMEOUT_S, _FLASH_TIMEOUT_S = 300, 60


class PortInfo(Protocol):
    """What pyserial's `list_ports` says of a serial port."""

    device: str
    description: str
    vid: int | None


@dataclass(frozen=True)
class BuiltSketch:
    """A sketch that was built."""

    hex_file: Path
    tool: str            # what built it
    size: str            # flash and RAM it takes, in the tool's words


@dataclass(frozen=True)
class FlashedBoard:
    """A board that runs the sketch now."""

    port: str
    tool: str            # what wrote it
    hello: Hello


def sketch_folder() -> Path:
    """Give the folder of the firmware: a checkout's own, or the copy that a wheel carries.

    Raises
    ------
    AcqError : neither is there
    """
    here = Path(__file__).resolve().parent.parent
    for folder in (here.parent / "firmware", here / "firmware"):
        if (folder / "ppg_logger" / "ppg_logger.ino").exists():
            return folder
    raise AcqError(
        f"expected the sketch in {here.parent / 'firmware'}, found none; install acq from a "
        "checkout or a wheel"
    )


def _core_folder() -> Path:
    return (
        Path(os.environ.get("ARDUINO_AVR", "/usr/share/arduino/hardware/arduino/avr"))
        / "cores/arduino"
    )


def _how_to_get(packages: str) -> str:
    if sys.platform == "darwin":
        return "`brew install arduino-cli && arduino-cli core install arduino:avr`"
    if sys.platform == "win32":
        return "`winget install ArduinoSA.CLI`, then in a new window `arduino-cli core install arduino:avr`"
    return f"`sudo apt-get install {packages}`, or arduino-cli (arduino.cc) and then `arduino-cli core install arduino:avr`"


def _run(command: list[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"expected {command[0]} to end within {timeout_s:g} s, found it still running; unplug "
            "the board and try again"
        ) from error


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The line of what a tool said that most likely says why it failed."""
    lines = [
        line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()
    ]
    telling = [line for line in lines if "error" in line.lower() or "expected" in line]
    return (telling or lines or [f"nothing, exit code {done.returncode}"])[0]


def build_sketch(out: Path) -> BuiltSketch:
    """Build the sketch into the folder `out`.

    Raises
    ------
    AcqError : no tools, with how to get them; or they failed, with their own first word on it
    """
    source, out = sketch_folder(), out.resolve()
    if shutil.which("make") and shutil.which("avr-g++") and _core_folder().exists():
        tool, hex_file = "avr-gcc", out / "ppg_logger.hex"
        command = ["make", "--no-print-directory", "-C", str(source), f"BUILD={out}"]
    elif shutil.which("arduino-cli"):
        tool, hex_file = "arduino-cli", out / "ppg_logger.ino.hex"
        command = [
            "arduino-cli", "compile", "--fqbn", BOARDS[0], "--output-dir", str(out),
            str(source / "ppg_logger"),
        ]
    else:
        raise AcqError(
            "expected make, avr-gcc and the Arduino core, or arduino-cli, found neither; get them: "
            + _how_to_get("make gcc-avr avr-libc binutils-avr arduino-core-avr avrdude")
        )
    out.mkdir(parents=True, exist_ok=True)
    done = _run(command, timeout_s=_BUILD_TIMEOUT_S)
    if done.returncode or not hex_file.exists():
        raise AcqError(f"expected {tool} to build {source / 'ppg_logger'}, got: {_last_line(done)}")
    sizes = [
        line
        for line in done.stdout.splitlines()
        if line.startswith(("flash", "RAM", "Sketch uses", "Global variables"))
    ]
    return BuiltSketch(hex_file, tool, "; ".join(sizes))


def write_sketch(hex_file: Path, port: str, *, say: Callable[[str], None] = lambda text: None) -> FlashedBoard:
    """Write a built sketch to the board on `port`, at one bootloader's speed and then at the
    other's; ask it who it is.

    Raises
    ------
    AcqError : no tool to write it with
    DeviceError : no bootloader answered, or the sketch does not say HELLO
    """
    if shutil.which("avrdude"):
        tool, tries = (
            "avrdude",
            [
                (
                    f"{baud} baud",
                    [
                        "avrdude", "-p", "m328p", "-c", "arduino", "-b", str(baud), "-P", port,
                        "-D", "-U", f"flash:w:{hex_file}:i",
                    ],
                )
                for baud in BAUDS
            ],
        )
    elif shutil.which("arduino-cli"):
        tool, tries = "arduino-cli", [(board, [
            "arduino-cli", "upload", "--fqbn", board, "--port", port, "--input-file", str(hex_file)
        ]) for board in BOARDS]
    else:
        raise AcqError(
            f"expected avrdude or arduino-cli, found neither; get one: {_how_to_get('avrdude')}"
        )
    found = []
    for how, command in tries:
        say(f"{tool}: writing to {port}, {how}")
        done = _run(command, timeout_s=_FLASH_TIMEOUT_S)
        if done.returncode == 0:
            break
        found.append(f"{how}: {_last_line(done)}")
    else:
        raise DeviceError(
            f"expected the bootloader of an Uno or Nano on {port}, got from {tool}: "
            f"{'; '.join(found)}; "
            "close what else uses the port, try another cable"
        )
    sensor = Sensor(port)
    sensor.close()
    return FlashedBoard(port, tool, sensor.hello)


def identify_board(port: str) -> str | None:
    """Give what a running sketch on `port` says it is; None where nothing answers with HELLO."""
    try:
        sensor = Sensor(port)
    except (DeviceError, ProtocolError):
        return None
    sensor.close()
    return describe_firmware(sensor.hello)


def describe_firmware(hello: Hello) -> str:
    """Say who a HELLO came from."""
    return f"ppg_logger {hello.firmware}, sensor {SENSOR_NAMES.get(hello.sensor, hello.sensor)}"


def find_board(
    ports: Iterable[PortInfo] | None = None, *, ask: Callable[[str], str | None] = identify_board
) -> str:
    """Give the port of the one board that could be meant.

    Parameters
    ----------
    ports : what to choose from; every serial port when not given
    ask : gives what runs on a port; asked only where several adapters could be the board

    Raises
    ------
    DeviceError : none, or several of which not just one runs the sketch; names them all
    """
    ports = sorted(list_ports.comports() if ports is None else ports, key=lambda info: info.device)
    likely = [info for info in ports if info.vid in ADAPTERS]
    if len(likely) == 1:
        return likely[0].device
    if not likely:
        seen = (
            ", ".join(f"{info.device} ({info.description})" for info in ports)
            or "no serial port at all"
        )
        raise DeviceError(
            f"expected an Uno or Nano on USB, found {seen}; plug it in, or name its port with "
            "--port"
        )
    answers = {info.device: ask(info.device) for info in likely}
    running = [device for device, answer in answers.items() if answer]
    if len(running) == 1:
        return running[0]
    seen = ", ".join(
        f"{info.device} ({ADAPTERS[info.vid or 0]}: {answers[info.device] or 'no answer'})"
        for info in likely
    )
    raise DeviceError(f"expected one board, found {len(likely)}: {seen}; name one with --port")
