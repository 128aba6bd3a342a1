"""Sessions of virtual subjects, written faster than they would happen: the recorder's part played
on a timeline that never waits.

The same subject, the same camera timing, the same sensor device with its crystal and its adapter,
the same pings, file and clock estimate as a recording of the virtual rig; only the waiting is left
out. Nobody is late here, so no frame is lost. What a run writes is a function of its seed: session
n of subject S01 is the same blood and the same light on every machine.
"""

import json
import multiprocessing
import os
import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np

from acquire import data_folder, layout
from acquire.camera.source import VideoFrame
from acquire.clock import TickCounter, place_samples
from acquire.errors import SessionError
from acquire.sensor.pings import PING_BURST, PING_EVERY_S, PING_STEP_S
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
from acquire.session.writer import SessionWriter

from .camera_pipeline import Developer, Film
from .rig import ADAPTERS_MS, CameraTiming, camera_info
from .sensor_device import Crystal, Line, SensorDevice
from .subject import VirtualSubject
from .world import WorldName, draw_world

# simulated sessions begin here, a day apart
FIRST_DAY = datetime(2026, 1, 1, 9, 0, tzinfo=timezone.utc)
_BOOT_S = 0.05                  # from the sensor's boot to the host's first ping
_READ_NS = (30_000, 250_000)    # from a byte's arrival to the reader's stamp: the host's scheduler


@dataclass(frozen=True)
class SimulatedSession:
    """What to simulate."""

    subject: str
    session: int               # 0, 1, ...: days of the same subject
    seed: int
    duration_s: float
    fps: float
    world: WorldName = "usual"

    @property
    def started(self) -> datetime:
        """When it is said to have begun; two sessions of one subject never share it."""
        return FIRST_DAY + timedelta(days=self.session, seconds=self.seed % 3600)

    @property
    def session_id(self) -> str:
        """Name of the session, and of its file without the suffix."""
        return data_folder.new_session_id(self.subject, self.started.timestamp())

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return round(self.duration_s * self.fps)

    def path(self, data: Path) -> Path:
        """Where the session belongs under `data`."""
        return data_folder.session_file(data, self.subject, self.session_id)


class _Host:
    """The recorder's side of the serial line, on the virtual timeline."""

    def __init__(
        self, plan: SimulatedSession, subject: VirtualSubject, boot_ns: int, start_ns: int
    ) -> None:
        rng = np.random.default_rng([zlib.crc32(plan.subject.encode()), plan.seed, 5, plan.session])
        self._random = random.Random(int(rng.integers(2**63)))
        self.crystal = Crystal(rng, boot_ns=boot_ns)
        line = Line(rng, hold_ms=float(rng.choice(ADAPTERS_MS)))
        boot_id = int(rng.integers(1, 2**32))
        self.device = SensorDevice(
            lambda host_ns: subject.ppg((host_ns - start_ns) * 1e-9), self.crystal, line, rng=rng,
            boot_id=boot_id,
        )
        self._parser = PacketParser()
        self._ticks = TickCounter()
        self._sent_ns: dict[int, int] = {}
        self._next_id = 0
        self.now_ns = boot_ns
        self.hello: Hello | None = None
        self.exchanges: list[tuple[int, int, int, int, int]] = []
        self.samples: list[tuple[Sample, int, int]] = []          # packet, unwrapped ticks, arrival

    def run_until(self, until_ns: int) -> None:
        """Let device and line work, and stamp what arrives, up to `until_ns`."""
        while (due_ns := self.device.next_ns()) is not None and due_ns <= until_ns:
            self.device.run(due_ns)
            data = self.device.line.arrived(due_ns)
            arrival_ns = due_ns + self._random.randint(*_READ_NS)
            for packet in self._parser.feed(data):
                self._take(packet, arrival_ns)
        self.now_ns = until_ns

    def _take(self, packet: object, arrival_ns: int) -> None:
        if isinstance(packet, Hello):
            self.hello = packet
        elif isinstance(packet, Sample):
            self.samples.append((packet, self._ticks.unwrap(packet.ticks), arrival_ns))
        elif isinstance(packet, Pong) and packet.id in self._sent_ns:
            rx, tx = self._ticks.unwrap(packet.rx_ticks), self._ticks.unwrap(packet.tx_ticks)
            self.exchanges.append((self._sent_ns.pop(packet.id), rx, tx, arrival_ns, packet.id))

    def send(self, packet: Ping | Start | Stop) -> None:
        """Write a packet now; it leaves the host a little later."""
        self.device.receive(encode(packet), self.now_ns + self._random.randint(*_READ_NS))

    def ping_burst(self) -> None:
        """Ping in one burst, as the recorder does."""
        for _ in range(PING_BURST):
            self._sent_ns[self._next_id] = self.now_ns
            self.send(Ping(self._next_id))
            self._next_id = (self._next_id + 1) % 2**16
            self.run_until(self.now_ns + round(self._random.uniform(*PING_STEP_S) * 1e9))

    def wait(self, shortest_s: float, longest_s: float) -> None:
        """Let a random time pass."""
        self.run_until(self.now_ns + round(self._random.uniform(shortest_s, longest_s) * 1e9))


