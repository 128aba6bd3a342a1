"""Film the sensor's LED while it is switched at random instants: what
`acquire.calibration.light_offset` works on.

One thread talks to the sensor: it pings in bursts, switches the LED, and stamps every answer. The
calling thread takes the camera's frames and keeps of each an average over a grid, 14 KB. The sensor
samples all the while, as it does when recording, and a toggle is placed between the two samples
beside it: whatever the sensor's clock does to samples, it does to toggles.
"""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from acquire import host_time
from acquire.camera.source import EndOfStream, FrameSource
from acquire.clock.place import place_samples
from acquire.clock.ticks import TickCounter
from acquire.errors import CalibrationError, DeviceError
from acquire.host_time import read_clocks
from acquire.layout import CLOCK_DTYPE, EXCHANGE_DTYPE
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import DEFAULT_RATE_HZ, Hello, Led, Light, Packet, Pong, Sample

from .light_offset import Toggles, average_cells

TOGGLES = 120
# from toggle to toggle, uniform: every phase of the camera's clock comes up
APART_FRAMES = (3.0, 6.0)
WARM_UP_S = 1.0                 # the rate is measured, and the first pings go out
TAIL_S = 0.6                    # after the last toggle: late stamps, and the last pings
PING_BURST = 8
PING_STEP_S = (0.0015, 0.0035)
# four times as often as when recording: half a minute has to do for what a minute does there
PING_EVERY_S = (0.25, 0.45)
STALL_S = 5.0


@dataclass(frozen=True)
class Blinks:
    """The LED as the sensor switched it, and as the camera saw it."""

    cells: np.ndarray           # (N, 45, 80) float32 grey levels
    frame_ns: np.ndarray        # (N,) int64, the camera's stamps
    toggles: Toggles


class BlinkLog:
    """What sensor and host said to each other; `toggles` places every switching of the LED as a
    session's samples are placed.
    """

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._ticks = TickCounter()
        self._sent_ns: dict[int, int] = {}
        self._exchanges: list[tuple[int, int, int, int, int]] = []
        self._clocks: list[tuple[int, int]] = []
        self._samples: list[tuple[int, int]] = []
        self._lights: list[tuple[int, int]] = []

    def sent_ping(self, ping_id: int, sent_ns: int) -> None:
        """Note a ping on its way."""
        self._sent_ns[ping_id] = sent_ns

    def read_clocks(self, monotonic_ns: int, raw_ns: int) -> None:
        """Take a reading of the host's two clocks."""
        self._clocks.append((monotonic_ns, raw_ns))

    def take(self, packet: Packet, arrival_ns: int) -> None:
        """Take a packet that came at `arrival_ns`.

        Raises
        ------
        DeviceError : the sensor restarted
        """
        if isinstance(packet, Pong):
            sent_ns = self._sent_ns.pop(packet.id, None)
            if sent_ns is not None:
                rx, tx = self._ticks.unwrap(packet.rx_ticks), self._ticks.unwrap(packet.tx_ticks)
                self._exchanges.append((sent_ns, rx, tx, arrival_ns, packet.id))
        elif isinstance(packet, Sample):
            self._samples.append((self._ticks.unwrap(packet.ticks), arrival_ns))
        elif isinstance(packet, Light):
            self._lights.append((self._ticks.unwrap(packet.ticks), packet.on))
        elif isinstance(packet, Hello) and packet.boot_id != self._hello.boot_id:
            raise DeviceError(
                "expected the sensor to keep running while its LED blinks, found a restart; "
                "calibrate again"
            )

    def toggles(self, sent: int) -> Toggles:
        """Give the toggles on the host's clock; the host asked for `sent`.

        Raises
        ------
        DeviceError : not every toggle was answered, or the clocks give no bound
        """
        if len(self._lights) != sent:
            raise DeviceError(
                f"expected an answer to each of {sent} times that the LED was switched, found "
                f"{len(self._lights)}; "
                + (
                    "calibrate again"
                    if self._lights
                    else "flash firmware/ppg_logger of this version"
                )
            )
        if not self._exchanges or len(self._samples) < 2:
            raise DeviceError(
                "expected answered pings and samples while the LED blinked, found none; calibrate "
                "again"
            )
        ticks, arrival_ns = np.array(sorted(self._samples), dtype=np.int64).T
        sample_ns, sample_bound_ns = place_samples(
            np.array(self._exchanges, EXCHANGE_DTYPE), np.array(self._clocks, CLOCK_DTYPE), ticks,
            arrival_ns, tick_hz=self._hello.tick_hz, rate_hz=self._hello.rate_hz,
        )
        at, on = np.array(self._lights, dtype=np.int64).T
        after = np.clip(np.searchsorted(ticks, at), 1, len(ticks) - 1)
        if (
            at[0] < ticks[0]
            or at[-1] > ticks[-1]
            or (sample_bound_ns[[after - 1, after]] < 0).any()
        ):
            raise DeviceError(
                "expected samples with a time around each switching of the LED, found none; "
                "calibrate again"
            )
        time_ns = sample_ns[0] + np.rint(np.interp(at, ticks, sample_ns - sample_ns[0])).astype(
            np.int64
        )
        return Toggles(
            time_ns, np.maximum(sample_bound_ns[after - 1], sample_bound_ns[after]), on.astype(bool)
        )


