"""The PPG sensor on a serial port: opened, asked who it is, pinged, read.

Every byte is stamped as it comes out of the port and every ping just before it goes in;
`acquire.clock` needs no more than that these two stamps are honest. A thread of its own does
nothing but wait for bytes and stamp them, so that no stamp waits for whoever uses them, and no call
is needed that only some systems have. The port is found by asking: each serial port gets an
IDENTIFY and has to answer with a HELLO.
"""

import errno
import os
import queue
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

from acquire.errors import DeviceError, DeviceTimeout, ProtocolError
from acquire.host_time import now_ns

from .latency_timer import SYSFS, LatencyTimer
from .protocol import (
    BAUD,
    PROTOCOL_VERSION,
    Hello,
    Identify,
    Packet,
    PacketParser,
    Ping,
    Start,
    Stop,
    encode,
)

# Opening the port of an Uno resets it, and its bootloader listens for 1.5 s before the sketch
# starts.
HELLO_TIMEOUT_S = 4.0
_ASK_AGAIN_S = 0.4
_ANSWER_TIMEOUT_S = 2.0
# pyserial counts the time that this process was not let run, right behind a write that woke
# another: with a second here a busy host once took a sensor for unplugged that was not. One that
# hangs is told by its silence.
_WRITE_S = 10.0
# set once, for setting it anew configures the port anew; closing does not wait for it
_WAIT_S = 0.2


@dataclass(frozen=True)
class Received:
    """A packet and when the host had its last byte [ns, CLOCK_MONOTONIC]."""

    packet: Packet
    arrival_ns: int


