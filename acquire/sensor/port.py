"""The PPG sensor on a serial port: opened, asked who it is, pinged, read.

Every byte is stamped as it comes out of the port and every ping just before it goes in;
`acquire.clock` only needs these two stamps to be correct. A thread of its own does nothing but wait
for bytes and stamp them, so that no stamp waits for the reader, and no call is needed that only
some systems have. The port is found by asking: each serial port is sent an IDENTIFY and has to
answer with a HELLO.

Silence is measured by that thread, in time that it listened. A process that was paused, or that a
busy host did not run, finds what came meanwhile in the system's buffer, and has to read it before
it may call the sensor silent.
"""

import errno
import os
import queue
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

from acquire.errors import DeviceError, DeviceTimeout, Fix, ProtocolError
from acquire.host_time import now_ns
from acquire.pool import open_threads

from .latency_timer import SYSFS, LatencyTimer
from .port_holder import name_holder
from .protocol import (
    BAUD,
    PROTOCOL_VERSION,
    Hello,
    Identify,
    Packet,
    PacketParser,
    Start,
    Stop,
    encode,
)

# Opening the port of an Uno resets it, and its bootloader listens for 1.5 s before the sketch
# starts.
HELLO_TIMEOUT_S = 4.0
_ASK_AGAIN_S = 0.4
_ANSWER_TIMEOUT_S = 2.0
_WRITE_TIMEOUT_S = 1.0
# set once, because a change configures the port again; closing does not wait for it
_READ_TIMEOUT_S = 0.05              # how finely silence is measured
# what the system says of a port that is locked, or that a driver opens once only
_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_IN_USE = "that another program has it open"


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
    DeviceTimeout : there was no HELLO in answer
    ProtocolError : there was one, of another protocol version
    """

    def __init__(
        self, port: str, *, hello_timeout_s: float = HELLO_TIMEOUT_S, sysfs: Path = SYSFS
    ) -> None:
        self.port = port
        # of the USB adapter, in words: before and now; empty where it has none
        self.latency_timer = ""
        self._timer: LatencyTimer | None = None
        try:
            self._serial = serial.Serial(
                port, BAUD, timeout=_READ_TIMEOUT_S, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            is_busy = getattr(error, "errno", None) in _BUSY
            raise DeviceError(
                expected="the PPG sensor's serial port",
                found=f"{_IN_USE}{name_holder(port)}" if is_busy else _reason(error),
                where=f"at {port}", fix="end that program" if is_busy else Fix.LIST_DEVICES,
            ) from error
        self._parser = PacketParser()
        self._kept: deque[Received] = deque()           # read while waiting for a HELLO
        self._arrived: queue.SimpleQueue[Received | Exception] = queue.SimpleQueue()
        self._first_bytes = b""
        self._listened_s = 0.0
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
        give_up_s = self.listened_s + timeout_s
        while (left := give_up_s - self.listened_s) > 0:
            self.send(Identify())
            hello = self._next_hello(min(_ASK_AGAIN_S, left), skipped=[])
            if hello is not None and hello.protocol != PROTOCOL_VERSION:
                raise ProtocolError(
                    expected=f"protocol {PROTOCOL_VERSION}", found=f"protocol {hello.protocol}",
                    where=f"on {self.port}", fix=Fix.FLASH,
                )
            if hello is not None:
                return hello
        first = self._first_bytes
        raise DeviceTimeout(
            expected=f"HELLO of protocol {PROTOCOL_VERSION} within {timeout_s:g} s",
            found=f"{len(first)} other bytes ({first[:8].hex(' ')})" if first else "silence",
            where=f"on {self.port}",
            fix="make sure that this is the PPG sensor, and that it runs firmware/ppg_logger",
        )

    @property
    def listened_s(self) -> float:
        """How long the port has been listened to [s].

        Time in which this process did not run does not count. What came before is readable then.
        """
        return self._listened_s

    @property
    def bad_packets(self) -> int:
        """Packets that came damaged since the port was opened."""
        return self._parser.bad_packets

    def send(self, packet: Packet) -> int:
        """Write one packet; return the time just before [ns, CLOCK_MONOTONIC].

        A packet that the port does not take in time is dropped, as on the line.
        """
        data = encode(packet)
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
            self._first_bytes = (self._first_bytes + data)[:64]
            for packet in self._parser.feed(data):
                self._arrived.put(Received(packet, arrival_ns))
            self._listened_s += min((arrival_ns - before_ns) * 1e-9, _READ_TIMEOUT_S)

    def read(self, timeout_s: float) -> Received | None:
        """Return the next packet; None when none came in time.

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
            self._arrived.put(item)         # raised again at the next call
            raise self._gone(item) from item
        return item

    def start(self, rate_hz: int) -> None:
        """Ask to start sampling, without waiting for the answer as `confirm_start` does.

        So a camera can be started at the same moment.
        """
        self.send(Start(rate_hz))

    def confirm_start(self, rate_hz: int) -> Hello:
        """Return the HELLO that answers START.

        Raises
        ------
        ProtocolError : the sensor samples at another rate
        """
        hello = self._await_hello("START")
        if hello.rate_hz != rate_hz:
            raise ProtocolError(
                expected=f"{rate_hz} Hz", found=f"{hello.rate_hz} Hz",
                where=f"from the sensor on {self.port}", fix="ask for 25, 50 or 100 Hz",
            )
        return hello

    def stop(self) -> Hello:
        """Stop sampling; samples on their way can still be read.

        The request is sent up to three times, because a packet may be lost.
        """
        for _ in range(2):
            self.send(Stop())
            try:
                return self._await_hello("STOP")
            except DeviceTimeout:
                continue
        self.send(Stop())
        return self._await_hello("STOP")

    def silence(self) -> None:
        """Stop sampling, and drop the packets that came before."""
        self.stop()
        while self.read(0.0) is not None:
            pass

    def _gone(self, error: Exception) -> DeviceError:
        return DeviceError(
            expected=f"the PPG sensor on {self.port}", found=_reason(error),
            fix="check that it is still plugged in",
        )

    def _await_hello(self, command: str) -> Hello:
        """Wait for the HELLO that answers; packets before it stay readable, in order."""
        skipped: list[Received] = []
        try:
            hello = self._next_hello(_ANSWER_TIMEOUT_S, skipped)
        finally:
            self._kept.extendleft(reversed(skipped))
        if hello is not None:
            return hello
        raise DeviceTimeout(
            expected=f"HELLO in answer to {command} within {_ANSWER_TIMEOUT_S:g} s", found="none",
            where=f"on {self.port}",
        )

    def _next_hello(self, timeout_s: float, skipped: list[Received]) -> Hello | None:
        """Return the next HELLO; None when none came in time."""
        give_up_s = self.listened_s + timeout_s
        while (left := give_up_s - self.listened_s) > 0:
            received = self.read(left)
            if received is not None and isinstance(received.packet, Hello):
                return received.packet
            if received is not None:
                skipped.append(received)
        return None

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


