"""A serial port whose bytes are stamped as they come, by a thread that does nothing else.

No stamp waits for the reader, and no call is needed that only some systems have. Silence is
measured by that thread, in time that it listened: a process that was paused, or that a busy host
did not run, finds what came meanwhile in the system's buffer, and has to read it before it may call
the device silent.
"""

import errno
import os
import queue
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial

from acquire.errors import DeviceError, Fix
from acquire.host_time import now_ns

from .latency_timer import SYSFS, LatencyTimer
from .port_holder import name_holder
from .protocol import BAUD

try:
    from termios import error as SETTING_ERRORS  # it is no OSError
except ImportError:                                 # Windows
    SETTING_ERRORS = OSError

SILENCE = "silence"                 # found on a port that sent no byte
_WRITE_TIMEOUT_S = 1.0
# set once, because a change configures the port again; closing does not wait for it
_READ_TIMEOUT_S = 0.05              # how finely silence is measured
# what the system says of a port that is locked, or that a driver opens once only
_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_IN_USE = "one that another program has open"
_NUMBER = re.compile(r"S?\s*-?\d+(\.\d+)?")
_SHOWN_TEXT = 24                    # characters


@dataclass(frozen=True)
class Line:
    """How bytes are sent on a serial line: 8 data bits, one stop bit."""

    baud: int = BAUD
    parity: str = serial.PARITY_NONE

    @property
    def bits_per_byte(self) -> int:
        """Bits on the line for each byte, start and stop bit included."""
        return 10 if self.parity == serial.PARITY_NONE else 11

    def __str__(self) -> str:
        return f"{self.baud} baud"


@dataclass(frozen=True)
class Received:
    """A packet and when the host had its last byte [ns, CLOCK_MONOTONIC]."""

    packet: Any
    arrival_ns: int


def open_serial(port: str, line: Line) -> serial.Serial:
    """Open a serial port for this process alone.

    Raises
    ------
    DeviceError : the port is missing, busy or gone
    """
    try:
        return serial.Serial(
            port, line.baud, parity=line.parity, timeout=_READ_TIMEOUT_S,
            write_timeout=_WRITE_TIMEOUT_S, exclusive=True,
        )
    except (serial.SerialException, OSError, ValueError) as error:
        is_busy = getattr(error, "errno", None) in _BUSY
        raise DeviceError(
            expected="the PPG sensor's serial port",
            found=f"{_IN_USE}{name_holder(port)}" if is_busy else _reason(error),
            where=f"at {port}", fix="end that program" if is_busy else Fix.LIST_DEVICES,
        ) from error


def set_line(opened: serial.Serial, line: Line) -> bool:
    """Set an open port's line anew; return False where the port has no such setting."""
    try:
        opened.baudrate, opened.parity = line.baud, line.parity
    except (ValueError, SETTING_ERRORS):        # a pty has no parity
        return False
    return True


class StampedPort:
    """An open port, read by a thread until it is closed.

    Parameters
    ----------
    opened : closed with this object
    feed : takes bytes as they come, and returns the packets that they complete
    sysfs : the folder where the system lists USB serial ports
    """

    def __init__(
        self, opened: serial.Serial, feed: Callable[[bytes], Iterable[Any]], *,
        sysfs: Path = SYSFS,
    ) -> None:
        self.port = str(opened.port)
        # of the USB adapter, in words: before and now; empty where it has none
        self.latency_timer = ""
        self.first_bytes = b""
        self._serial, self._feed, self._sysfs = opened, feed, sysfs
        self._timer: LatencyTimer | None = None
        self._arrived: queue.SimpleQueue[Received | Exception] = queue.SimpleQueue()
        self._listened_s = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name=f"port {self.port}", daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closing.is_set()

    def shorten_latency(self) -> None:
        """Let the USB adapter send at once, where that is allowed, until the port is closed."""
        low_latency = getattr(self._serial, "set_low_latency_mode", None)
        self._timer = LatencyTimer(self.port, low_latency, sysfs=self._sysfs)
        self.latency_timer = str(self._timer)

    @property
    def listened_s(self) -> float:
        """How long the port has been listened to [s].

        Time in which this process did not run does not count. What came before is readable then.
        """
        return self._listened_s

    def write(self, data: bytes) -> int:
        """Write bytes; return the time just before [ns, CLOCK_MONOTONIC].

        What the port does not take in time is dropped, as on the line.

        Raises
        ------
        DeviceError : the port is gone
        """
        sent_ns = now_ns()
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            # pyserial counts the time in which this process did not run, and then raises although
            # it has written; a port that hangs is detected by its silence
            return sent_ns
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error
        return sent_ns

    def _listen(self) -> None:
        """Stamp the bytes and cut them into packets, until closed; the body of the thread."""
        while not self._closing.is_set():
            before_ns = now_ns()
            try:
                data = self._serial.read(max(1, self._serial.in_waiting))
            except (serial.SerialException, OSError, TypeError, ValueError) as error:
                # the last two: closed meanwhile
                self._arrived.put(error)
                return
            arrival_ns = now_ns()
            self.first_bytes = (self.first_bytes + data)[:64]
            for packet in self._feed(data):
                self._arrived.put(Received(packet, arrival_ns))
            self._listened_s += min((arrival_ns - before_ns) * 1e-9, _READ_TIMEOUT_S)

    def read(self, timeout_s: float) -> Received | None:
        """Return the next packet; None when none came in time.

        Raises
        ------
        DeviceError : the port is gone, and all that came before has been read
        """
        try:
            item = (
                self._arrived.get(timeout=timeout_s)
                if timeout_s > 0
                else self._arrived.get_nowait()
            )
        except queue.Empty:
            return None
        if isinstance(item, Exception):
            self._arrived.put(item)         # raised again at the next call
            raise self._gone(item) from item
        return item

    def _gone(self, error: Exception) -> DeviceError:
        return DeviceError(
            expected=f"the PPG sensor on {self.port}", found=_reason(error),
            fix="check that it is still plugged in",
        )

    def close(self) -> None:
        """Close the port; may be called twice."""
        self._closing.set()
        if self._timer is not None:
            self._timer.restore()
        if self._serial.is_open:
            self._serial.cancel_read()
        self._thread.join()
        self._serial.close()


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOTTY or "Inappropriate ioctl" in str(error):
        return "no serial port"
    if number in (errno.EACCES, errno.EPERM):
        return "no permission (join its group, dialout on Debian)"
    if number in _BUSY:
        return _IN_USE
    if "returned no data" in str(error):            # pyserial's words for a line that is gone
        return "nothing: the line was pulled"
    return os.strerror(number) if number else str(error) or type(error).__name__


def describe_bytes(data: bytes) -> str:
    """Return in words what some bytes of an unknown device are: silence, text, or bytes in hex."""
    if not data:
        return SILENCE
    is_text = all(byte in b"\r\n\t" or 32 <= byte < 127 for byte in data)
    lines = [line.strip() for line in data.decode("ascii", "replace").splitlines() if line.strip()]
    if not is_text or not lines:
        return f"{len(data)} other bytes ({data[:8].hex(' ')})"
    # the first line and the last may be parts of one
    whole = lines[1:-1] or lines[:1]
    if all(_NUMBER.fullmatch(line) for line in whole):
        return f"text: {whole[0]}, a sketch that prints numbers"
    return f"text: {whole[0][:_SHOWN_TEXT]!r}, not the packets of our firmware"
