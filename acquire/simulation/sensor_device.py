"""The virtual PPG sensor without its port: a crystal, a serial line, and the firmware's side of the
wire protocol.

No I/O and no clock of its own: whoever holds it says what time it is. `virtual_rig` runs it on
CLOCK_MONOTONIC behind a pty; `simulated_session` runs it on a timeline that never waits. Like the
firmware, it samples by its own ticks, stamps a sample at the middle of its window, a ping when it
was read and its answer when it was written; then bytes take their time on the line, and an adapter
may hold them.

Sources
-------
Crystals: +-20 to +-50 ppm, wandering by some 0.1 ppm over minutes; ceramic resonators: 0.5 %, 10
ppm/degC (ATmega328P boards use both). Adapters: FTDI's latency timer holds bytes for up to 16 ms
unless set otherwise (FTDI AN232B-04); newer bridges for about 1 ms.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from acquire.sensor.protocol import (
    BAUD,
    DEFAULT_RATE_HZ,
    PROTOCOL_VERSION,
    SAMPLE_CLIPPED,
    SAMPLE_LED,
    SENSOR_VIRTUAL,
    TICK_HZ,
    Hello,
    Identify,
    Led,
    Light,
    Packet,
    PacketParser,
    Ping,
    Pong,
    Sample,
    Start,
    Status,
    Stop,
    encode,
)

from .heart import SineBank

_RATES_HZ = (25, 50, 100)
_BYTE_NS = 10 * 1_000_000_000 // BAUD         # 8N1: ten bits
_WINDOW_POINTS = 8                            # of the waveform, averaged into a sample
_MIDDLE, _SPAN = 26000.0, 13000.0  # of the 16-bit reading: baseline, and one pulse's height
_NOISE = 60.0                                 # RMS of the reading


class Crystal:
    """A device's clock against the host's, both ways."""

    def __init__(
        self, rng: np.random.Generator, *, boot_ns: int, ppm: float | None = None,
        wander_ppm: float = 0.1,
    ) -> None:
        """Draw a clock.

        Parameters
        ----------
        boot_ns : host time at which the device started
        ppm : how fast it runs; drawn within +-50 when not given
        wander_ppm : RMS of what temperature adds over minutes
        """
        self.ppm = float(rng.uniform(-50, 50)) if ppm is None else ppm
        self.boot_ns = boot_ns
        self._first = int(rng.integers(2**32))          # a counter that has run, and soon wraps
        # The integral of a rate error at f Hz is smaller by 2 pi f.
        self._bank = SineBank(
            rng, {"ahead_s": (1 / 900, 1 / 240, wander_ppm * 1e-6 * 480 / (2 * np.pi))}
        )

    def ticks(self, host_ns: int) -> int:
        """Give the counter, unwrapped, at a host time."""
        since_s = (host_ns - self.boot_ns) * 1e-9
        ahead_s = since_s * self.ppm * 1e-6 + float(self._bank.at(since_s)[0])
        return self._first + int(
            (host_ns - self.boot_ns) * TICK_HZ // 1_000_000_000 + round(ahead_s * TICK_HZ)
        )

    def host_ns(self, ticks: int) -> int:
        """Give the host time at which the unwrapped counter showed `ticks`."""
        device_s = (ticks - self._first) / TICK_HZ
        host_s = device_s
        for _ in range(3):                              # what temperature adds is tiny and smooth
            host_s = (device_s - float(self._bank.at(host_s)[0])) / (1 + self.ppm * 1e-6)
        return self.boot_ns + round(host_s * 1e9)


class Line:
    """What is between the device's UART and the host's read: the wire, and an adapter that holds
    bytes and lets go in steps.
    """

    def __init__(self, rng: np.random.Generator, *, hold_ms: float) -> None:
        self._hold_ns = round(hold_ms * 1e6)
        self._phase_ns = int(rng.integers(self._hold_ns + 1))
        self._free_ns = 0
        self._sent: deque[tuple[int, bytes]] = deque()

    def write(self, packet: Packet, at_ns: int) -> None:
        """Queue a packet that the device writes at `at_ns`."""
        data = encode(packet)
        self._free_ns = max(self._free_ns, at_ns) + len(data) * _BYTE_NS
        out_ns = self._free_ns
        if self._hold_ns:
            out_ns += -(out_ns - self._phase_ns) % self._hold_ns
        self._sent.append((out_ns, data))

    def next_ns(self) -> int | None:
        """Give when the next bytes reach the host."""
        return self._sent[0][0] if self._sent else None

    def arrived(self, now_ns: int) -> bytes:
        """Take the bytes that have reached the host."""
        data = bytearray()
        while self._sent and self._sent[0][0] <= now_ns:
            data += self._sent.popleft()[1]
        return bytes(data)


class Lamp:
    """An LED, dark at first, that remembers when it was switched: a camera integrates over it
    later.
    """

    def __init__(self) -> None:
        self.on = False
        self._switched_ns: list[int] = []       # on, off, on, ...

    def switch(self, on: bool, at_ns: int) -> None:
        """Be lit, or dark, from `at_ns` on; not before the last time."""
        if on != self.on:
            self.on = on
            self._switched_ns.append(at_ns)

    def lit(self, start_ns: np.ndarray, stop_ns: np.ndarray) -> np.ndarray:
        """Give the parts (0 to 1) of the spans [start_ns, stop_ns) in which it shone; (N,) int64 to
        (N,) float64.
        """
        switched = np.array(self._switched_ns, dtype=np.int64)
        sign = np.where(np.arange(len(switched)) % 2 == 0, 1, -1)
        until = [np.maximum(at[:, None] - switched, 0) @ sign for at in (start_ns, stop_ns)]
        return (until[1] - until[0]) / (stop_ns - start_ns)


class SensorDevice:
    """The firmware's behaviour, driven from outside: `receive`, `run`, and `line` to read from."""

    def __init__(
        self,
        ppg_at: Callable[[np.ndarray], np.ndarray],
        crystal: Crystal,
        line: Line,
        *,
        rng: np.random.Generator,
        boot_id: int,
    ) -> None:
        """Boot: the first HELLO goes out at once.

        Parameters
        ----------
        ppg_at : host times (N,) int64 [ns] -> (N,) PPG, pulses about 1 high
        boot_id : differs between any two boots
        """
        self._ppg_at = ppg_at
        self._crystal = crystal
        self.line = line
        self._rng = rng
        self._boot_id = boot_id
        self._parser = PacketParser()
        self._rate_hz = DEFAULT_RATE_HZ
        self.led = Lamp()
        self._sequence = 0
        self._start_ticks: int | None = None            # of the first window; None while stopped
        self._sample_ns = 0                             # end of the window under way
        self._status_ns = 0
        line.write(self.hello, crystal.boot_ns)

    @property
    def hello(self) -> Hello:
        """Who is speaking, and at which rate."""
        return Hello(
            PROTOCOL_VERSION, 1, 0, 0, self._boot_id, TICK_HZ, self._rate_hz, 16, SENSOR_VIRTUAL
        )

    @property
    def _period_ticks(self) -> int:
        return TICK_HZ // self._rate_hz

    def _stamp(self, host_ns: int) -> int:
        return self._crystal.ticks(host_ns) % 2**32

    def receive(self, data: bytes, now_ns: int) -> None:
        """Take bytes that the host wrote and that left it at or before `now_ns`."""
        at_ns = now_ns + len(data) * _BYTE_NS           # the last byte is in
        for packet in self._parser.feed(data):
            if isinstance(packet, Ping):
                # the sketch's loop comes round
                answer_ns = at_ns + int(self._rng.integers(20_000, 120_000))
                self.line.write(
                    Pong(packet.id, self._stamp(at_ns), self._stamp(answer_ns)), answer_ns
                )
            elif isinstance(packet, Start):
                if packet.rate_hz in _RATES_HZ:
                    self._rate_hz = packet.rate_hz
                self._sequence = 0
                self._start_ticks = self._crystal.ticks(at_ns)
                self._sample_ns = self._crystal.host_ns(self._start_ticks + self._period_ticks)
                self._status_ns = at_ns + 1_000_000_000
                self.line.write(self.hello, at_ns)
            elif isinstance(packet, Stop):
                self._start_ticks = None
                self.line.write(self.hello, at_ns)
            elif isinstance(packet, Identify):
                self.line.write(self.hello, at_ns)
            elif isinstance(packet, Led):
                switched_ns = at_ns + int(self._rng.integers(20_000, 120_000))
                self.led.switch(bool(packet.on), switched_ns)
                self.line.write(Light(self._stamp(switched_ns), int(self.led.on)), switched_ns)

    def run(self, now_ns: int) -> None:
        """Do what was due by `now_ns`: sample and report, each at its own time however late this is
        called.
        """
        while self._start_ticks is not None and min(self._sample_ns, self._status_ns) <= now_ns:
            if self._status_ns <= self._sample_ns:
                self.line.write(Status(0, self._parser.bad_packets), self._status_ns)
                self._status_ns += 1_000_000_000
            else:
                self._sample()

    def next_ns(self) -> int | None:
        """Give when something is due next, here or on the line; None when nothing is."""
        due = [self.line.next_ns()]
        if self._start_ticks is not None:
            due += [self._sample_ns, self._status_ns]
        return min((d for d in due if d is not None), default=None)

    def _sample(self) -> None:
        """End a window: its mean, stamped at its middle."""
        assert self._start_ticks is not None
        period = self._period_ticks
        first = self._start_ticks + self._sequence * period
        start_ns = self._crystal.host_ns(first)
        points = start_ns + (
            (np.arange(_WINDOW_POINTS) + 0.5) / _WINDOW_POINTS * (self._sample_ns - start_ns)
        ).astype(np.int64)
        value = round(
            _MIDDLE + _SPAN * float(self._ppg_at(points).mean()) + self._rng.normal(0, _NOISE)
        )
        clipped = min(max(value, 0), 65535)
        flags = (SAMPLE_CLIPPED if clipped in (0, 65535) else 0) | (
            SAMPLE_LED if self.led.on else 0
        )
        packet = Sample(self._sequence % 2**32, (first + period // 2) % 2**32, clipped, flags)
        self.line.write(packet, self._sample_ns)
        self._sequence += 1
        self._sample_ns = self._crystal.host_ns(first + 2 * period)