def write_session(
    plan: SimulatedSession, data: Path, *, force: bool = False,
    on_frame: Callable[[int], None] = lambda frames: None,
) -> Path:
    """Simulate one session into its place under `data`.

    Parameters
    ----------
    force : replace a session of the same name
    on_frame : called with the number of frames made so far

    Raises
    ------
    SessionError : it is there already, or cannot be written
    """
    if not force:
        check_free([plan], data)
    cv2.setNumThreads(1)            # a process makes one session; more of them are more processes
    path = plan.path(data)
    unix_ns = round(plan.started.timestamp() * 1e9)
    # any monotonic clock: it has run a while
    boot_ns = 1_000_000_000_000 + plan.session * 86_400_000_000_000
    start_ns = boot_ns + 1_000_000_000
    world = (
        draw_world(plan.subject, seed=plan.seed, session=plan.session)
        if plan.world == "varied"
        else None
    )
    subject = VirtualSubject(plan.subject, seed=plan.seed, session=plan.session, world=world)
    host = _play_sensor(plan, subject, boot_ns, start_ns)
    assert host.hello is not None

    with (
        _renamed_when_whole(path) as part,
        SessionWriter(
            part, session_id=plan.session_id, subject=plan.subject,
            camera=camera_info(subject, plan.fps), hello=host.hello, port="simulated",
            started_unix_ns=unix_ns, started_monotonic_ns=start_ns, simulated=True,
        ) as writer,
    ):
        _write_sensor(writer, host)
        if world is not None:
            for name, value in world.parameters().items():  # an event's text is short
                writer.add_event(
                    start_ns, "world", json.dumps({name: value}, separators=(",", ":"))
                )
        _write_frames(
            writer, plan, subject, world.film if world is not None else Film(), start_ns, on_frame
        )
        writer.add_event(start_ns + round(plan.duration_s * 1e9), "stopped", "duration")
        writer.close(complete=True)
    return path


def check_free(plans: Iterable[SimulatedSession], data: Path) -> None:
    """Refuse where one of the sessions is there already."""
    found = [path for plan in plans if (path := plan.path(data)).exists()]
    if found:
        raise SessionError(
            f"expected none of these sessions yet, found {len(found)} of them, first {found[0]}; "
            "replace them with --force, or choose another --seed or --data"
        )


def write_sessions(
    plans: Sequence[SimulatedSession], data: Path, *, jobs: int | None = None, force: bool = False,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> list[Path]:
    """Simulate many sessions, in `jobs` processes; give their paths in the order of `plans`.

    Raises
    ------
    SessionError : one of them is there already (nothing is written then), or cannot be written
    """
    if not force:
        check_free(plans, data)
    jobs = min(jobs or len(os.sched_getaffinity(0)), len(plans))
    total = sum(plan.frames for plan in plans)
    stage = f"{len(plans)} sessions, frames"
    if jobs <= 1:
        done, paths = 0, []
        for plan in plans:
            paths.append(
                write_session(
                    plan, data, force=True,
                    on_frame=lambda frames, done=done: on_progress(stage, done + frames, total),
                )
            )
            done += plan.frames
        return paths
    # A fresh interpreter each: forking a process that already runs threads is not safe.
    context = multiprocessing.get_context("spawn")
    counts = context.SimpleQueue()
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_report_to, initargs=(counts,)
    ) as pool:
        futures = [pool.submit(_work, plan, data) for plan in plans]
        done, failed = 0, False
        try:
            while not (failed or all(future.done() for future in futures)):
                wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION)
                while not counts.empty():
                    done += counts.get()
                on_progress(stage, done, total)
                failed = any(future.done() and future.exception() for future in futures)
        finally:
            # whatever ended the wait, Ctrl-C too: nothing more is begun
            pool.shutdown(cancel_futures=True)
        on_progress(stage, total, total)
        return [future.result() for future in futures]


