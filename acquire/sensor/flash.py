"""Build the sketch and write it to a board, with the tools that are installed.

There are two sets of tools: make with avr-gcc and the Arduino core (Debian's packages), with
avrdude to write; or arduino-cli, which brings its own. The first is used where both are there. The
board is found by its USB adapter, and where several adapters could be it, by asking each what runs
on it.
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

from acquire.errors import AcqError, DeviceError, Fix

from .port import Sensor, ask_ports
from .protocol import SENSOR_NAMES, Hello

# Vendors of the USB adapters on an Uno or Nano.
ADAPTERS = {
    0x2341: "Arduino", 0x2A03: "Arduino", 0x0403: "FTDI", 0x1A86: "CH340", 0x10C4: "CP210x",
    0x067B: "PL2303",
}
# A bootloader of 2018 or later listens at the first speed, an older Nano's at the second.
BAUDS = (115_200, 57_600)
# the same, as arduino-cli names them
BOARDS = ("arduino:avr:uno", "arduino:avr:nano:cpu=atmega328old")
_BUILD_TIMEOUT_S, _FLASH_TIMEOUT_S = 300, 60
_CORE = "arduino-cli core install arduino:avr"


class PortInfo(Protocol):
    """What pyserial's `list_ports` returns for a serial port."""

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
    """Return the folder of the firmware: a checkout's own, or the copy that a wheel carries.

    Raises
    ------
    AcqError : neither is there
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent / "firmware", package / "firmware"):
        if (folder / "ppg_logger" / "ppg_logger.ino").exists():
            return folder
    raise AcqError(
        expected="the sketch", found="none", where=package.parent / "firmware",
        fix="install acq from a checkout or a wheel",
    )


def _core_folder() -> Path:
    avr = Path(os.environ.get("ARDUINO_AVR", "/usr/share/arduino/hardware/arduino/avr"))
    return avr / "cores/arduino"


def _how_to_install(packages: str) -> str:
    how = {
        "darwin": f"`brew install arduino-cli && {_CORE}`",
        "win32": f"`winget install ArduinoSA.CLI`, then in a new window `{_CORE}`",
    }
    linux = f"`sudo apt-get install {packages}`, or arduino-cli (arduino.cc) and then `{_CORE}`"
    return f"install one: {how.get(sys.platform, linux)}"


def _run(command: list[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            expected=f"{command[0]} to end within {timeout_s:g} s", found="it still running",
            fix="unplug the board and try again",
        ) from error


def _error_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line of a tool's output that most likely explains why it failed."""
    lines = [
        line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()
    ]
    likely = [line for line in lines if "error" in line.lower() or "expected" in line]
    return (likely or lines or [f"no output, exit code {done.returncode}"])[0]


def build_sketch(out: Path) -> BuiltSketch:
    """Build the sketch into the folder `out`.

    Raises
    ------
    AcqError : no tools, with how to install them; or they failed, with their first error line
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
            expected="make, avr-gcc and the Arduino core, or arduino-cli", found="neither",
            fix=_how_to_install("make gcc-avr avr-libc binutils-avr arduino-core-avr avrdude"),
        )
    out.mkdir(parents=True, exist_ok=True)
    done = _run(command, timeout_s=_BUILD_TIMEOUT_S)
    if done.returncode or not hex_file.exists():
        raise AcqError(
            expected=f"{tool} to build {source / 'ppg_logger'}", found=_error_line(done)
        )
    sizes = [
        line
        for line in done.stdout.splitlines()
        if line.startswith(("flash", "RAM", "Sketch uses", "Global variables"))
    ]
    return BuiltSketch(hex_file, tool, "; ".join(sizes))


def _write_commands(hex_file: Path, port: str) -> tuple[str, dict[str, list[str]]]:
    """Return the tool that writes, and its command for each bootloader that the board may have."""
    if shutil.which("avrdude"):
        avrdude = ["avrdude", "-p", "m328p", "-c", "arduino", "-P", port]
        write = ["-D", "-U", f"flash:w:{hex_file}:i"]
        return "avrdude", {f"{baud} baud": [*avrdude, "-b", str(baud), *write] for baud in BAUDS}
    if shutil.which("arduino-cli"):
        upload = ["--port", port, "--input-file", str(hex_file)]
        return "arduino-cli", {
            board: ["arduino-cli", "upload", "--fqbn", board, *upload] for board in BOARDS
        }
    raise AcqError(
        expected="avrdude or arduino-cli", found="neither", fix=_how_to_install("avrdude")
    )


def write_sketch(
    hex_file: Path, port: str, *, say: Callable[[str], None] = lambda text: None
) -> FlashedBoard:
    """Write a built sketch to the board on `port`, and ask the board what runs on it.

    The speed of each bootloader is tried in turn.

    Raises
    ------
    AcqError : no tool to write it with
    DeviceError : no bootloader answered, or the sketch does not send HELLO
    """
    tool, commands = _write_commands(hex_file, port)
    failures = []
    for bootloader, command in commands.items():
        say(f"{tool}: writing to {port}, {bootloader}")
        done = _run(command, timeout_s=_FLASH_TIMEOUT_S)
        if done.returncode == 0:
            break
        failures.append(f"{bootloader}: {_error_line(done)}")
    else:
        raise DeviceError(
            expected=f"the bootloader of an Uno or Nano on {port}",
            found=f"from {tool}: {'; '.join(failures)}",
            fix="close what else uses the port, or try another cable",
        )
    sensor = Sensor(port)
    sensor.close()
    return FlashedBoard(port, tool, sensor.hello)


def identify_board(port: str) -> str | None:
    """Return which sketch runs on `port`; None where nothing answers with HELLO."""
    sensor = ask_ports([port])[port]
    if isinstance(sensor, str):
        return None
    sensor.close()
    return describe_firmware(sensor.hello)


def describe_firmware(hello: Hello) -> str:
    """Return the firmware and the sensor of a HELLO in words."""
    return f"ppg_logger {hello.firmware}, sensor {SENSOR_NAMES.get(hello.sensor, hello.sensor)}"


def find_board(
    ports: Iterable[PortInfo] | None = None, *,
    identify: Callable[[str], str | None] = identify_board,
) -> str:
    """Return the port of the only board that could be meant.

    Parameters
    ----------
    ports : what to choose from; every serial port when not given
    identify : returns what runs on a port; called only where several adapters could be the board

    Raises
    ------
    DeviceError : none, or several of which not exactly one runs the sketch; names them all
    """
    ports = sorted(list_ports.comports() if ports is None else ports, key=lambda info: info.device)
    likely = [info for info in ports if info.vid in ADAPTERS]
    if len(likely) == 1:
        return likely[0].device
    if not likely:
        listed = ", ".join(f"{info.device} ({info.description})" for info in ports)
        raise DeviceError(
            expected="an Uno or Nano on USB", found=listed or "no serial port at all",
            fix=Fix.FIND_PORT,
        )
    answers = {info.device: identify(info.device) for info in likely}
    running = [device for device, answer in answers.items() if answer]
    if len(running) == 1:
        return running[0]
    listed = ", ".join(
        f"{info.device} ({ADAPTERS[info.vid or 0]}: {answers[info.device] or 'no answer'})"
        for info in likely
    )
    raise DeviceError(expected="one board", found=f"{len(likely)}: {listed}", fix=Fix.NAME_PORT)
