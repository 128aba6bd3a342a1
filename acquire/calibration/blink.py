"""Film the sensor's LED while it is switched at random instants, for `light_offset` to work on.

One thread talks to the sensor: it pings in bursts, switches the LED, and stamps every answer. The
calling thread takes the camera's frames and keeps an average of each over a grid, 14 KB. The sensor
samples all the time, as it does when recording, and a toggle is placed between the two samples
beside it: what the sensor's clock does to samples, it also does to toggles.
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
from acquire.clock.place_samples import place_samples
from acquire.clock.ticks import TickCounter
from acquire.errors import CalibrationError, DeviceError, Fix
from acquire.host_time import read_clocks
from acquire.layout import CLOCK_DTYPE, EXCHANGE_DTYPE
from acquire.sensor.pings import Pinger, PingSchedule
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import DEFAULT_RATE_HZ, Hello, Led, Light, Packet, Ping, Pong, Sample

from .light_offset import Toggles, average_cells

TOGGLES, MOST_TOGGLES = 120, 600
# from toggle to toggle, uniform: every phase of the camera's clock comes up
APART_FRAMES = (3.0, 6.0)
WARM_UP_S = 1.0                 # the rate is measured, and the first pings go out
TAIL_S = 0.6                    # after the last toggle: late stamps, and the last pings
FRAMES_A_TOGGLE, BESIDE_S = sum(APART_FRAMES) / 2, WARM_UP_S + TAIL_S
# four times as often as when recording: half a minute has to suffice here
PING_EVERY_S = (0.25, 0.45)
STALL_S = 5.0


@dataclass(frozen=True)
class Blinks:
    """The LED as the sensor switched it, and as the camera saw it."""

    cells: np.ndarray           # (N, 45, 80) float32 grey levels
    frame_ns: np.ndarray        # (N,) int64, the camera's stamps
    toggles: Toggles


def blinking_s(toggles: int, fps: float) -> float:
    """Return how long `record_blinks` takes [s], about, once the devices are open."""
    return BESIDE_S + toggles * FRAMES_A_TOGGLE / fps


class BlinkLog:
    """The packets between sensor and host; `toggles` places each toggle as samples are placed."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._ticks = TickCounter()
        self._pinger = Pinger()
        self._exchanges: list[tuple[int, int, int, int, int]] = []
        self._clocks: list[tuple[int, int]] = []
        self._samples: list[tuple[int, int]] = []
        self._lights: list[tuple[int, int]] = []

    def ping(self, send: Callable[[Ping], int]) -> None:
        """Send a ping; `send` returns the time just before it went out [ns]."""
        self._pinger.ping(send)

    def add_clock_reading(self, monotonic_ns: int, raw_ns: int) -> None:
        """Take a reading of the host's two clocks."""
        self._clocks.append((monotonic_ns, raw_ns))

    def add_packet(self, packet: Packet, arrival_ns: int) -> None:
        """Take a packet that came at `arrival_ns`.

        Raises
        ------
        DeviceError : the sensor restarted
        """
        if isinstance(packet, Pong):
            exchange = self._pinger.match(packet, arrival_ns)
            if exchange is not None:
                rx, tx = self._ticks.unwrap(packet.rx_ticks), self._ticks.unwrap(packet.tx_ticks)
                self._exchanges.append((exchange.sent_ns, rx, tx, arrival_ns, packet.id))
        elif isinstance(packet, Sample):
            self._samples.append((self._ticks.unwrap(packet.ticks), arrival_ns))
        elif isinstance(packet, Light):
            self._lights.append((self._ticks.unwrap(packet.ticks), packet.on))
        elif isinstance(packet, Hello) and packet.boot_id != self._hello.boot_id:
            raise DeviceError(
                expected="the sensor to keep running while its LED blinks", found="a restart",
                fix="calibrate again",
            )

    def toggles(self, sent: int) -> Toggles:
        """Return the toggles on the host's clock; the host asked for `sent` of them.

        Raises
        ------
        DeviceError : not every toggle was answered, or the clocks give no bound
        """
        if len(self._lights) != sent:
            raise DeviceError(
                expected=f"an answer to each of {sent} times that the LED was switched",
                found=len(self._lights), fix="calibrate again" if self._lights else Fix.FLASH,
            )
        if not self._exchanges or len(self._samples) < 2:
            raise DeviceError(
                expected="answered pings and samples while the LED blinked", found="none",
                fix="calibrate again",
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
                expected="samples with a time around each switching of the LED", found="none",
                fix="calibrate again",
            )
        time_ns = sample_ns[0] + np.rint(np.interp(at, ticks, sample_ns - sample_ns[0])).astype(
            np.int64
        )
        return Toggles(
            time_ns, np.maximum(sample_bound_ns[after - 1], sample_bound_ns[after]), on.astype(bool)
        )


