"""The recorder's part in talking to a sensor, played on a timeline that never waits."""

import random
from collections.abc import Callable

import numpy as np

from acquire.clock.ticks import TickCounter
from acquire.sensor.pings import PING_BURST, PING_EVERY_S, PING_STEP_S, Pinger
from acquire.sensor.protocol import (
    DEFAULT_RATE_HZ,
    Hello,
    PacketParser,
    Ping,
    Pong,
    Sample,
    Start,
    Stop,
    encode,
)

from .rig import ADAPTERS_MS
from .sensor_device import Crystal, SensorDevice, SerialLine

_BOOT_S = 0.05                  # from the sensor's boot to the host's first ping
_READ_NS = (30_000, 250_000)    # from a byte's arrival to the reader's stamp: the host's scheduler


class SerialHost:
    """The recorder's side of the serial line, on a virtual timeline."""

    def __init__(
        self, ppg_at: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator, boot_ns: int
    ) -> None:
        """Connect a sensor that boots at `boot_ns`; `ppg_at` as in `SensorDevice`."""
        self._random = random.Random(int(rng.integers(2**63)))
        self.crystal = Crystal(rng, boot_ns=boot_ns)
        line = SerialLine(rng, hold_ms=float(rng.choice(ADAPTERS_MS)))
        boot_id = int(rng.integers(1, 2**32))
        self.device = SensorDevice(ppg_at, self.crystal, line, rng=rng, boot_id=boot_id)
        self._parser = PacketParser()
        self._ticks = TickCounter()
        self._pinger = Pinger()
        self.now_ns = boot_ns
        self._hello: Hello | None = None
        self.exchanges: list[tuple[int, int, int, int, int]] = []
        self.samples: list[tuple[Sample, int, int]] = []          # packet, unwrapped ticks, arrival

    @property
    def hello(self) -> Hello:
        """The latest HELLO; the device sends one when it boots."""
        assert self._hello is not None
        return self._hello

    def run_until(self, until_ns: int) -> None:
        """Run device and line up to `until_ns`, and stamp what arrives."""
        while (due_ns := self.device.next_ns()) is not None and due_ns <= until_ns:
            self.device.run(due_ns)
            data = self.device.line.arrived(due_ns)
            arrival_ns = due_ns + self._random.randint(*_READ_NS)
            for packet in self._parser.feed(data):
                self._receive(packet, arrival_ns)
        self.now_ns = until_ns

    def _receive(self, packet: object, arrival_ns: int) -> None:
        if isinstance(packet, Hello):
            self._hello = packet
        elif isinstance(packet, Sample):
            self.samples.append((packet, self._ticks.unwrap(packet.ticks), arrival_ns))
        elif isinstance(packet, Pong):
            exchange = self._pinger.match(packet, arrival_ns)
            if exchange is not None:
                rx, tx = self._ticks.unwrap(packet.rx_ticks), self._ticks.unwrap(packet.tx_ticks)
                self.exchanges.append((exchange.sent_ns, rx, tx, arrival_ns, packet.id))

    def send(self, packet: Ping | Start | Stop) -> int:
        """Write a packet, which leaves the host a little later; return the time of writing [ns]."""
        sent_ns = self.now_ns
        self.device.receive(encode(packet), sent_ns + self._random.randint(*_READ_NS))
        return sent_ns

    def ping_burst(self) -> None:
        """Send one burst of pings, as the recorder does."""
        for _ in range(PING_BURST):
            self._pinger.ping(self.send)
            self.run_until(self.now_ns + round(self._random.uniform(*PING_STEP_S) * 1e9))

    def wait(self, shortest_s: float, longest_s: float) -> None:
        """Let a random time pass [s]."""
        self.run_until(self.now_ns + round(self._random.uniform(shortest_s, longest_s) * 1e9))

    def run_session(self, start_ns: int, duration_s: float) -> None:
        """Ping, sample from `start_ns` on for `duration_s`, and stop, as the recorder does."""
        self.run_until(self.now_ns + round(_BOOT_S * 1e9))
        for _ in range(3):
            self.ping_burst()
            self.wait(0.1, 0.1)
        self.run_until(start_ns)
        self.send(Start(DEFAULT_RATE_HZ))
        stop_ns = start_ns + round(duration_s * 1e9)
        while self.now_ns < stop_ns:
            next_ns = self.now_ns + round(self._random.uniform(*PING_EVERY_S) * 1e9)
            self.run_until(min(stop_ns, next_ns))
            self.ping_burst()
        self.send(Stop())
        self.ping_burst()
        self.wait(0.1, 0.1)