def find_sensor() -> Sensor:
    """Open the one serial port that answers with HELLO; all are asked at once.

    Raises
    ------
    DeviceError : none did, or several; lists every port that was asked and its answer
    """
    answers = ask_ports(sorted(info.device for info in list_ports.comports()))
    sensors = [answer for answer in answers.values() if isinstance(answer, Sensor)]
    if len(sensors) == 1:
        return sensors[0]
    for sensor in sensors:
        sensor.close()
    if sensors:
        listed = ", ".join(sensor.port for sensor in sensors)
        raise DeviceError(
            expected="one PPG sensor", found=f"{len(sensors)}: {listed}", fix=Fix.NAME_PORT
        )
    listed = "; ".join(f"{port}: {answer}" for port, answer in answers.items())
    raise DeviceError(
        expected="a PPG sensor on a serial port",
        found=f"none ({listed or 'no serial port at all'})", fix=Fix.FIND_PORT,
    )


def ask_ports(
    ports: list[str], *, timeout_s: float = HELLO_TIMEOUT_S
) -> dict[str, Sensor | str]:
    """Return for each port the sensor on it, open, or why there is none; all are asked at once."""

    def ask(port: str) -> Sensor | str:
        try:
            return Sensor(port, hello_timeout_s=timeout_s)
        except (DeviceError, ProtocolError) as error:
            return error.found

    with open_threads(max(len(ports), 1)) as pool:
        return dict(zip(ports, pool.map(ask, ports), strict=True))


def open_sensor(spec: str) -> Sensor:
    """Open the sensor that `spec` names: "auto", or the path of a port."""
    return find_sensor() if spec == "auto" else Sensor(spec)
