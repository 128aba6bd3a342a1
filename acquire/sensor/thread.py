"""The sensor's thread: it reads, it pings, and it brings back a sensor that went away.

It pings before the first sample, about once a second, and after the last, so that every sample lies
between answered pings. Pings go in bursts of eight, some 2.5 ms apart: an adapter that holds the
first answer for 16 ms lets the last ones go with it, a few ms after they came in, and one quick
answer in a minute is all that the clock needs.

Three things take a sensor away, and none ends the recording. The line is pulled: the port is opened
again, under its old name or, where the system gave it a new one, wherever the same USB device is.
The board restarts: its HELLO carries another boot id. It falls silent: it is asked who it is, then,
when that stays unanswered, treated like a pulled line. A board that goes on sampling (it has power
of its own) is left to it; any other gets pings and START. `SensorBack` in the queue says that what
follows lies behind a gap.

A board that restarted answers pings before anybody knows that it did, by a counter that began anew.
So an answer is handed on with the next sample, not before: a board samples only when this boot was
asked to.
"""

import os
import queue
import random
import threading
import time
from dataclasses import dataclass

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from acquire import host_time
from acquire.errors import AcqError, DeviceError, DeviceTimeout
from acquire.host_time import read_clocks

from .port import Received, Sensor
from .protocol import Hello, Identify, Pong, Sample

PING_BURST = 8                      # pings
PING_STEP_S = (0.0015, 0.0035)
PING_EVERY_S = (0.8, 1.2)  # from burst to burst; jittered, never in step with an adapter's timer
UNPLUGGED, RESTARTED, FELL_SILENT = (
    "serial line unplugged", "sensor restarted", "sensor fell silent",
)
_CLOCKS_EVERY_S = 0.02               # at most; a packet is there for 25 readings a second and more
_QUIET_S = 0.6                       # without a sample: ask who is there
_STALL_S = 3.0                       # without a sample and without an answer: the line is dead
_REOPEN_EVERY_S = 0.1
_PING_AGAIN_S = 0.15
_QUICK_NS = 5_000_000                # half of the shortest sample period
_STILL_SAMPLING_S = 0.3  # seven samples at 25 Hz, and the longest that adapters hold one


@dataclass(frozen=True)
class Exchange:
    """A ping that was answered."""

    sent_ns: int
    pong: Pong
    recv_ns: int


@dataclass(frozen=True)
class ClockReading:
    """A reading of CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW."""

    monotonic_ns: int
    raw_ns: int


@dataclass(frozen=True)
class SensorLost:
    """From here on the sensor is away."""

    time_ns: int
    cause: str            # of the gap that begins
    reason: str


@dataclass(frozen=True)
class SensorBack:
    """It is there again; the next sample lies behind a gap."""

    time_ns: int
    hello: Hello
    cause: str            # of the gap, where no `SensorLost` told it
    port: str


Item = Received | Exchange | ClockReading | SensorLost | SensorBack


