"""`acq calibrate` on simulated scenes: the error of the offset between light and frames, its bound.

`python -m benchmarks.calibration [--quick]`. Each scene is a virtual subject's picture with the
sensor's LED in it, a hidden latency drawn from -30 to +60 ms, and the virtual sensor with its
crystal and adapter on a timeline that never waits: the same log, the same search and the same fit
as in `acq calibrate`. The error is against the hidden truth, with the asymmetry of the sensor's
clock.
`--quick` films each scene once instead of five times.
"""

import random
import sys
from dataclasses import dataclass

import numpy as np

from acquire.calibration.blink import (
    APART_FRAMES,
    PING_EVERY_S,
    TAIL_S,
    TOGGLES,
    WARM_UP_S,
    BlinkLog,
    Blinks,
)
from acquire.calibration.light_offset import LightFit, average_cells, find_light, fit_light_offset
from acquire.calibration.rig_file import MAX_BOUND_NS
from acquire.errors import CalibrationError
from acquire.sensor.pings import PingSchedule
from acquire.sensor.protocol import DEFAULT_RATE_HZ, Led, Packet, PacketParser, Start, encode
from acquire.simulation.led import LedView
from acquire.simulation.motion import Activity
from acquire.simulation.rig import VirtualCamera
from acquire.simulation.sensor_device import Crystal, SensorDevice, SerialLine
from acquire.simulation.subject import VirtualSubject

_BOOT_NS = 3_600_000_000_000
_READ_NS = (30_000, 250_000)        # from a byte's arrival to the host's stamp


@dataclass(frozen=True)
class Scene:
    """What a camera sees, and what is wrong with it."""

    name: str
    exposure_ms: float = 10.0
    light: float = 2.0              # of the LED; above 1 it saturates
    row_px: int = 180
    fps: float = 25.0
    hold_ms: float = 16.0           # of the USB adapter
    ppm: float = 40.0               # of the sensor's crystal
    flicker: float = 0.002          # of the room's light, relative
    lost: float = 0.0               # part of the frames
    hidden: float = 0.0             # part of the time that something is before the LED
    dark: float = 1.0               # brightness of the room
    jitter_ms: float = 0.0          # RMS of the stamps
    toggles: int = TOGGLES


SCENES = (
    Scene("plain"),
    Scene("1 ms adapter, -50 ppm", hold_ms=1.0, ppm=-50.0),
    Scene("resonator, 5,000 ppm", ppm=5000.0),
    Scene("5 ms exposure", exposure_ms=5.0),
    Scene("33 ms exposure", exposure_ms=33.0),
    Scene("33 ms exposure at 30 fps", exposure_ms=33.0, fps=30.0),
    Scene("60 fps, 16 ms exposure", exposure_ms=16.0, fps=60.0),
    Scene("LED ten times too bright", exposure_ms=20.0, light=20.0),
    Scene("LED dim", exposure_ms=20.0, light=0.05),
    Scene("LED dim, 33 ms", exposure_ms=33.0, light=0.05),
    Scene("dim face, LED bright", exposure_ms=33.0, dark=0.3),
    Scene("LED near the top", row_px=20),
    Scene("LED near the bottom", row_px=340),
    Scene("flicker of 5 %", exposure_ms=15.0, flicker=0.05),
    Scene("flicker of 5 % at 30 fps, LED dim", exposure_ms=15.0, flicker=0.05, fps=30.0, light=0.1),
    Scene("stamps jitter by 2 ms", exposure_ms=20.0, jitter_ms=2.0),
    Scene("one frame in ten lost", lost=0.1),
    Scene("LED hidden a third of the time", hidden=0.33),
    Scene("stamps jitter by 1 ms", exposure_ms=20.0, jitter_ms=1.0),
    Scene("stamps jitter by 2 ms, 240 toggles", exposure_ms=20.0, jitter_ms=2.0, toggles=240),
)


class Host:
    """The host's side of the serial line, on a timeline that never waits."""

    def __init__(self, scene: Scene, subject: VirtualSubject, rng: np.random.Generator) -> None:
        self._rng = random.Random(int(rng.integers(2**63)))
        crystal = Crystal(rng, boot_ns=_BOOT_NS, ppm=scene.ppm)
        line = SerialLine(rng, hold_ms=scene.hold_ms)
        self.device = SensorDevice(
            lambda ns: subject.ppg((ns - _BOOT_NS) * 1e-9), crystal, line, rng=rng, boot_id=1
        )
        self._parser = PacketParser()
        self.log = BlinkLog(self.device.hello)
        self.now_ns = _BOOT_NS

    def _run_until(self, until_ns: int) -> None:
        while (due_ns := self.device.next_ns()) is not None and due_ns <= until_ns:
            self.device.run(due_ns)
            arrival_ns = due_ns + self._rng.randint(*_READ_NS)
            for packet in self._parser.feed(self.device.line.arrived(due_ns)):
                self.log.add_packet(packet, arrival_ns)
        self.device.run(until_ns)
        self.now_ns = until_ns

    def _send(self, packet: Packet) -> int:
        sent_ns = self.now_ns
        out_ns = sent_ns + self._rng.randint(*_READ_NS)
        self._run_until(out_ns)
        self.device.receive(encode(packet), out_ns)
        return sent_ns

    def blink(self, scene: Scene) -> None:
        """Ping and switch as `acquire.calibration.blink` does."""
        self._send(Start(DEFAULT_RATE_HZ))
        pings = PingSchedule(self.now_ns * 1e-9, PING_EVERY_S, uniform=self._rng.uniform)
        next_toggle_ns, done = self.now_ns + round(WARM_UP_S * 1e9), 0
        while True:
            next_ping_ns = round(pings.due_s * 1e9)
            self._run_until(max(self.now_ns, min(next_ping_ns, next_toggle_ns)))
            if self.now_ns >= next_ping_ns:
                self.log.ping(self._send)
                pings.advance(self.now_ns * 1e-9)
            if self.now_ns >= next_toggle_ns:
                if done == scene.toggles:
                    return
                done += 1
                self._send(Led(done % 2))
                wait_s = self._rng.uniform(*APART_FRAMES) / scene.fps
                wait_s = wait_s if done < scene.toggles else TAIL_S
                next_toggle_ns = self.now_ns + round(wait_s * 1e9)


