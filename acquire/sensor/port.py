"""The PPG sensor on a serial port: opened, asked who it is, pinged, read.

Every byte is stamped as it comes out of the port and every ping just before it goes in
(`stamped_port`); `acquire.clock` only needs these two stamps to be correct. The port is found by
asking: each serial port is sent an IDENTIFY and has to answer with a HELLO.
"""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from serial.tools import list_ports

from acquire.errors import DeviceError, DeviceTimeout, Fix, ProtocolError
from acquire.pool import open_threads

from .latency_timer import SYSFS
from .protocol import (
    PROTOCOL_VERSION,
    Hello,
    Identify,
    Packet,
    PacketParser,
    Start,
    Stop,
    encode,
)
from .stamped_port import Line, Received, StampedPort, describe_bytes, open_serial

# Opening the port of an Uno resets it, and its bootloader listens for 1.5 s before the sketch
# starts.
HELLO_TIMEOUT_S = 4.0
_ASK_AGAIN_S = 0.4
_ANSWER_TIMEOUT_S = 2.0


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
        self._parser = PacketParser()
        self._kept: deque[Received] = deque()           # read while waiting for a HELLO
        self._line = StampedPort(open_serial(port, Line()), self._parser.feed, sysfs=sysfs)
        try:
            self.hello = self._identify(hello_timeout_s)
            self._line.shorten_latency()
        except BaseException:
            self.close()
            raise

    @property
    def latency_timer(self) -> str:
        """Of the USB adapter, in words: before and now; empty where it has none."""
        return self._line.latency_timer

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
        raise DeviceTimeout(
            expected=f"HELLO of protocol {PROTOCOL_VERSION} within {timeout_s:g} s",
            found=describe_bytes(self._line.first_bytes),
            where=f"on {self.port}",
            fix="make sure that this is the PPG sensor, and that it runs firmware/ppg_logger",
        )

    @property
    def listened_s(self) -> float:
        """How long the port has been listened to [s].

        Time in which this process did not run does not count. What came before is readable then.
        """
        return self._line.listened_s

    @property
    def bad_packets(self) -> int:
        """Packets that came damaged since the port was opened."""
        return self._parser.bad_packets

    def send(self, packet: Packet) -> int:
        """Write one packet; return the time just before [ns, CLOCK_MONOTONIC].

        A packet that the port does not take in time is dropped, as on the line.
        """
        return self._line.write(encode(packet))

    def read(self, timeout_s: float) -> Received | None:
        """Return the next packet; None when none came in time.

        Raises
        ------
        DeviceError : the port is gone, and all that came before has been read
        """
        if self._kept:
            return self._kept.popleft()
        return self._line.read(timeout_s)

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
        self._line.close()


def find_sensor() -> Sensor:
    """Open the one serial port that answers with HELLO; all are asked at once.

    Raises
    ------
    DeviceError : none did, or several; lists every port that was asked and its answer
    """
    answers = ask_ports(sorted(info.device for info in list_ports.comports()))
    return only_one(answers, "a PPG sensor")


class _Opened(Protocol):
    port: str

    def close(self) -> None: ...


_OpenedT = TypeVar("_OpenedT", bound=_Opened)


def only_one(answers: Mapping[str, _OpenedT | str], what: str) -> _OpenedT:
    """Return the one open sensor among what ports answered; of several each is closed.

    Parameters
    ----------
    answers : of each port the sensor on it, or why there is none
    what : is looked for

    Raises
    ------
    DeviceError : there is none, or several; lists every port and its answer
    """
    found = [answer for answer in answers.values() if not isinstance(answer, str)]
    if len(found) == 1:
        return found[0]
    for sensor in found:
        sensor.close()
    if found:
        listed = ", ".join(sensor.port for sensor in found)
        raise DeviceError(
            expected="one PPG sensor", found=f"{len(found)}: {listed}", fix=Fix.NAME_PORT
        )
    listed = "; ".join(f"{port}: {answer}" for port, answer in answers.items())
    raise DeviceError(
        expected=f"{what} on a serial port",
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