def record_blinks(
    camera: FrameSource,
    sensor: Sensor,
    *,
    toggles: int = TOGGLES,
    seed: int | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Blinks:
    """Switch the LED `toggles` times, an even number, and film it; takes 4.5 frames a toggle, and
    two seconds.

    Raises
    ------
    DeviceError : camera or sensor failed, or the sensor's firmware does not say when it switched
    CalibrationError : the camera is a file that ends
    """
    if toggles < 2 or toggles % 2:
        raise ValueError(f"expected an even number of toggles, got {toggles}")
    sensor.send(Led(0))  # a board that was not reset may have been left blinking, and sampling
    sensor.stop()
    while sensor.read(0.0) is not None:
        pass
    sensor.start(DEFAULT_RATE_HZ)
    camera.start(host_time.now_ns())
    blinker = _Blinker(
        sensor, sensor.confirm_start(DEFAULT_RATE_HZ), toggles, random.Random(seed), on_progress
    )
    cells: list[np.ndarray] = []
    frame_ns: list[int] = []
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="blinker") as pool:
        talk = pool.submit(blinker.run)
        try:
            heard = time.monotonic()
            while not talk.done():
                frame = camera.read(0.2)
                if frame is not None:
                    heard = time.monotonic()
                    cells.append(
                        average_cells(frame.image, camera.info.pixel_format, camera.info.height)
                    )
                    frame_ns.append(frame.time_ns)
                    if len(frame_ns) > 3:
                        blinker.period_s = float(np.median(np.diff(frame_ns[-50:]))) / 1e9
                elif time.monotonic() - heard > STALL_S:
                    raise DeviceError(
                        f"expected frames from {camera.info.name}, found none for {STALL_S:g} s"
                    )
        except EndOfStream:
            raise CalibrationError(
                f"expected a live camera that sees the LED, found that {camera.info.name} ended; a "
                "file has no LED to switch"
            ) from None
        finally:
            blinker.stop.set()
        log = talk.result()
    return Blinks(np.array(cells), np.array(frame_ns, dtype=np.int64), log.toggles(toggles))


class _Blinker:
    """The thread that talks to the sensor."""

    def __init__(
        self, sensor: Sensor, hello: Hello, toggles: int, chance: random.Random,
        on_progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._sensor = sensor
        self._log = BlinkLog(hello)
        self._toggles = toggles
        self._chance = chance
        self._on_progress = on_progress
        self._next_ping = 0
        self.period_s: float | None = None      # of the frames, as the camera's stamps have it
        self.stop = threading.Event()

    def run(self) -> BlinkLog:
        """Blink, then leave the LED dark and the sensor stopped."""
        try:
            self._blink()
        finally:
            self._sensor.send(Led(0))
            self._sensor.stop()
        return self._log

    def _blink(self) -> None:
        now = time.monotonic()
        next_ping, left = now, PING_BURST
        next_toggle, done = now + WARM_UP_S, 0
        while not self.stop.is_set():
            now = time.monotonic()
            if now >= next_ping:
                self._ping()
                left = left - 1 or PING_BURST
                next_ping = now + self._chance.uniform(
                    *(PING_EVERY_S if left == PING_BURST else PING_STEP_S)
                )
            if now >= next_toggle:
                if done == self._toggles:
                    return
                if self.period_s is not None:               # else the camera has not started yet
                    done += 1
                    self._sensor.send(Led(done % 2))
                    if self._on_progress is not None:
                        self._on_progress("blinking", done, self._toggles)
                    wait_s = self._chance.uniform(*APART_FRAMES) * self.period_s
                    next_toggle = now + (wait_s if done < self._toggles else TAIL_S)
            received = self._sensor.read(min(0.01, max(0.0, min(next_ping, next_toggle) - now)))
            if received is not None:
                self._log.take(received.packet, received.arrival_ns)

    def _ping(self) -> None:
        self._log.read_clocks(*read_clocks())
        self._log.sent_ping(self._next_ping, self._sensor.ping(self._next_ping))
        self._next_ping = (self._next_ping + 1) % 2**16