def film(scene: Scene, seed: int) -> tuple[Blinks, int]:
    """Film one scene; return what `acq calibrate` would have of it, and the true offset [ns]."""
    rng = np.random.default_rng([seed, 7])
    activity = Activity(motion=1.0, speech=0.2, turns_per_min=4.0, light=1.0, flicker=scene.flicker)
    subject = VirtualSubject(f"S{seed % 90 + 1:02d}", seed=seed, activity=activity)
    view = LedView(
        latency_ms=float(rng.uniform(-30, 60)), exposure_ms=scene.exposure_ms, light=scene.light,
        row_px=scene.row_px, column_px=int(rng.integers(40, 140)),
    )
    host = Host(scene, subject, rng)
    host.blink(scene)
    camera = VirtualCamera(subject, fps=scene.fps, seed=seed, led=host.device.led, view=view)
    camera.start(_BOOT_NS + 300_000_000)
    height = camera.info.height
    count = int((host.now_ns - _BOOT_NS) * 1e-9 * scene.fps) - 12
    hidden_from = rng.uniform(0.1, 0.9 - scene.hidden) * count
    cells, frame_ns = [], []
    for n in range(count):
        if rng.random() < scene.lost:
            continue
        image, time_ns = camera.expose(n)
        if scene.dark != 1.0:
            luma = image[:height]
            around = np.ones(height, bool)
            around[view.row_px - 15 : view.row_px + 16] = False  # the LED stays as bright as it is
            luma[around] = 16 + (luma[around] - 16.0) * scene.dark
        if hidden_from <= n < hidden_from + scene.hidden * count:
            image[
                view.row_px - 20 : view.row_px + 21, view.column_px - 20 : view.column_px + 21
            ] = 90
        cells.append(average_cells(image, "I420", height))
        frame_ns.append(time_ns + round(rng.normal(0, scene.jitter_ms * 1e6)))
    return Blinks(
        np.array(cells), np.array(frame_ns), host.log.toggles(scene.toggles)
    ), view.offset_ns(height)


def fit(blinks: Blinks) -> LightFit:
    """Do what `acq calibrate` does with what it filmed."""
    cells, frame_ns, toggles = blinks.cells, blinks.frame_ns, blinks.toggles
    brightness, position = find_light(cells, frame_ns, toggles)
    return fit_light_offset(brightness, frame_ns, toggles, coarse_ns=position.offset_ns)


def main() -> None:
    """Print the table."""
    seeds = range(1 if "--quick" in sys.argv[1:] else 5)
    print(
        f"{len(seeds)} rigs a scene, {TOGGLES} toggles unless it says so, hidden latency -30 to "
        "+60 ms\n"
    )
    print(
        "| scene | RMS error ms | worst ms | bound ms, median | inside the bound | exposure, true "
        "and found ms | refused |"
    )
    print("|---|---|---|---|---|---|---|")
    for number, scene in enumerate(SCENES):
        errors, bounds, exposures, refused = [], [], [], 0
        for seed in seeds:
            blinks, truth_ns = film(scene, 100 * number + seed)
            try:
                found = fit(blinks)
            except CalibrationError:
                found = None
            if found is None or found.bound_ns > MAX_BOUND_NS:
                refused += 1
                continue
            errors.append((found.offset_ns - truth_ns) / 1e6)
            bounds.append(found.bound_ns / 1e6)
            exposures.append(found.exposure_ns / 1e6)
        error, bound = np.array(errors), np.array(bounds)
        if len(error) == 0:
            print(f"| {scene.name} | | | | | | {refused} of {len(seeds)} |", flush=True)
            continue
        print(
            f"| {scene.name} | {np.sqrt((error**2).mean()):.2f} | {np.abs(error).max():.2f} | "
            f"{np.median(bound):.2f} "
            f"| {int((np.abs(error) <= bound).sum())} of {len(error)} | {scene.exposure_ms:g}, "
            f"{np.median(exposures):.1f} "
            f"| {refused} of {len(seeds)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
