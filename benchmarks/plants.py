"""Simulated plants with known truth: an oscillator, a serial line, a USB adapter, a host that is
not always prompt.

A plant makes what a session would hold (exchanges, readings of the host's clocks, ticks and
arrivals of samples) and the true time of each sample's middle. It follows the firmware and the
recorder: bursts of eight pings about once a second; a ping is stamped once its last byte is in and
the sketch's loop has come round; answers and samples wait for each other on one line.
"""

from dataclasses import dataclass

import numpy as np

from acquire.clock.place import LivePlacer
from acquire.layout import BOOT_TICKS, CLOCK_DTYPE, EXCHANGE_DTYPE

TICK_HZ, RATE_HZ = 2_000_000, 25
BASE_NS = 10**14                    # host time when a plant begins
ATMEGA_BAUD = 16e6 / 8 / 17         # what an ATmega at 16 MHz makes of 115200: 2.1 % fast
PING_BYTES, PONG_BYTES, SAMPLE_BYTES = 7, 15, 16


@dataclass(frozen=True)
class Plant:
    """What a rig is like."""

    seconds: float = 120.0
    ppm: float = 20.0
    wander_ppm: float = 0.0  # amplitude of the temperature's part of the rate, over `period_s`
    period_s: float = 300.0
    hold_ms: float = 1.0            # the adapter lets bytes go in steps of this
    out_ms: float = 1.0             # and takes up to this to send one out
    outliers: float = 0.0           # part of all bytes for which the host is late by some 50 ms
    unplugged: tuple[float, float] = (0.0, 0.0)     # between these seconds nothing passes
    new_boot: bool = False          # and the device starts anew at their end
    slew_ppm: float = 0.0           # NTP steers the host from a third to a half of the time
    clocks_wrong: float = 0.0       # part of the readings of the host's clocks that were held up
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


