"""The virtual PPG sensor without its port: a crystal, a serial line, and the firmware's protocol.

It does no I/O and has no host clock: its caller passes the time. `rig` runs it on CLOCK_MONOTONIC
behind a pty; `serial_host` runs it on a timeline that never waits. Like the firmware, it samples by
its own ticks, stamps a sample at the middle of its window, a ping when it was read and its answer
when it was written; then bytes take their time on the line, and an adapter may hold them.

Sources
-------
Crystals: +-20 to +-50 ppm, drifting by some 0.1 ppm over minutes; ceramic resonators: 0.5 %, 10
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
_BASELINE, _PULSE_HEIGHT = 26000.0, 13000.0   # of the 16-bit reading
_NOISE = 60.0                                 # RMS of the reading


class Crystal:
    """A device's clock: converts host time to its ticks and back."""

    def __init__(
        self, rng: np.random.Generator, *, boot_ns: int, ppm: float | None = None,
        drift_ppm: float = 0.1,
    ) -> None:
        """Draw a clock.

        Parameters
        ----------
        boot_ns : host time at which the device started
        ppm : error of its rate; drawn within +-50 when not given
        drift_ppm : RMS of what temperature adds over minutes
        """
        self.ppm = float(rng.uniform(-50, 50)) if ppm is None else ppm
        self.boot_ns = boot_ns
        self._first_ticks = int(rng.integers(2**32))    # a counter that has run, and soon wraps
        # The integral of a rate error at f Hz is smaller by 2 pi f.
        self._bank = SineBank(
            rng, {"ahead_s": (1 / 900, 1 / 240, drift_ppm * 1e-6 * 480 / (2 * np.pi))}
        )

    def ticks(self, host_ns: int) -> int:
        """Return the unwrapped counter at a host time."""
        since_s = (host_ns - self.boot_ns) * 1e-9
        ahead_s = since_s * self.ppm * 1e-6 + float(self._bank.at(since_s)[0])
        return self._first_ticks + int(
            (host_ns - self.boot_ns) * TICK_HZ // 1_000_000_000 + round(ahead_s * TICK_HZ)
        )

    def host_ns(self, ticks: int) -> int:
        """Return the host time at which the unwrapped counter showed `ticks`."""
        device_s = (ticks - self._first_ticks) / TICK_HZ
        host_s = device_s
        for _ in range(3):                              # what temperature adds is tiny and smooth
            host_s = (device_s - float(self._bank.at(host_s)[0])) / (1 + self.ppm * 1e-6)
        return self.boot_ns + round(host_s * 1e9)


class SerialLine:
    """The serial line to the host, and an adapter that holds bytes and releases them in steps."""

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
        """Return when the next bytes reach the host; None when none are under way."""
        return self._sent[0][0] if self._sent else None

    def arrived(self, now_ns: int) -> bytes:
        """Remove and return the bytes that have reached the host."""
        data = bytearray()
        while self._sent and self._sent[0][0] <= now_ns:
            data += self._sent.popleft()[1]
        return bytes(data)


class SwitchedLed:
    """An LED, dark at first, that remembers when it was switched, for a camera that exposes it."""

    def __init__(self) -> None:
        self.on = False
        self._switched_ns: list[int] = []       # on, off, on, ...

    def switch(self, on: bool, at_ns: int) -> None:
        """Be lit, or dark, from `at_ns` on; never earlier than the last call."""
        if on != self.on:
            self.on = on
            self._switched_ns.append(at_ns)

    def lit_share(self, start_ns: np.ndarray, stop_ns: np.ndarray) -> np.ndarray:
        """Return the lit shares, 0 to 1, of the spans [start_ns, stop_ns): (N,) float64."""
        switched = np.array(self._switched_ns, dtype=np.int64)
        sign = np.where(np.arange(len(switched)) % 2 == 0, 1, -1)
        lit_before_ns = [np.maximum(t[:, None] - switched, 0) @ sign for t in (start_ns, stop_ns)]
        return (lit_before_ns[1] - lit_before_ns[0]) / (stop_ns - start_ns)


class SensorDevice:
    """The firmware's behaviour, driven from outside: `receive`, `run`, and `line` to read from."""

    def __init__(
        self, ppg_at: Callable[[np.ndarray], np.ndarray], crystal: Crystal, line: SerialLine, *,
        rng: np.random.Generator, boot_id: int,
    ) -> None:
        """Boot; the first HELLO goes out at once.

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
        self.led = SwitchedLed()
        self._sequence = 0
        self._start_ticks: int | None = None            # of the first window; None while stopped
        self._sample_ns = 0                             # end of the window under way
        self._status_ns = 0
        line.write(self.hello, crystal.boot_ns)

    @property
    def hello(self) -> Hello:
        """The packet that says who this is, and at which rate it samples."""
        return Hello(
            PROTOCOL_VERSION, 1, 0, 0, self._boot_id, TICK_HZ, self._rate_hz, 16, SENSOR_VIRTUAL
        )

    @property
    def _period_ticks(self) -> int:
        return TICK_HZ // self._rate_hz

    def _stamp(self, host_ns: int) -> int:
        return self._crystal.ticks(host_ns) % 2**32

    def receive(self, data: bytes, now_ns: int) -> None:
        """Process bytes that the host wrote and that left it at or before `now_ns`."""
        at_ns = now_ns + len(data) * _BYTE_NS           # the last byte is in
        for packet in self._parser.feed(data):
            if isinstance(packet, Ping):
                answer_ns = self._next_loop_ns(at_ns)
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
                switched_ns = self._next_loop_ns(at_ns)
                self.led.switch(bool(packet.on), switched_ns)
                self.line.write(Light(self._stamp(switched_ns), int(self.led.on)), switched_ns)

    def _next_loop_ns(self, at_ns: int) -> int:
        """Draw when the loop of the firmware has come round and acts on a packet."""
        return at_ns + int(self._rng.integers(20_000, 120_000))

    def run(self, now_ns: int) -> None:
        """Sample and report all that was due by `now_ns`, each at its own time."""
        while self._start_ticks is not None and min(self._sample_ns, self._status_ns) <= now_ns:
            if self._status_ns <= self._sample_ns:
                self.line.write(Status(0, self._parser.bad_packets), self._status_ns)
                self._status_ns += 1_000_000_000
            else:
                self._sample()

    def next_ns(self) -> int | None:
        """Return when something is due next, here or on the line; None when nothing is."""
        due_ns = [self.line.next_ns()]
        if self._start_ticks is not None:
            due_ns += [self._sample_ns, self._status_ns]
        return min((t for t in due_ns if t is not None), default=None)

    def _sample(self) -> None:
        """End a window and send its mean, stamped at its middle."""
        assert self._start_ticks is not None
        period = self._period_ticks
        first = self._start_ticks + self._sequence * period
        start_ns = self._crystal.host_ns(first)
        points = start_ns + (
            (np.arange(_WINDOW_POINTS) + 0.5) / _WINDOW_POINTS * (self._sample_ns - start_ns)
        ).astype(np.int64)
        ppg = float(self._ppg_at(points).mean())
        value = round(_BASELINE + _PULSE_HEIGHT * ppg + self._rng.normal(0, _NOISE))
        clipped = min(max(value, 0), 65535)
        flags = SAMPLE_CLIPPED if clipped in (0, 65535) else 0
        flags |= SAMPLE_LED if self.led.on else 0
        packet = Sample(self._sequence % 2**32, (first + period // 2) % 2**32, clipped, flags)
        self.line.write(packet, self._sample_ns)
        self._sequence += 1
        self._sample_ns = self._crystal.host_ns(first + 2 * period)
