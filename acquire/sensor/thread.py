"""The sensor's thread: it reads, it pings, and it reconnects a sensor that was away.

It pings before the first sample, about once a second, and after the last, so that every sample lies
between answered pings.

Three things take a sensor away, and none ends the recording. The line is pulled: the port is opened
again, under its old name or, where the system gave it a new one, wherever the same USB device is.
The board restarts: its HELLO carries another boot id. It falls silent: it is sent an IDENTIFY and,
when that stays unanswered, treated like a pulled line. A board that goes on sampling (it has its
own power) is left alone; any other gets pings and START. `SensorBack` in the queue means that what
follows lies behind a gap.

A board that restarted answers pings before the host knows that it did, with a counter that began
anew. So an answer is handed on with the next sample, not before: a board samples only when it was
asked to since its boot.

Silence counts only while the port was listened to (`Sensor.listened_s`), and what came before a
line broke off is handed on before the port is closed. So a pause of this process loses what the
system's buffer cannot hold (4 kB, some 10 s at 25 Hz), and nothing else.
"""

import itertools
import queue
import random
import threading
import time
from contextlib import suppress

from acquire import host_time
from acquire.errors import AcqError, DeviceError, DeviceTimeout
from acquire.host_time import SuspensionWatch, read_clocks

from .arrival import ArrivalTiming
from .items import SensorBack, SensorItem, SensorLost
from .pings import PING_BURST, PING_EVERY_S, PING_STEP_S, Exchange, Pinger, PingSchedule
from .port import Sensor
from .protocol import Hello, Identify, Pong, Sample
from .stamped_port import Received
from .usb import ports_of, usb_identity

UNPLUGGED, RESTARTED, FELL_SILENT = (
    "serial line unplugged", "sensor restarted", "sensor fell silent",
)
_CLOCKS_EVERY_S = 0.02              # at most; packets come for 25 readings a second and more
_ANSWER_S = 4.0                     # without an answer to any ping: it answers none
_FIRST_SAMPLE_S = 1.0               # 25 periods; a sensor that was just started has set up its LED
_QUIET_S = 0.6                      # without a sample: send IDENTIFY
_STALL_S = 3.0                      # without a sample and without an answer: the line is dead
_LAST_WORDS_S = 0.25                # listen so long for what came before a line broke off
_REOPEN_EVERY_S = 0.1
_PING_AGAIN_S = 0.15
_QUICK_NS = 5_000_000               # half of the shortest sample period
_STILL_SAMPLING_S = 0.3             # seven samples at 25 Hz, and the longest that adapters hold one


