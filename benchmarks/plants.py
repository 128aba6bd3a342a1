"""Simulated plants with known truth: oscillator, serial line, USB adapter, a host that is late.

A plant makes what a session would hold (exchanges, readings of the host's clocks, ticks and
arrivals of samples) and the true time of each sample's middle. It follows the firmware and the
recorder: bursts of eight pings about once a second; a ping is stamped once its last byte is in and
the sketch's loop reads it; answers and samples wait for each other on one line.
"""

from dataclasses import dataclass

import numpy as np

from acquire.clock.place_samples import LivePlacer
from acquire.layout import BOOT_TICKS, CLOCK_DTYPE, EXCHANGE_DTYPE

TICK_HZ, RATE_HZ = 2_000_000, 25
BASE_NS = 10**14                    # host time when a plant begins
ATMEGA_BAUD = 16e6 / 8 / 17         # what an ATmega at 16 MHz makes of 115200: 2.1 % fast
PING_BYTES, PONG_BYTES, SAMPLE_BYTES = 7, 15, 16


@dataclass(frozen=True)
class Plant:
    """The properties of a rig."""

    seconds: float = 120.0
    ppm: float = 20.0
    wander_ppm: float = 0.0         # amplitude of the rate's change with temperature
    period_s: float = 300.0         # of that change
    hold_ms: float = 1.0            # the adapter sends bytes to the host in steps of this
    out_ms: float = 1.0             # and takes up to this to send one out
    outliers: float = 0.0           # part of all bytes for which the host is late by some 50 ms
    unplugged: tuple[float, float] = (0.0, 0.0)     # between these seconds nothing passes
    new_boot: bool = False          # and the device starts anew at their end
    slew_ppm: float = 0.0           # NTP steers the host from a third to a half of the time
    clocks_wrong: float = 0.0       # part of the readings of the host's clocks that are wrong
    baud: float = ATMEGA_BAUD
    line: bool = True               # False: native USB, bytes take no time
    read_clocks: bool = True


@dataclass(frozen=True)
class Made:
    """What a session of a plant holds, and the truth."""

    exchanges: np.ndarray           # EXCHANGE_DTYPE
    clocks: np.ndarray              # CLOCK_DTYPE
    ticks: np.ndarray               # (N,) int64
    arrival_ns: np.ndarray          # (N,) int64
    truth_ns: np.ndarray            # (N,) float64, middle of each window