_REPORT_EVERY = 25               # frames
_counts = None                   # in a worker: where it says how many frames it has made


def _report_to(counts: object) -> None:
    global _counts  # noqa: PLW0603 - the initializer of a pool has no other way to hand something on
    _counts = counts


def _work(plan: SimulatedSession, data: Path) -> Path:
    """Simulate one session in a worker."""
    def on_frame(frames: int) -> None:
        if frames % _REPORT_EVERY == 0:
            _counts.put(_REPORT_EVERY)  # type: ignore[union-attr]

    return write_session(plan, data, force=True, on_frame=on_frame)


@contextmanager
def _renamed_when_whole(path: Path) -> Iterator[Path]:
    """Give a name beside `path` that no reader lists; it becomes `path` when the block ends well,
    and goes when not.
    """
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _play_sensor(
    plan: SimulatedSession, subject: VirtualSubject, boot_ns: int, start_ns: int
) -> _Host:
    """Live through the session on the serial line."""
    host = _Host(plan, subject, boot_ns, start_ns)
    host.run_until(boot_ns + round(_BOOT_S * 1e9))
    for _ in range(3):
        host.ping_burst()
        host.wait(0.1, 0.1)
    host.run_until(start_ns)
    host.send(Start(DEFAULT_RATE_HZ))
    stop_ns = start_ns + round(plan.duration_s * 1e9)
    while host.now_ns < stop_ns:
        host.run_until(min(stop_ns, host.now_ns + round(host._random.uniform(*PING_EVERY_S) * 1e9)))
        host.ping_burst()
    host.send(Stop())
    host.ping_burst()
    host.wait(0.1, 0.1)
    return host


def _write_sensor(writer: SessionWriter, host: _Host) -> None:
    """Write exchanges and samples, placed by the whole recording's clock."""
    assert host.hello is not None
    exchanges = np.array(host.exchanges, dtype=layout.EXCHANGE_DTYPE)
    ticks = np.array([ticks for _, ticks, _ in host.samples], dtype=np.int64)
    arrival_ns = np.array([arrival for _, _, arrival in host.samples], dtype=np.int64)
    steady = np.empty(0, dtype=layout.CLOCK_DTYPE)         # nobody slews this host's clock
    time_ns, bound_ns = place_samples(
        exchanges, steady, ticks, arrival_ns, tick_hz=host.hello.tick_hz, rate_hz=host.hello.rate_hz
    )
    for exchange in host.exchanges:
        writer.add_exchange(*exchange)
    for (packet, unwrapped, arrival), time, bound in zip(
        host.samples, time_ns.tolist(), bound_ns.tolist(), strict=True
    ):
        writer.add_sample(
            sequence=packet.sequence, ticks=unwrapped, value=packet.value, flags=packet.flags,
            arrival_ns=arrival, time_ns=time, bound_ns=bound,
        )


def _write_frames(
    writer: SessionWriter, plan: SimulatedSession, subject: VirtualSubject, film: Film,
    start_ns: int, on_frame: Callable[[int], None],
) -> None:
    """Film the session."""
    timing = CameraTiming(
        np.random.default_rng([zlib.crc32(plan.subject.encode()), plan.seed, 4]), fps=plan.fps
    )
    with Developer(film, fps=plan.fps) as developer:
        for n in range(plan.frames):
            exposed_ns = timing.exposed_ns(n)
            image = subject.frame(exposed_ns * 1e-9, n)
            if film != Film():
                image = developer.develop(image)
            writer.add_frame(
                VideoFrame(image, start_ns + exposed_ns, start_ns + timing.delivered_ns(n), n)
            )
            on_frame(n + 1)
            if n % 100 == 99:
                writer.flush()