def make(plant: Plant, seed: int = 0) -> Made:
    """Live through a plant."""
    rng = np.random.default_rng(seed)
    grid = np.arange(-1, plant.seconds + 2, 0.01)
    swing = plant.wander_ppm * 1e-6 * plant.period_s / (2 * np.pi)
    phase = rng.uniform(0, 2 * np.pi)
    device_s = grid * (1 + plant.ppm * 1e-6) + swing * np.sin(
        2 * np.pi * grid / plant.period_s + phase
    )
    first_tick = float(rng.uniform(2e6, 1e9))
    restart_s = plant.unplugged[1] if plant.new_boot else np.inf
    before_ticks = (
        float(np.interp(restart_s, grid, device_s)) * TICK_HZ + first_tick
        if plant.new_boot
        else np.inf
    )

    def device(t):                  # host seconds -> ticks, as they are written
        ticks = np.interp(t, grid, device_s) * TICK_HZ + first_tick
        return np.where(t < restart_s, ticks, ticks - before_ticks + 1e5 + BOOT_TICKS)

    def host(ticks):                # the way back
        boot = ticks >= BOOT_TICKS // 2
        own = np.where(
            boot, ticks - BOOT_TICKS - 1e5 + before_ticks if plant.new_boot else 0.0, ticks
        )
        return np.interp((own - first_tick) / TICK_HZ, device_s, grid)

    byte_s = 10 / plant.baud if plant.line else 0.0
    device_byte_s = byte_s / (1 + plant.ppm * 1e-6)
    period = TICK_HZ // RATE_HZ

    def connected(t):
        return ~((t > plant.unplugged[0]) & (t < plant.unplugged[1]))

    # Pings: when written, when the device has read them.
    starts = np.cumsum(rng.uniform(0.8, 1.2, round(plant.seconds / 0.8)))
    starts = np.concatenate(
        [[0.05, 0.08, 0.11], starts[starts < plant.seconds - 0.5], [plant.seconds - 0.3]]
    )
    send = (
        starts[:, None] + np.cumsum(rng.uniform(0.0015, 0.0035, (len(starts), 8)), axis=1)
    ).ravel()
    send = send[connected(send)]
    leave = (
        send
        + rng.uniform(30e-6, 250e-6, len(send))
        + rng.uniform(0, plant.out_ms * 1e-3, len(send))
    )
    ahead_s = np.arange(len(send)) * PING_BYTES * byte_s  # one after the other on the line
    heard = np.maximum.accumulate(leave - ahead_s) + ahead_s + PING_BYTES * byte_s
    rx = np.maximum.accumulate(heard + rng.uniform(5e-6, 120e-6, len(send)))
    tx = rx + rng.uniform(5e-6, 60e-6, len(send))
    tx[:-1] = np.minimum(tx[:-1], rx[1:])

    # Samples: windows tile the device's time; queued once the last conversion is done, 0.4 ms
    # before the window ends.
    ticks = []
    for begin, end in (
        (0.3, min(restart_s, plant.seconds - 0.6)), (restart_s + 0.2, plant.seconds - 0.6),
    ):
        if begin < end:
            ticks.append(
                np.arange(int(device(np.array(begin))), int(device(np.array(end - 1e-3))), period)
            )
    ticks = np.concatenate(ticks) + period // 2
    truth = host(ticks)
    ready = host(ticks + period // 2 - round(0.0004 * TICK_HZ)) + rng.uniform(
        5e-6, 120e-6, len(ticks)
    )
    passes = connected(ready) & connected(truth - 0.05)
    ticks, truth, ready = ticks[passes], truth[passes], ready[passes]

    # The one line back.
    written = np.concatenate([tx, ready])
    size = (
        np.concatenate([np.full(len(tx), PONG_BYTES), np.full(len(ready), SAMPLE_BYTES)])
        * device_byte_s
    )
    order = np.argsort(written)
    out, free = np.empty(len(written)), 0.0
    for at, start, took in zip(
        order.tolist(), written[order].tolist(), size[order].tolist(), strict=True
    ):
        free = max(free, start) + took
        out[at] = free
    hold = plant.hold_ms * 1e-3
    if hold:
        out += -(out - rng.uniform(0, hold)) % hold
    out += rng.uniform(30e-6, 250e-6, len(out))
    out += (rng.random(len(out)) < plant.outliers) * rng.exponential(0.05, len(out))
    late = np.maximum.accumulate(out[order])            # the port is read in order
    out[order] = late

    raw_s = np.cumsum(rng.uniform(0.02, 0.04, round((plant.seconds + 1) / 0.03)))
    wrong_s = (rng.random(len(raw_s)) < plant.clocks_wrong) * rng.uniform(0, 2e-4, len(raw_s))

    def monotonic_ns(t):
        third = plant.seconds / 3
        return BASE_NS + (t + plant.slew_ppm * 1e-6 * np.clip(t - third, 0, third / 2)) * 1e9

    exchanges = np.zeros(len(send), EXCHANGE_DTYPE)
    exchanges["send_ns"], exchanges["recv_ns"] = (
        monotonic_ns(send), np.ceil(monotonic_ns(out[: len(tx)])),
    )
    exchanges["rx_ticks"], exchanges["tx_ticks"] = device(rx), device(tx)
    exchanges["id"] = np.arange(len(send)) % 2**16
    clocks = np.zeros(len(raw_s) if plant.read_clocks else 0, CLOCK_DTYPE)
    if plant.read_clocks:
        clocks["monotonic_ns"], clocks["raw_ns"] = (
            monotonic_ns(raw_s) + wrong_s * 1e9, raw_s * 1e9 + 123_456_789,
        )
    return Made(
        exchanges, clocks, ticks, np.ceil(monotonic_ns(out[len(tx) :])).astype(np.int64),
        monotonic_ns(truth),
    )


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
    """Place each sample as it comes, with what had come before it: time and bound [ns]."""
    live = LivePlacer(TICK_HZ, RATE_HZ)
    exchanges, clocks = (
        sorted(made.exchanges.tolist(), key=lambda e: e[3], reverse=True),
        made.clocks.tolist()[::-1],
    )
    placed = []
    for ticks, arrival_ns in zip(made.ticks.tolist(), made.arrival_ns.tolist(), strict=True):
        while clocks and clocks[-1][0] < arrival_ns + 20_000_000:
            live.add_clock_reading(*clocks.pop())
        while exchanges and exchanges[-1][3] < arrival_ns:
            live.add_exchange(*exchanges.pop())
        placed.append(live.place(ticks, arrival_ns))
    time_ns, bound_ns = np.array(placed).T
    return time_ns, bound_ns