class Sensor:
    """A PPG sensor that speaks our protocol, open.

    Raises
    ------
    DeviceError : the port is missing, busy or gone
    DeviceTimeout : nobody answered with HELLO
    ProtocolError : somebody did, in another version
    """

    def __init__(
        self, port: str, *, hello_timeout_s: float = HELLO_TIMEOUT_S, sysfs: Path = SYSFS
    ) -> None:
        self.port = port
        # of the USB adapter, in words: what it was and is; empty where it has none
        self.latency_timer = ""
        self._timer: LatencyTimer | None = None
        try:
            self._serial = serial.Serial(
                port, BAUD, timeout=_WAIT_S, write_timeout=_WRITE_S, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise DeviceError(
                f"expected the PPG sensor's serial port at {port}, got: {_reason(error)}; list the "
                "ports with "
                "`python -m serial.tools.list_ports`"
            ) from error
        self._parser = PacketParser()
        self._kept: deque[Received] = deque()           # read, and put back
        self._arrived: queue.SimpleQueue[Received | Exception] = queue.SimpleQueue()
        self._bytes = b""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name=f"port {port}", daemon=True)
        self._thread.start()
        try:
            self.hello = self._identify(hello_timeout_s)
            self._timer = LatencyTimer(
                port, getattr(self._serial, "set_low_latency_mode", None), sysfs=sysfs
            )
            self.latency_timer = str(self._timer)
        except BaseException:
            self.close()
            raise

    def _identify(self, timeout_s: float) -> Hello:
        give_up = time.monotonic() + timeout_s
        while (left := give_up - time.monotonic()) > 0:
            self.send(Identify())
            ask_again = time.monotonic() + min(_ASK_AGAIN_S, left)
            while (wait := ask_again - time.monotonic()) > 0:
                received = self.read(wait)
                if received is not None and isinstance(received.packet, Hello):
                    hello = received.packet
                    if hello.protocol != PROTOCOL_VERSION:
                        raise ProtocolError(
                            f"expected protocol {PROTOCOL_VERSION}, found {hello.protocol} on "
                            f"{self.port}; "
                            "flash firmware/ppg_logger"
                        )
                    return hello
        found = (
            f"{len(self._bytes)} bytes that are none ({self._bytes[:8].hex(' ')})"
            if self._bytes
            else "silence"
        )
        error = DeviceTimeout(
            f"expected HELLO of protocol {PROTOCOL_VERSION} within {timeout_s:g} s, found {found} "
            f"on {self.port}; "
            "is this the PPG sensor, with firmware/ppg_logger flashed?"
        )
        error.found = found
        raise error

    @property
    def bad_packets(self) -> int:
        """Packets that came damaged since the port was opened."""
        return self._parser.bad_packets

    def send(self, packet: Packet) -> int:
        """Write one packet; give the time just before, in ns on CLOCK_MONOTONIC."""
        data = encode(packet)
        sent_ns = now_ns()
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error
        return sent_ns

    def _listen(self) -> None:
        """Stamp what comes and cut it into packets, until closed; the body of the thread."""
        while not self._closing.is_set():
            try:
                data = self._serial.read(max(1, self._serial.in_waiting))
            except (serial.SerialException, OSError, TypeError, ValueError) as error:
                # the last two: closed meanwhile
                self._arrived.put(error)
                return
            arrival_ns = now_ns()
            self._bytes = (self._bytes + data)[:64]
            for packet in self._parser.feed(data):
                self._arrived.put(Received(packet, arrival_ns))

    def read(self, timeout_s: float) -> Received | None:
        """Give the next packet; None when none came in time.

        Raises
        ------
        DeviceError : the port is gone, and all that came before has been read
        """
        if self._kept:
            return self._kept.popleft()
        try:
            item = (
                self._arrived.get(timeout=timeout_s)
                if timeout_s > 0
                else self._arrived.get_nowait()
            )
        except queue.Empty:
            return None
        if isinstance(item, Exception):
            self._arrived.put(item)         # whoever asks again hears it again
            raise self._gone(item) from item
        return item

    def ping(self, ping_id: int) -> int:
        """Send a ping; give its send time [ns]."""
        return self.send(Ping(ping_id))

    def start(self, rate_hz: int) -> None:
        """Ask to start sampling; `confirm_start` waits for the answer, so that a camera can start
        in the same moment.
        """
        self.send(Start(rate_hz))

    def confirm_start(self, rate_hz: int) -> Hello:
        """Give the HELLO that answers START, or raise `ProtocolError` where another rate is in
        force.
        """
        hello = self._await_hello("START")
        if hello.rate_hz != rate_hz:
            raise ProtocolError(
                f"expected {rate_hz} Hz, found that the sensor on {self.port} gives "
                f"{hello.rate_hz} Hz; ask for 25, 50 or 100"
            )
        return hello

    def stop(self) -> Hello:
        """Stop sampling; samples on their way can still be read. Asked up to three times, for a
        packet may be lost.
        """
        for _ in range(2):
            self.send(Stop())
            try:
                return self._await_hello("STOP")
            except DeviceTimeout:
                continue
        self.send(Stop())
        return self._await_hello("STOP")

    def _gone(self, error: Exception) -> DeviceError:
        return DeviceError(
            f"expected the PPG sensor on {self.port}, got: {_reason(error)}; is it still plugged "
            "in?"
        )

    def _await_hello(self, command: str) -> Hello:
        """Wait for the HELLO that answers; other packets that come meanwhile stay readable, in
        order.
        """
        kept: list[Received] = []
        give_up = time.monotonic() + _ANSWER_TIMEOUT_S
        try:
            while (left := give_up - time.monotonic()) > 0:
                received = self.read(left)
                if received is None:
                    break
                if isinstance(received.packet, Hello):
                    return received.packet
                kept.append(received)
        finally:
            self._kept.extendleft(reversed(kept))
        raise DeviceTimeout(
            f"expected HELLO in answer to {command} within {_ANSWER_TIMEOUT_S:g} s, found none on "
            f"{self.port}"
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
        return "that it is no serial port"
    if number in (errno.EACCES, errno.EPERM):
        return "no permission (join its group, dialout on Debian)"
    if number == errno.EBUSY:
        return "that something else has it open"
    if "returned no data" in str(error):            # pyserial's words for a line that is gone
        return "nothing: the line was pulled"
    return os.strerror(number) if number else str(error) or type(error).__name__


def find_sensor() -> Sensor:
    """Open the one serial port that answers with HELLO; all are asked at once.

    Raises
    ------
    DeviceError : none did, or several; says every port that was asked and what it answered
    """
    ports = sorted(info.device for info in list_ports.comports())
    with ThreadPoolExecutor(max_workers=max(len(ports), 1)) as pool:
        answers = dict(zip(ports, pool.map(_ask, ports), strict=True))
    sensors = [answer for answer in answers.values() if isinstance(answer, Sensor)]
    if len(sensors) == 1:
        return sensors[0]
    for sensor in sensors:
        sensor.close()
    if sensors:
        several = ", ".join(sensor.port for sensor in sensors)
        raise DeviceError(
            f"expected one PPG sensor, found {len(sensors)}: {several}; name one with --port"
        )
    asked = (
        "; ".join(f"{port}: {answer}" for port, answer in answers.items())
        or "no serial port at all"
    )
    raise DeviceError(
        f"expected a PPG sensor on a serial port, found none ({asked}); plug it in or name it with "
        "--port"
    )


def _ask(port: str) -> Sensor | str:
    try:
        return Sensor(port)
    except (DeviceError, ProtocolError) as error:
        return getattr(error, "found", "") or str(error)


def open_sensor(spec: str) -> Sensor:
    """Open the sensor that `--port SPEC` names: `auto`, or the path of a port."""
    return find_sensor() if spec == "auto" else Sensor(spec)