class _Oscillator:
    """The device's clock: host seconds to ticks, and the way back."""

    def __init__(self, plant: Plant, rng: np.random.Generator) -> None:
        self._host_s = np.arange(-1, plant.seconds + 2, 0.01)
        swing = plant.wander_ppm * 1e-6 * plant.period_s / (2 * np.pi)
        phase = rng.uniform(0, 2 * np.pi)
        self._device_s = self._host_s * (1 + plant.ppm * 1e-6) + swing * np.sin(
            2 * np.pi * self._host_s / plant.period_s + phase
        )
        self._first_tick = float(rng.uniform(2e6, 1e9))
        self.restart_s = plant.unplugged[1] if plant.new_boot else np.inf
        self._restart_ticks = float(self._count(self.restart_s)) if plant.new_boot else np.inf

    def _count(self, host_s):
        return np.interp(host_s, self._host_s, self._device_s) * TICK_HZ + self._first_tick

    def ticks(self, host_s: np.ndarray) -> np.ndarray:
        """Return the ticks at host times [s], as they are written to a file."""
        ticks = self._count(host_s)
        again = ticks - self._restart_ticks + 1e5 + BOOT_TICKS
        return np.where(host_s < self.restart_s, ticks, again)

    def host_s(self, ticks: np.ndarray) -> np.ndarray:
        """Return the host times of ticks [s]."""
        second = ticks - BOOT_TICKS - 1e5 + self._restart_ticks
        own = np.where(ticks >= BOOT_TICKS // 2, second, ticks)
        return np.interp((own - self._first_tick) / TICK_HZ, self._device_s, self._host_s)


def _is_connected(plant: Plant, host_s: np.ndarray) -> np.ndarray:
    return ~((host_s > plant.unplugged[0]) & (host_s < plant.unplugged[1]))


def _ping(plant: Plant, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return when each ping was written, read by the device, and answered [s]."""
    byte_s = 10 / plant.baud if plant.line else 0.0
    starts = np.cumsum(rng.uniform(0.8, 1.2, round(plant.seconds / 0.8)))
    starts = np.concatenate(
        [[0.05, 0.08, 0.11], starts[starts < plant.seconds - 0.5], [plant.seconds - 0.3]]
    )
    steps_s = rng.uniform(0.0015, 0.0035, (len(starts), 8))
    send = (starts[:, None] + np.cumsum(steps_s, axis=1)).ravel()
    send = send[_is_connected(plant, send)]
    on_line = send + rng.uniform(30e-6, 250e-6, len(send))
    on_line += rng.uniform(0, plant.out_ms * 1e-3, len(send))
    ahead_s = np.arange(len(send)) * PING_BYTES * byte_s  # one after the other on the line
    received = np.maximum.accumulate(on_line - ahead_s) + ahead_s + PING_BYTES * byte_s
    read = np.maximum.accumulate(received + rng.uniform(5e-6, 120e-6, len(send)))
    answered = read + rng.uniform(5e-6, 60e-6, len(send))
    answered[:-1] = np.minimum(answered[:-1], read[1:])
    return send, read, answered


def _sample(
    plant: Plant, rng: np.random.Generator, oscillator: _Oscillator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ticks of each sample's middle, its true time and when it was queued [s].

    Windows tile the device's time; a sample is queued once the last conversion is done, 0.4 ms
    before the window ends.
    """
    period, last_s = TICK_HZ // RATE_HZ, plant.seconds - 0.6
    spans_s = ((0.3, min(oscillator.restart_s, last_s)), (oscillator.restart_s + 0.2, last_s))
    ticks = [
        np.arange(int(oscillator.ticks(begin)), int(oscillator.ticks(end - 1e-3)), period)
        for begin, end in np.array(spans_s) if begin < end
    ]
    ticks = np.concatenate(ticks) + period // 2
    truth = oscillator.host_s(ticks)
    queued = oscillator.host_s(ticks + period // 2 - round(0.0004 * TICK_HZ))
    queued = queued + rng.uniform(5e-6, 120e-6, len(ticks))
    passes = _is_connected(plant, queued) & _is_connected(plant, truth - 0.05)
    return ticks[passes], truth[passes], queued[passes]


def _carry(
    plant: Plant, rng: np.random.Generator, answered: np.ndarray, queued: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return when the host had each answer and each sample [s]: both share one line back."""
    byte_s = 10 / plant.baud / (1 + plant.ppm * 1e-6) if plant.line else 0.0
    written = np.concatenate([answered, queued])
    sizes = np.repeat([PONG_BYTES, SAMPLE_BYTES], [len(answered), len(queued)])
    order = np.argsort(written)
    arrived, free = np.empty(len(written)), 0.0
    for at, start, took in zip(
        order.tolist(), written[order].tolist(), (sizes * byte_s)[order].tolist(), strict=True
    ):
        free = max(free, start) + took
        arrived[at] = free
    if hold_s := plant.hold_ms * 1e-3:
        arrived += -(arrived - rng.uniform(0, hold_s)) % hold_s
    arrived += rng.uniform(30e-6, 250e-6, len(arrived))
    is_late = rng.random(len(arrived)) < plant.outliers
    arrived += is_late * rng.exponential(0.05, len(arrived))
    arrived[order] = np.maximum.accumulate(arrived[order])      # the port is read in order
    return arrived[: len(answered)], arrived[len(answered) :]


def make(plant: Plant, seed: int = 0) -> Made:
    """Simulate a plant."""
    rng = np.random.default_rng(seed)
    oscillator = _Oscillator(plant, rng)
    send, read, answered = _ping(plant, rng)
    ticks, truth, queued = _sample(plant, rng, oscillator)
    pong_arrival, sample_arrival = _carry(plant, rng, answered, queued)
    raw_s = np.cumsum(rng.uniform(0.02, 0.04, round((plant.seconds + 1) / 0.03)))
    wrong_s = (rng.random(len(raw_s)) < plant.clocks_wrong) * rng.uniform(0, 2e-4, len(raw_s))

    def monotonic_ns(host_s):
        third = plant.seconds / 3
        slewed_s = plant.slew_ppm * 1e-6 * np.clip(host_s - third, 0, third / 2)
        return BASE_NS + (host_s + slewed_s) * 1e9

    exchanges = np.zeros(len(send), EXCHANGE_DTYPE)
    exchanges["send_ns"] = monotonic_ns(send)
    exchanges["recv_ns"] = np.ceil(monotonic_ns(pong_arrival))
    exchanges["rx_ticks"] = oscillator.ticks(read)
    exchanges["tx_ticks"] = oscillator.ticks(answered)
    exchanges["id"] = np.arange(len(send)) % 2**16
    clocks = np.zeros(len(raw_s) if plant.read_clocks else 0, CLOCK_DTYPE)
    if plant.read_clocks:
        clocks["monotonic_ns"] = monotonic_ns(raw_s) + wrong_s * 1e9
        clocks["raw_ns"] = raw_s * 1e9 + 123_456_789
    arrival_ns = np.ceil(monotonic_ns(sample_arrival)).astype(np.int64)
    return Made(exchanges, clocks, ticks, arrival_ns, monotonic_ns(truth))


PLANTS = {
    "20 ppm, 1 ms adapter": Plant(),
    "20 ppm, 16 ms adapter": Plant(hold_ms=16),
    "5,000 ppm, 1 ms adapter": Plant(ppm=5000),
    "5,000 ppm, 16 ms adapter": Plant(ppm=5000, hold_ms=16),
    "5,000 ppm wandering by 10 ppm a minute, 16 ms adapter": Plant(
        ppm=5000, hold_ms=16, wander_ppm=8
    ),
    "the same, 2 % outliers": Plant(ppm=5000, hold_ms=16, wander_ppm=8, outliers=0.02),
    "the same, line pulled for a minute": Plant(
        ppm=5000, hold_ms=16, wander_ppm=8, unplugged=(200, 260)
    ),
    "the same, board unplugged for a minute": Plant(
        ppm=5000, hold_ms=16, wander_ppm=8, unplugged=(200, 260), new_boot=True
    ),
    "20 ppm, native USB, no line": Plant(line=False, hold_ms=0, out_ms=0.125),
    "20 ppm, 16 ms adapter, host slewed by 500 ppm": Plant(hold_ms=16, slew_ppm=500),
}


def place_live(made: Made) -> tuple[np.ndarray, np.ndarray]:
    """Place each sample by what came before it, as while recording; return time and bound [ns]."""
    placer = LivePlacer(TICK_HZ, RATE_HZ)
    exchanges, clocks = (
        sorted(made.exchanges.tolist(), key=lambda e: e[3], reverse=True),
        made.clocks.tolist()[::-1],
    )
    placed = []
    for ticks, arrival_ns in zip(made.ticks.tolist(), made.arrival_ns.tolist(), strict=True):
        while clocks and clocks[-1][0] < arrival_ns + 20_000_000:
            placer.add_clock_reading(*clocks.pop())
        while exchanges and exchanges[-1][3] < arrival_ns:
            placer.add_exchange(*exchanges.pop())
        placed.append(placer.place(ticks, arrival_ns))
    time_ns, bound_ns = np.array(placed).T
    return time_ns, bound_ns