class SensorThread:
    """Everything the recorder does with the sensor; `run` is the body of its thread, `items` is
    what it hands on, in order.
    """

    def __init__(self, sensor: Sensor, rate_hz: int) -> None:
        self.sensor = sensor
        self.hello = sensor.hello
        self.items: queue.Queue[Item] = queue.Queue()
        self.lost: AcqError | None = None        # why the sensor is away, while it is
        self._rate_hz = rate_hz
        self._usb = _usb_of(sensor.port)
        self._stop = threading.Event()
        self._given = sensor                     # its owner closes it
        self._told: Hello | None = None          # the last HELLO that came unasked, or to IDENTIFY
        self._heard = 0.0                        # when the last sample came [s, monotonic]
        self._sent_ns: dict[int, int] = {}
        self._answers: list[Exchange] = []       # since the last sample
        self._next_ping = 0                      # its id
        self._ping_at = 0.0                      # when it is due [s, monotonic]
        self._answered = False                   # a ping, ever
        self._unanswered = 0                     # pings that went with a lost line
        self._damaged = 0  # packets on ports since closed; less those before the start
        self._clocks_read_ns = 0

    @property
    def damaged(self) -> int:
        """Packets that came damaged since the recording began."""
        return self._damaged + (self.sensor.bad_packets if self.lost is None else 0)

    @property
    def unanswered(self) -> int:
        """Pings that were never answered."""
        return self._unanswered + len(self._sent_ns) + len(self._answers)

    def prepare(self) -> None:
        """Silence the sensor and ping it, before it starts.

        A board that does not reset when its port is opened may still be sampling for a recorder
        that was killed.

        Raises
        ------
        DeviceError : it answers no ping
        """
        self.sensor.stop()
        while self.sensor.read(0.0) is not None:
            pass
        for _ in range(3):
            self._ping_burst()
        if not self._answered:
            raise DeviceError(
                f"expected the sensor on {self.sensor.port} to answer a ping, found "
                f"{3 * PING_BURST} unanswered"
            )
        self._damaged = -self.sensor.bad_packets

    def start(self) -> None:
        """Ask for samples; `confirm` waits for the answer, so that a camera can start in the same
        moment.
        """
        self.sensor.start(self._rate_hz)

    def confirm(self) -> Hello:
        """Give the HELLO that answers `start`."""
        self.hello = self.sensor.confirm_start(self._rate_hz)
        return self.hello

    def stop(self) -> None:
        """Ask `run` to end; it stops the sensor and pings once more."""
        self._stop.set()

    def close(self) -> None:
        """Close a port that was opened here; may be called twice."""
        if self.sensor is not self._given:
            self.sensor.close()

    def run(self) -> None:
        """Read and ping until `stop`; bring the sensor back when it goes away."""
        self._heard = time.monotonic()
        self._ping_at = self._heard + random.uniform(*PING_EVERY_S)
        while not self._stop.is_set():
            try:
                self._listen()
            except AcqError as error:
                self._lose(error)
                self._bring_back()
        if self.lost is None:
            try:
                hello = self.sensor.stop()
                self._ping_burst()
                if hello.boot_id == self.hello.boot_id:
                    self._hand_on_answers()
            except AcqError as error:
                self._lose(error)

    def _listen(self) -> None:
        """Read and ping until `stop`; raises where the line is gone or dead."""
        left = PING_BURST
        asked = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= self._ping_at:
                self._ping()
                left = left - 1 or PING_BURST
                self._ping_at = now + random.uniform(
                    *(PING_EVERY_S if left == PING_BURST else PING_STEP_S)
                )
            received = self.sensor.read(min(0.1, max(0.0, self._ping_at - now)))
            if received is not None:
                self._take(received)
            now = time.monotonic()
            if self._told is not None:
                hello, self._told = self._told, None
                if hello.boot_id != self.hello.boot_id:
                    self._resume(hello, RESTARTED)
                elif now - self._heard > _QUIET_S:
                    self._resume(hello, FELL_SILENT)
            elif received is None and now - self._heard > _STALL_S:
                # whoever was not let run finds packets waiting first
                raise DeviceTimeout(
                    f"expected samples from the sensor on {self.sensor.port}, found none for "
                    f"{_STALL_S:g} s"
                )
            elif received is None and now - self._heard > _QUIET_S and now - asked > _QUIET_S:
                asked = now
                self.sensor.send(Identify())

    # -- away and back

    def _lose(self, error: AcqError) -> None:
        # one that fails in the same way ten times a second is told once
        if str(error) != str(self.lost):
            cause = FELL_SILENT if isinstance(error, DeviceTimeout) else UNPLUGGED
            self.items.put(SensorLost(host_time.now_ns(), cause, str(error)))
        self.lost = error
        self._damaged += self.sensor.bad_packets
        self._give_up_pings()
        self.sensor.close()

    def _bring_back(self) -> None:
        """Try until it works, or the recording ends."""
        while not self._stop.wait(_REOPEN_EVERY_S):
            self._read_clocks()
            for port in _same_port(self.sensor.port, self._usb):
                try:
                    sensor = Sensor(port)
                except AcqError:
                    continue                     # `lost` says what happened first
                self.sensor = sensor
                try:
                    self._resume(sensor.hello, UNPLUGGED)
                except AcqError as error:
                    self._lose(error)
                else:
                    self.lost = None
                    return

    def _resume(self, hello: Hello, cause: str) -> None:
        """Let a sensor that is there again deliver, and say what it is to the file."""
        self._check_same(hello)
        same_boot = hello.boot_id == self.hello.boot_id
        self.hello = hello
        self._told = None
        if not same_boot:
            self._give_up_pings()
        self.items.put(SensorBack(host_time.now_ns(), hello, cause, self.sensor.port))
        # a restarted sensor's clock is fitted anew, from a reading before its first ping
        self._clocks_read_ns = 0
        if not (same_boot and hello.rate_hz == self._rate_hz and self._is_sampling()):
            self.sensor.stop()
            while self.sensor.read(0.0) is not None:
                pass
            for _ in range(3):  # the first sample has a certificate, and by it the gap its length
                self._ping_burst()
                if any(answer.recv_ns - answer.sent_ns < _QUICK_NS for answer in self._answers):
                    break
            self.start()
            if self.confirm().boot_id != hello.boot_id:
                raise DeviceError(
                    f"expected the sensor on {self.sensor.port} to keep running, found that it "
                    "restarted again"
                )
            self._heard = time.monotonic()
        else:
            self._ping_burst()
        # The pings so far span a moment, and say little of what a restarted sensor's clock does in
        # the next second.
        self._ping_at = time.monotonic() + _PING_AGAIN_S

    def _check_same(self, hello: Hello) -> None:
        """Refuse another kind of sensor: what the file says of this one would be false."""
        for name in ("tick_hz", "adc_bits", "sensor"):
            found, expected = getattr(hello, name), getattr(self.hello, name)
            if found != expected:
                raise DeviceError(
                    f"expected the same sensor as before, found one with {name} {found} instead of "
                    f"{expected} "
                    f"on {self.sensor.port}; plug in the one that was there"
                )

    def _is_sampling(self) -> bool:
        """Say whether samples come without being asked for."""
        before = self._heard
        give_up = time.monotonic() + _STILL_SAMPLING_S
        while (left := give_up - time.monotonic()) > 0 and self._heard == before:
            received = self.sensor.read(left)
            if received is not None:
                self._take(received)
        return self._heard != before

    # -- pings and packets

    def _ping_burst(self) -> None:
        """Ping in one burst and wait a moment for the answers."""
        for left in range(PING_BURST, 0, -1):
            self._ping()
            give_up = time.monotonic() + (random.uniform(*PING_STEP_S) if left > 1 else 0.1)
            while (wait_s := give_up - time.monotonic()) > 0 and self._sent_ns:
                received = self.sensor.read(wait_s)
                if received is not None:
                    self._take(received)
            time.sleep(max(0.0, give_up - time.monotonic()) if left > 1 else 0.0)
        self._read_clocks()

    def _read_clocks(self) -> None:
        if host_time.now_ns() - self._clocks_read_ns >= _CLOCKS_EVERY_S * 1e9:
            readings = ClockReading(*read_clocks())
            self._clocks_read_ns = readings.monotonic_ns
            self.items.put(readings)

    def _ping(self) -> None:
        self._read_clocks()
        ping_id = self._next_ping
        self._next_ping = (ping_id + 1) % 2**16
        self._sent_ns[ping_id] = self.sensor.ping(ping_id)

    def _take(self, received: Received) -> None:
        self._read_clocks()
        packet = received.packet
        if isinstance(packet, Pong):
            sent_ns = self._sent_ns.pop(packet.id, None)
            if sent_ns is not None:
                self._answered = True
                self._answers.append(Exchange(sent_ns, packet, received.arrival_ns))
        elif isinstance(packet, Hello):
            self._told = packet
        else:
            if isinstance(packet, Sample):  # a board may answer pings and sample no more
                self._heard = time.monotonic()
                self._hand_on_answers()
            self.items.put(received)

    def _hand_on_answers(self) -> None:
        for exchange in self._answers:
            self.items.put(exchange)
        self._answers.clear()

    def _give_up_pings(self) -> None:
        """Forget pings whose answers will not come, or came from nobody knows which boot."""
        self._unanswered += len(self._sent_ns) + len(self._answers)
        self._sent_ns.clear()
        self._answers.clear()


_Usb = tuple[int | None, int | None, str | None]


def _usb(info: ListPortInfo) -> _Usb:
    return info.vid, info.pid, info.serial_number


def _usb_of(port: str) -> _Usb | None:
    """Say which USB device a port is; None where it is none."""
    device = os.path.realpath(port) if os.path.islink(port) else port
    return next(
        (
            _usb(info)
            for info in list_ports.comports()
            if info.device == device and info.vid is not None
        ),
        None,
    )


def _same_port(port: str, usb: _Usb | None) -> list[str]:
    """Give the names under which the device that was on `port` may be opened now: one, or none
    while it is away.

    Devices without a serial number look alike: only where there is one of them is it taken for the
    same under another name.
    """
    if usb is None:
        return [port]
    same = [info.device for info in list_ports.comports() if _usb(info) == usb]
    if (os.path.realpath(port) if os.path.islink(port) else port) in same:
        return [port]
    return same if len(same) == 1 else []
