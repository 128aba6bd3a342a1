"""Sessions of virtual subjects, written faster than real time.

The same subject, the same camera timing, the same sensor device with its crystal and its adapter,
the same pings, file and clock estimate as a recording of the virtual rig; only the waiting is left
out. Nothing is late here, so no frame is lost. What is written is a function of the seed: session n
of subject S01 has the same pulse and the same light on every machine.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np

from acquire import data_folder, layout
from acquire.atomic import atomic_file
from acquire.camera.source import VideoFrame
from acquire.clock.place_samples import place_samples
from acquire.errors import Fix, SessionError
from acquire.pool import make_queue, open_pool, usable_cores
from acquire.session.writer import SessionWriter
from acquire.writing import SIMULATION, hold

from .camera_timing import CameraTiming, FrameTiming
from .rendering.camera_pipeline import CameraPipeline, CameraProcessing
from .rig import camera_info
from .serial_host import SerialHost
from .subject import VirtualSubject
from .world import World, WorldName, draw_world

# Simulated sessions begin here, a day apart.
FIRST_DAY = datetime(2026, 1, 1, 9, 0, tzinfo=timezone.utc)
USUAL_FPS = 25.0
_FRAMES_PER_FLUSH = 100
_FRAMES_PER_REPORT = 25         # of a worker process


@dataclass(frozen=True)
class SimulatedSession:
    """What to simulate."""

    subject: str
    session: int               # 0, 1, ...: days of the same subject
    seed: int
    duration_s: float
    fps: float | None = None   # None: 25 in the usual world, drawn in the varied one
    world: WorldName = "usual"

    @property
    def started(self) -> datetime:
        """When it is said to have begun; differs between the sessions of one subject."""
        return FIRST_DAY + timedelta(days=self.session, seconds=self.seed % 3600)

    @property
    def session_id(self) -> str:
        """Name of the session, and of its file without the suffix."""
        return data_folder.new_session_id(self.subject, self.started.timestamp())

    @property
    def frames(self) -> int:
        """Number of its frames."""
        return round(self.duration_s * self.timing.fps)

    @property
    def timing(self) -> FrameTiming:
        """How often it is filmed, and how regularly."""
        world = self.draw_world()
        if world is not None and world.timing is not None:
            return world.timing
        return FrameTiming(USUAL_FPS if self.fps is None else self.fps)

    def draw_world(self) -> World | None:
        """Draw its world; None where it is the usual one."""
        if self.world == "usual":
            return None
        world = draw_world(self.subject, seed=self.seed, session=self.session)
        if self.fps is None or world.timing is None:
            return world
        return replace(world, timing=replace(world.timing, fps=self.fps))

    def path(self, data: Path) -> Path:
        """Return the path of the session under `data`."""
        return data_folder.session_file(data, self.subject, self.session_id)

    def random(self, stream: int, *more: int) -> np.random.Generator:
        """Return the random numbers of one part of the simulation."""
        return np.random.default_rng([zlib.crc32(self.subject.encode()), self.seed, stream, *more])


def simulate_session(
    plan: SimulatedSession, data: Path, *, force: bool = False,
    on_frame: Callable[[int], None] = lambda frames: None,
) -> Path:
    """Simulate one session and write it to its path under `data`.

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
    # any monotonic clock that has run for a while
    boot_ns = 1_000_000_000_000 + plan.session * 86_400_000_000_000
    start_ns = boot_ns + 1_000_000_000
    world = plan.draw_world()
    subject = VirtualSubject(plan.subject, seed=plan.seed, session=plan.session, world=world)
    host = _run_sensor(plan, subject, boot_ns, start_ns)
    with (
        atomic_file(path) as part,
        SessionWriter(
            part, session_id=plan.session_id, subject=plan.subject,
            camera=camera_info(subject, plan.timing.fps), hello=host.hello, port="simulated",
            started_unix_ns=round(plan.started.timestamp() * 1e9), started_monotonic_ns=start_ns,
            simulated=True,
        ) as writer,
    ):
        _write_samples(writer, host)
        if world is not None:
            _write_world(writer, world, start_ns)
        processing = world.processing if world is not None else CameraProcessing()
        _write_frames(writer, plan, subject, processing, start_ns, on_frame)
        writer.add_event(start_ns + round(plan.duration_s * 1e9), "stopped", "duration")
        writer.close(complete=True)
    return path


def check_free(plans: Iterable[SimulatedSession], data: Path) -> None:
    """Refuse where one of the sessions exists already.

    Raises
    ------
    SessionError : one does
    """
    existing = [path for plan in plans if (path := plan.path(data)).exists()]
    if existing:
        raise SessionError(
            expected="none of these sessions yet",
            found=f"{len(existing)} of them, the first {existing[0]}", fix=Fix.REPLACE_SIMULATED,
        )