class SensorThread:
    """What the recorder does with the sensor; `run` is its thread, `items` what it hands on."""

    def __init__(
        self, sensor: Sensor, rate_hz: int, *, suspensions: SuspensionWatch | None = None
    ) -> None:
        self.sensor = sensor
        self.hello = sensor.hello
        self.timing: ArrivalTiming | None = None   # pings place its samples, not their arrivals
        self.scale: tuple[float, float] | None = None      # its values are of full scale 65535
        self.items: queue.Queue[SensorItem] = queue.Queue()
        self.lost: AcqError | None = None        # why the sensor is away, while it is
        self._rate_hz = rate_hz
        self._usb = usb_identity(sensor.port)
        self._stop = threading.Event()
        self._first_sensor = sensor              # its owner closes it
        self._new_hello: Hello | None = None     # the last one that did not answer START or STOP
        self._is_expecting = False               # samples, since START was answered
        self._sample_at_s = 0.0                  # when the last sample came [s, `listened_s`]
        self._pinger = Pinger()
        self._exchanges: list[Exchange] = []     # since the last sample
        self._pings = PingSchedule(0.0)
        self._unanswered = 0                     # pings that were lost with the line
        self._damaged = 0  # packets on ports closed since; less those before the start
        self._clocks_read_ns = 0
        self._suspensions = suspensions or SuspensionWatch()
        self._is_behind_gap = True               # no sample has come since START or a gap

    @property
    def damaged_packets(self) -> int:
        """Packets that came damaged since the recording began."""
        return self._damaged + (self.sensor.bad_packets if self.lost is None else 0)

    @property
    def unanswered_pings(self) -> int:
        """Pings that were never answered since the recording began."""
        return self._unanswered + self._pinger.pending + len(self._exchanges)

    def prepare(self) -> None:
        """Stop the sensor and ping it, before it starts.

        A board that does not reset when its port is opened may still be sampling for a recorder
        that was killed.

        Raises
        ------
        DeviceError : it answers no ping
        """
        self._suspensions.look()                 # what was before is not of the recording
        self._silence(give_up_after_s=_ANSWER_S)
        if not self._exchanges:
            raise DeviceError(
                expected=f"the sensor on {self.sensor.port} to answer a ping",
                found=f"{self._pinger.pending} unanswered within {_ANSWER_S:g} s",
                fix="unplug it and plug it in again",
            )
        self._damaged, self._unanswered = -self.sensor.bad_packets, 0
        self._is_behind_gap = True

    def _silence(self, *, give_up_after_s: float, quick_is_enough: bool = False) -> None:
        """Stop the sensor, and ping it until it has answered, in three bursts at least.

        Samples that are still on their way are dropped. Bytes stay in order, so with the first
        answer all of them have come. A busy host may read it late.

        Parameters
        ----------
        quick_is_enough : end with the first answer that bounds a sample well
        """
        self._is_expecting = False
        self._give_up_pings()
        self.sensor.silence()
        give_up_s = self.sensor.listened_s + give_up_after_s
        for bursts in itertools.count(1):
            self._ping_burst()
            trips_ns = [answer.recv_ns - answer.sent_ns for answer in self._exchanges]
            if quick_is_enough and any(trip_ns < _QUICK_NS for trip_ns in trips_ns):
                return
            if bursts >= 3 and (self._exchanges or self.sensor.listened_s > give_up_s):
                return

    def check(self) -> None:
        """Let the sensor deliver a sample, and stop it again.

        Raises
        ------
        DeviceError : it answers no ping, does not start, or delivers none
        """
        self.prepare()
        self.start()
        self.confirm()
        if not self._is_sampling(within_s=_FIRST_SAMPLE_S):
            raise DeviceTimeout(
                expected=f"a sample from the sensor on {self.sensor.port}",
                found=f"none within {_FIRST_SAMPLE_S:g} s", fix="unplug it and plug it in again",
            )
        self._silence(give_up_after_s=_ANSWER_S, quick_is_enough=True)
        self.items = queue.Queue()

    def start(self) -> None:
        """Ask for samples, without waiting for the answer as `confirm` does.

        So a camera can be started at the same moment.
        """
        self.sensor.start(self._rate_hz)

    def confirm(self) -> Hello:
        """Return the HELLO that answers `start`."""
        hello = self.sensor.confirm_start(self._rate_hz)
        if hello.boot_id != self.hello.boot_id:
            self._give_up_pings()                # they timed the clock of the boot before
        self.hello = hello
        self._is_expecting = True
        return hello

    def stop(self) -> None:
        """Ask `run` to end; it stops the sensor and pings once more."""
        self._stop.set()

    def close(self) -> None:
        """Close a port that was opened here; may be called twice."""
        if self.sensor is not self._first_sensor:
            self.sensor.close()

    def run(self) -> None:
        """Read and ping until `stop`; reconnect the sensor when it goes away."""
        self._sample_at_s = self.sensor.listened_s
        self._new_hello = None                   # an answer to one of the requests so far
        self._pings = PingSchedule(time.monotonic() + random.uniform(*PING_EVERY_S))
        while not self._stop.is_set():
            try:
                self._listen()
            except AcqError as error:
                self._read_last_words()
                self._mark_lost(error)
                self._reconnect()
        if self.lost is None:
            try:
                hello = self.sensor.stop()
                self._ping_burst()
                if hello.boot_id == self.hello.boot_id:
                    self._hand_on_exchanges()
            except AcqError as error:
                self._mark_lost(error)

    def _listen(self) -> None:
        """Read and ping until `stop`; raise where the line is gone or dead."""
        identify_at_s = 0.0
        while not self._stop.is_set():
            now_s = time.monotonic()
            if now_s >= self._pings.due_s:
                self._ping()
                self._pings.advance(now_s)
            received = self.sensor.read(min(0.1, max(0.0, self._pings.due_s - now_s)))
            if received is not None:
                self._accept(received)
            else:
                self._read_clocks()
            now_s, quiet_s = time.monotonic(), self._quiet_s
            if self._new_hello is not None:
                hello, self._new_hello = self._new_hello, None
                if hello.boot_id != self.hello.boot_id:
                    self._resume(hello, RESTARTED)
                elif quiet_s > _QUIET_S:
                    self._resume(hello, FELL_SILENT)
            elif received is None and quiet_s > _STALL_S:
                raise DeviceTimeout(
                    expected=f"samples from the sensor on {self.sensor.port}",
                    found=f"none for {_STALL_S:g} s",
                )
            elif received is None and quiet_s > _QUIET_S and now_s > identify_at_s:
                identify_at_s = now_s + _QUIET_S
                self.sensor.send(Identify())

    @property
    def _quiet_s(self) -> float:
        """How long the port was listened to without a sample [s]."""
        return self.sensor.listened_s - self._sample_at_s

    # -- away and back

    def _read_last_words(self) -> None:
        """Hand on what came before the line broke off; closing the port would drop it."""
        give_up_s = self.sensor.listened_s + 4 * _LAST_WORDS_S      # it may babble on
        with suppress(AcqError):
            while self.sensor.listened_s < give_up_s:
                received = self.sensor.read(_LAST_WORDS_S)
                if received is None:
                    return
                self._accept(received)

    def _mark_lost(self, error: AcqError) -> None:
        # an error that repeats ten times a second is reported once
        if str(error) != str(self.lost):
            cause = FELL_SILENT if isinstance(error, DeviceTimeout) else UNPLUGGED
            self.items.put(SensorLost(host_time.now_ns(), cause, str(error)))
        self.lost = error
        self._damaged += self.sensor.bad_packets
        self._give_up_pings()
        self.sensor.close()

    def _reconnect(self) -> None:
        """Try to open the sensor until it works, or the recording ends."""
        while not self._stop.wait(_REOPEN_EVERY_S):
            self._read_clocks()
            for port in ports_of(self._usb, self.sensor.port):
                try:
                    sensor = Sensor(port)
                except AcqError:
                    continue                     # `lost` keeps the first reason
                self.sensor, self._sample_at_s = sensor, sensor.listened_s
                try:
                    self._resume(sensor.hello, UNPLUGGED)
                except AcqError as error:
                    self._mark_lost(error)
                else:
                    self.lost = None
                    return

    def _resume(self, hello: Hello, cause: str) -> None:
        """Let a sensor that is there again deliver, and report it to the recorder."""
        self._check_same(hello)
        self._is_behind_gap = True
        same_boot = hello.boot_id == self.hello.boot_id
        self.hello = hello
        self._new_hello = None
        if not same_boot:
            self._give_up_pings()
        self.items.put(SensorBack(host_time.now_ns(), hello, cause, self.sensor.port))
        # a restarted sensor's clock is fitted anew, from a reading before its first ping
        self._clocks_read_ns = 0
        may_sample = same_boot and hello.rate_hz == self._rate_hz
        if may_sample and self._is_sampling(within_s=_STILL_SAMPLING_S):
            self._ping_burst()
        else:
            self._restart_sampling(hello)
        # The pings so far span a moment, and do not show what a restarted sensor's clock does in
        # the next second.
        self._pings = PingSchedule(time.monotonic() + _PING_AGAIN_S)

    def _restart_sampling(self, hello: Hello) -> None:
        # until the bound of the first sample, and with it the gap, is precise
        self._silence(give_up_after_s=_REOPEN_EVERY_S, quick_is_enough=True)
        self.start()
        if self.confirm().boot_id != hello.boot_id:
            self._is_expecting = False           # samples of another boot than was told
            raise DeviceError(
                expected=f"the sensor on {self.sensor.port} to keep running",
                found="that it restarted again",
            )
        self._sample_at_s = self.sensor.listened_s

    def _check_same(self, hello: Hello) -> None:
        """Refuse another kind of sensor: the file would describe it wrongly."""
        for name in ("tick_hz", "adc_bits", "sensor"):
            found, expected = getattr(hello, name), getattr(self.hello, name)
            if found != expected:
                raise DeviceError(
                    expected="the same sensor as before",
                    found=f"one with {name} {found} instead of {expected}",
                    where=f"on {self.sensor.port}", fix="plug in the one that was there",
                )

    def _is_sampling(self, *, within_s: float) -> bool:
        """Return whether a sample comes."""
        self._is_expecting = True
        self._sample_at_s = begun_s = self.sensor.listened_s
        give_up_s = begun_s + within_s
        while (left := give_up_s - self.sensor.listened_s) > 0:
            received = self.sensor.read(left)
            if received is not None:
                self._accept(received)
                if isinstance(received.packet, Sample):
                    return True
        return False

    # -- pings and packets

    def _ping_burst(self) -> None:
        """Send one burst of pings and wait a moment for the answers."""
        for left in range(PING_BURST, 0, -1):
            self._ping()
            give_up = time.monotonic() + (random.uniform(*PING_STEP_S) if left > 1 else 0.1)
            while (wait_s := give_up - time.monotonic()) > 0 and self._pinger.pending:
                received = self.sensor.read(wait_s)
                if received is not None:
                    self._accept(received)
            time.sleep(max(0.0, give_up - time.monotonic()) if left > 1 else 0.0)
        self._read_clocks()

    def _read_clocks(self) -> None:
        """Hand on a suspension, and a reading of the clocks unless one was made just now."""
        if suspension := self._suspensions.look():
            self.items.put(suspension)
        if host_time.now_ns() - self._clocks_read_ns >= _CLOCKS_EVERY_S * 1e9:
            reading = read_clocks()
            self._clocks_read_ns = reading.monotonic_ns
            self.items.put(reading)

    def _ping(self) -> None:
        self._read_clocks()
        self._pinger.ping(self.sensor.send)

    def _accept(self, received: Received) -> None:
        self._read_clocks()
        packet = received.packet
        if isinstance(packet, Pong):
            exchange = self._pinger.match(packet, received.arrival_ns)
            if exchange is not None:
                self._exchanges.append(exchange)
        elif isinstance(packet, Hello):
            self._new_hello = packet
        elif self._is_expecting and isinstance(packet, Sample):
            self._accept_sample(received)
        elif self._is_expecting:
            self.items.put(received)

    def _accept_sample(self, received: Received) -> None:
        """Hand on a sample and the answers so far: a board that restarted has not sampled since.

        Behind a gap the answers place the sample, so they go first. Elsewhere they go second, since
        their ticks are unwrapped by the sample's number.
        """
        self._sample_at_s = self.sensor.listened_s      # a board may answer pings, sample no more
        if self._is_behind_gap:
            self._hand_on_exchanges()
        self._is_behind_gap = False
        self.items.put(received)
        self._hand_on_exchanges()

    def _hand_on_exchanges(self) -> None:
        for exchange in self._exchanges:
            self.items.put(exchange)
        self._exchanges.clear()

    def _give_up_pings(self) -> None:
        """Drop pings whose answers will not come, or came from an unknown boot."""
        self._unanswered += self._pinger.pending + len(self._exchanges)
        self._pinger.forget()
        self._exchanges.clear()