def record_blinks(
    camera: FrameSource, sensor: Sensor, *, toggles: int = TOGGLES, seed: int | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Blinks:
    """Switch the LED `toggles` times, an even number, and film it.

    How long it takes: `blinking_s`.

    Raises
    ------
    DeviceError : camera or sensor failed, or the firmware does not report when it switched
    CalibrationError : the camera is a file that ends
    """
    if toggles < 2 or toggles % 2:
        raise ValueError(f"expected an even number of toggles, got {toggles}")
    sensor.send(Led(0))  # a board that was not reset may have been left blinking, and sampling
    sensor.silence()
    sensor.start(DEFAULT_RATE_HZ)
    camera.start(host_time.now_ns())
    blinker = _Blinker(
        sensor, sensor.confirm_start(DEFAULT_RATE_HZ), toggles, random.Random(seed), on_progress
    )
    cells: list[np.ndarray] = []
    frame_ns: list[int] = []
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="blinker") as pool:
        running = pool.submit(blinker.run)
        try:
            frame_at_s = time.monotonic()
            while not running.done():
                frame = camera.read(0.2)
                if frame is not None:
                    frame_at_s = time.monotonic()
                    cells.append(
                        average_cells(frame.image, camera.info.pixel_format, camera.info.height)
                    )
                    frame_ns.append(frame.time_ns)
                    if len(frame_ns) > 3:
                        blinker.period_s = float(np.median(np.diff(frame_ns[-50:]))) / 1e9
                elif time.monotonic() - frame_at_s > STALL_S:
                    raise DeviceError(
                        expected=f"frames from {camera.info.name}", found=f"none for {STALL_S:g} s"
                    )
        except EndOfStream:
            raise CalibrationError(
                expected="a live camera that sees the LED", found=f"that {camera.info.name} ended",
                fix="name a live camera: in a file no LED can be switched",
            ) from None
        finally:
            blinker.stop.set()
        log = running.result()
    return Blinks(np.array(cells), np.array(frame_ns, dtype=np.int64), log.toggles(toggles))


class _Blinker:
    """The thread that talks to the sensor."""

    def __init__(
        self, sensor: Sensor, hello: Hello, toggles: int, rng: random.Random,
        on_progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._sensor = sensor
        self._log = BlinkLog(hello)
        self._toggles = toggles
        self._rng = rng
        self._on_progress = on_progress
        self.period_s: float | None = None      # of the frames, by the camera's stamps
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
        now_s = time.monotonic()
        pings = PingSchedule(now_s, PING_EVERY_S, uniform=self._rng.uniform)
        toggle_at_s, done = now_s + WARM_UP_S, 0
        while not self.stop.is_set():
            now_s = time.monotonic()
            if now_s >= pings.due_s:
                self._ping()
                pings.advance(now_s)
            if now_s >= toggle_at_s:
                if done == self._toggles:
                    return
                if self.period_s is not None:               # else the camera has not started yet
                    done += 1
                    self._sensor.send(Led(done % 2))
                    if self._on_progress is not None:
                        self._on_progress("blinking", done, self._toggles)
                    wait_s = self._rng.uniform(*APART_FRAMES) * self.period_s
                    toggle_at_s = now_s + (wait_s if done < self._toggles else TAIL_S)
            wait_s = min(pings.due_s, toggle_at_s) - now_s
            received = self._sensor.read(min(0.01, max(0.0, wait_s)))
            if received is not None:
                self._log.add_packet(received.packet, received.arrival_ns)

    def _ping(self) -> None:
        self._log.add_clock_reading(*read_clocks())
        self._log.ping(self._sensor.send)