def write_sessions(
    plans: Sequence[SimulatedSession], data: Path, *, jobs: int | None = None, force: bool = False,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> list[Path]:
    """Simulate many sessions in `jobs` processes; return their paths in the order of `plans`.

    Raises
    ------
    SessionError : one of them is there already, or a subject's name is read as another's (nothing
        is written then); or one cannot be written
    BusyError : another process simulates there
    """
    for subject in sorted({plan.subject for plan in plans}):
        data_folder.check_new_subject(data, subject)
    jobs = min(jobs or usable_cores(), len(plans))
    total = sum(plan.frames for plan in plans)
    stage = f"{len(plans)} sessions, frames"

    def on_frames(frames: int) -> None:
        on_progress(stage, frames, total)

    folders = tuple(sorted({plan.path(data).parent for plan in plans}))
    with hold(data, SIMULATION, into=folders, make=True):
        if not force:
            check_free(plans, data)
        if jobs <= 1:
            return _write_in_turn(plans, data, on_frames)
        return _write_in_processes(plans, data, jobs, on_frames)


def _write_in_turn(
    plans: Sequence[SimulatedSession], data: Path, on_frames: Callable[[int], None]
) -> list[Path]:
    done, paths = 0, []
    for plan in plans:
        paths.append(
            simulate_session(
                plan, data, force=True, on_frame=lambda frames, done=done: on_frames(done + frames)
            )
        )
        done += plan.frames
    return paths


def _write_in_processes(
    plans: Sequence[SimulatedSession], data: Path, jobs: int, on_frames: Callable[[int], None]
) -> list[Path]:
    counts = make_queue()
    with open_pool(jobs, prepare=_set_report_queue, arguments=(counts,)) as pool:
        futures = [pool.submit(_write_in_worker, plan, data) for plan in plans]
        done, failed = 0, False
        while not (failed or all(future.done() for future in futures)):
            wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION)
            while not counts.empty():
                done += counts.get()
            on_frames(done)
            failed = any(future.done() and future.exception() for future in futures)
        try:
            for future in futures:
                if future.done():
                    future.result()        # its error, if it has one, ends all the others
            on_frames(sum(plan.frames for plan in plans))
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise SessionError(
                expected="processes that simulate", found="one that was killed",
                fix="use fewer, if there is too little memory for as many",
            ) from error


_report_queue = None             # in a worker: takes the numbers of frames made


def _set_report_queue(counts: object) -> None:
    global _report_queue  # noqa: PLW0603 - a pool's initializer has no other way to pass it on
    _report_queue = counts


def _write_in_worker(plan: SimulatedSession, data: Path) -> Path:
    def on_frame(frames: int) -> None:
        if frames % _FRAMES_PER_REPORT == 0:
            _report_queue.put(_FRAMES_PER_REPORT)  # type: ignore[union-attr]

    return simulate_session(plan, data, force=True, on_frame=on_frame)


def _run_sensor(
    plan: SimulatedSession, subject: VirtualSubject, boot_ns: int, start_ns: int
) -> SerialHost:
    """Run the session on the serial line; return the host with what it received."""
    host = SerialHost(
        lambda host_ns: subject.ppg((host_ns - start_ns) * 1e-9), plan.random(5, plan.session),
        boot_ns,
    )
    host.run_session(start_ns, plan.duration_s)
    return host


def _write_samples(writer: SessionWriter, host: SerialHost) -> None:
    """Write exchanges and samples, placed by the clock of the whole recording."""
    exchanges = np.array(host.exchanges, dtype=layout.EXCHANGE_DTYPE)
    ticks = np.array([ticks for _, ticks, _ in host.samples], dtype=np.int64)
    arrival_ns = np.array([arrival for _, _, arrival in host.samples], dtype=np.int64)
    no_clocks = np.empty(0, dtype=layout.CLOCK_DTYPE)      # this host's clock is never slewed
    time_ns, bound_ns = place_samples(
        exchanges, no_clocks, ticks, arrival_ns, tick_hz=host.hello.tick_hz,
        rate_hz=host.hello.rate_hz,
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


def _write_world(writer: SessionWriter, world: World, start_ns: int) -> None:
    """Write what the world was drawn as, an event for each part: an event's text is short."""
    for name, value in world.parameters().items():
        text = json.dumps({name: value}, separators=(",", ":"))
        if len(text) > 256:
            raise ValueError(f"expected a part of at most 256 bytes, found {len(text)}: {text}")
        writer.add_event(start_ns, "world", text)


def _write_frames(
    writer: SessionWriter, plan: SimulatedSession, subject: VirtualSubject,
    processing: CameraProcessing, start_ns: int, on_frame: Callable[[int], None],
) -> None:
    """Expose, process and write all frames of the session."""
    how = plan.timing
    timing = CameraTiming(plan.random(4), fps=how.fps, irregular=how)
    with CameraPipeline(processing, fps=how.fps) as pipeline:
        for n in range(plan.frames):
            exposed_ns = timing.exposed_ns(n)
            image = subject.frame(exposed_ns * 1e-9, n)
            if processing != CameraProcessing():
                image = pipeline.process(image)
            writer.add_frame(
                VideoFrame(image, start_ns + exposed_ns, start_ns + timing.delivered_ns(n), n)
            )
            on_frame(n + 1)
            if n % _FRAMES_PER_FLUSH == _FRAMES_PER_FLUSH - 1:
                writer.flush()
