"""The recorder: one camera, one sensor, one file.

Two threads read the devices and stamp, the sensor's is `sensor_thread`; the calling thread writes.
Between them a queue of frames of bounded length. When it is half full and compressing is what takes
long, frames are stored raw until it has drained. When it is full, frames are dropped there, counted
under their cause, and missing from the camera's sequence in the file, so that the file says so too.
Packets are few and small, and their queue has no bound: a minute of them is a few hundred KB.
"""

import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from acquire import data_folder, host_time, layout
from acquire.camera.source import (
    CAMERA_COMPLAINT,
    IDENTICAL_FRAMES,
    EndOfStream,
    FrameSource,
    LightOffset,
    VideoFrame,
)
from acquire.errors import DeviceError, SessionError
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import DEFAULT_RATE_HZ, SENSOR_VIRTUAL, Sample, Status
from acquire.sensor.thread import ClockReading, Exchange, SensorBack, SensorLost, SensorThread
from acquire.session.frame_store import RawFallback
from acquire.session.writer import SessionWriter

from .cues import Cue, CueTrack
from .recording import (
    SILENT_END,
    STORAGE_BEHIND,
    UNWRITTEN,
    Losses,
    Recording,
    RecordingStatus,
    RecordingSummary,
)

STATUS_S = 0.25                 # how often a watcher is told
FLUSH_S = 0.25  # at most this much is lost in a crash, and what is still in the queue
QUEUE_FRAMES = 100              # 4 s at 25 fps: 35 MB of 640x360 I420
RESERVE_BYTES = 64 * 2**20      # stop while the file can still be closed
_STALL_S = 5.0                  # a camera silent for this long is gone
_SILENT_END_S = 1.0             # one silent for this long when the recording is stopped has failed
# and one silent for this long, and three periods, has left out what is counted as lost
_QUIET_END_S = 0.1
# longer than the sensor takes to be asked thrice to stop, or OpenCV to give up on a camera
_JOIN_S = 10.0


def new_session_id(subject: str, unix_s: float) -> str:
    """Name a session after its subject and the second it started in, UTC."""
    return f"{subject}-{datetime.fromtimestamp(unix_s, timezone.utc):%Y%m%dT%H%M%SZ}"


def check_space(folder: Path, bytes_per_s: float, duration_s: float | None) -> None:
    """Refuse to start where the disk cannot hold the recording (a minute of it, where its length is
    open).

    Half of raw is what noisy scenes need with lossless compression. The folder need not be there
    yet.
    """
    need = round(bytes_per_s * 0.5 * (duration_s or 60.0)) + 2 * RESERVE_BYTES
    folder = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(folder).free
    if free < need:
        raise SessionError(
            f"expected {need / 1e6:.0f} MB free for this recording, found {free / 1e6:.0f} MB at "
            f"{folder}; "
            "free some, record for a shorter time, or name another folder with --data"
        )


class Recorder:
    """Record one session; `stop` may be called from a signal handler or another thread."""

    def __init__(
        self, camera: FrameSource, sensor: Sensor, *, ppg_rate_hz: int = DEFAULT_RATE_HZ,
        light_offset: LightOffset | None = None,
    ) -> None:
        self._camera = camera
        self._light_offset = light_offset
        self._sensor = SensorThread(sensor, ppg_rate_hz)
        self._frames: queue.Queue[VideoFrame] = queue.Queue(maxsize=QUEUE_FRAMES)
        self._fallback = RawFallback(QUEUE_FRAMES)
        self._camera_stop = threading.Event()
        self._stopped_by: str | None = None
        self._fault: Exception | None = None
        self._dropped: set[int] = set()  # frame sequences that the full queue had no room for
        self._marks: queue.SimpleQueue[tuple[int, str, str]] = queue.SimpleQueue()
        self._cues = CueTrack((), 0)
        self._on_frame: Callable[[VideoFrame], None] | None = None

    def mark(self, text: str, kind: str = "mark") -> int:
        """Note something at the time of this call, from any thread; it becomes an event. Gives its
        time [ns].
        """
        time_ns = host_time.now_ns()
        self._marks.put((time_ns, kind, text))
        return time_ns

    def stop(self, reason: str) -> None:
        """End the recording cleanly; the first reason counts."""
        if self._stopped_by is None:
            self._stopped_by = reason

    def record(
        self,
        data: Path,
        subject: str,
        *,
        duration_s: float | None = None,
        cues: Sequence[Cue] = (),
        on_status: Callable[[RecordingStatus], None] | None = None,
        on_frame: Callable[[VideoFrame], None] | None = None,
    ) -> RecordingSummary:
        """Record until `duration_s` has passed, the source ends, `stop` is called or a device
        fails.

        `cues` follow one another from the start and become events. `on_frame` is shown every frame
        as it comes, before it is written, in the thread that reads the camera: it must not wait.

        A camera that fails, or a disk that fills, ends the recording with what was recorded before
        saved and marked incomplete. A sensor that goes away is awaited; the recording is incomplete
        where it is still away when it ends.

        Raises
        ------
        SessionError : bad subject id, no room on the disk, or the file cannot be made
        DeviceError : a device failed before anything was recorded
        """
        data_folder.check_subject(subject)
        self._on_frame = on_frame
        info = replace(self._camera.info, light_offset=self._light_offset)
        folder = data_folder.sessions_dir(data) / subject
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SessionError(
                f"expected to make the folder {folder}, got: {error}; name another with --data"
            ) from error
        check_space(folder, float(np.prod(info.image_shape)) * info.fps, duration_s)

        self._sensor.prepare()
        start_ns, started_unix_ns = host_time.now_ns(), time.time_ns()
        self._sensor.start()
        self._camera.start(start_ns)
        hello = self._sensor.confirm()

        session_id = new_session_id(subject, started_unix_ns / 1e9)
        writer = SessionWriter(
            folder / f"{session_id}{data_folder.SESSION_SUFFIX}",
            session_id=session_id,
            subject=subject,
            camera=info,
            hello=hello,
            port=self._sensor.sensor.port,
            started_unix_ns=started_unix_ns,
            started_monotonic_ns=start_ns,
            simulated=info.simulated or hello.sensor == SENSOR_VIRTUAL,
        )
        recording = Recording(writer, info, hello, start_ns, shutil.disk_usage(folder).free)
        self._cues = CueTrack(cues, start_ns)
        if not info.counts_frames:
            writer.add_event(
                start_ns, "frame_numbers",
                "told from the stamps: the camera does not count its frames",
            )
        if self._sensor.sensor.latency_timer:
            writer.add_event(
                start_ns, "latency_timer",
                f"of the sensor's USB adapter: {self._sensor.sensor.latency_timer}",
            )
        if info.rate is not None:
            writer.add_event(start_ns, "camera_rate", str(info.rate))
        for complaint in info.complaints:
            writer.add_event(start_ns, CAMERA_COMPLAINT, complaint)
        threads = [
            threading.Thread(
                target=self._guard, args=(self._read_camera,), name="camera", daemon=True
            ),
            threading.Thread(
                target=self._guard, args=(self._sensor.run,), name="sensor", daemon=True
            ),
        ]
        for thread in threads:
            thread.start()
        try:
            self._write_until_stopped(recording, folder, duration_s, on_status)
            stop_ns = host_time.now_ns()
            self._flush(recording, folder)  # what comes now takes as long as the devices do
            for stop, thread in zip(
                (self._camera_stop.set, self._sensor.stop), threads, strict=True
            ):
                stop()
                thread.join(timeout=_JOIN_S)
                if thread.is_alive():
                    self._fail(
                        DeviceError(
                            f"expected the {thread.name} to stop, found it silent for {_JOIN_S:g} s"
                        )
                    )
            self._drain(recording)
            self._check_ends(recording, stop_ns)
            return self._close(
                recording, simulated=info.simulated or hello.sensor == SENSOR_VIRTUAL
            )
        finally:
            self._camera_stop.set()
            self._sensor.stop()
            self._sensor.close()
            writer.close(complete=False)

    # -- the reading threads

    def _guard(self, read: Callable[[], None]) -> None:
        try:
            read()
        except EndOfStream:
            self.stop("end of replay")
        except Exception as error:  # reaches the summary, the file and the exit code through _fault
            self._fail(error)

    def _read_camera(self) -> None:
        heard = time.monotonic()
        note = None  # of frames that were dropped, for the next that is not
        while not self._camera_stop.is_set():
            frame = self._camera.read(0.2)
            if frame is None:
                if not self._camera.info.reconnects and time.monotonic() - heard > _STALL_S:
                    raise DeviceError(
                        f"expected frames from {self._camera.info.name}, found none for "
                        f"{_STALL_S:g} s"
                    )
                continue
            heard = time.monotonic()
            note = note or frame.note
            if self._on_frame is not None:
                self._on_frame(frame)
            try:
                self._frames.put_nowait(replace(frame, note=note))
                note = None
            except queue.Full:
                self._dropped.add(frame.sequence)

    # -- the writing thread

    def _write_until_stopped(
        self, recording: Recording, folder: Path, duration_s: float | None,
        on_status: Callable[[RecordingStatus], None] | None,
    ) -> None:
        next_flush = time.monotonic() + FLUSH_S
        next_status = 0.0
        while self._stopped_by is None:
            elapsed_s = (host_time.now_ns() - recording.start_ns) / 1e9
            if duration_s is not None and elapsed_s >= duration_s:
                self.stop("duration")
                break
            with suppress(queue.Empty):
                self._write_frame(recording, self._frames.get(timeout=0.02))
            self._take_packets(recording)
            if time.monotonic() >= next_flush:
                next_flush = time.monotonic() + FLUSH_S
                self._flush(recording, folder)
            if on_status is not None and time.monotonic() >= next_status:
                next_status = time.monotonic() + STATUS_S
                on_status(recording.status(elapsed_s))

    def _write_frame(self, recording: Recording, frame: VideoFrame) -> None:
        store, waiting = recording.writer.store, self._frames.qsize()
        if self._fallback.update(waiting, store.costs, time.monotonic()):
            store.raw = self._fallback.raw
            kind = "storage_raw" if store.raw else "storage_compressed"
            recording.writer.add_event(
                host_time.now_ns(), kind, f"{waiting} frames waiting; {store.costs}"
            )
        try:
            recording.take_frame(frame, self._dropped)
        except SessionError as error:
            if not recording.writer.broken:            # no room for it, but for what is lost
                recording.frame_losses.by_cause[UNWRITTEN] += 1
            self._fail(error)

    def _flush(self, recording: Recording, folder: Path) -> None:
        try:
            recording.writer.flush()
            recording.free_bytes = shutil.disk_usage(folder).free
        except SessionError as error:
            self._fail(error)
        except OSError as error:
            self._fail(SessionError(f"expected the folder {folder}, got: {error}"))
        if recording.free_bytes < RESERVE_BYTES:
            self._fail(
                SessionError(
                    f"expected room on the disk, found {recording.free_bytes / 1e6:.0f} MB at "
                    f"{folder}; "
                    "stopped to keep the file whole"
                )
            )

    def _fail(self, error: Exception) -> None:
        self._fault = self._fault or error
        self.stop(layout.FAULT)

    def _take_marks(self, recording: Recording) -> None:
        now_ns = host_time.now_ns()
        notes = self._cues.due(now_ns) if self._stopped_by is None else self._cues.end(now_ns)
        while not self._marks.empty():
            notes.append(self._marks.get_nowait())
        for note in notes:
            recording.writer.add_event(*note)

    def _take_packets(self, recording: Recording) -> None:
        self._take_marks(recording)
        while True:
            try:
                item = self._sensor.items.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, ClockReading):
                recording.take_clocks(item)
            elif isinstance(item, Exchange):
                recording.take_exchange(item)
            elif isinstance(item, SensorLost):
                recording.take_lost(item)
            elif isinstance(item, SensorBack):
                recording.take_back(item)
            elif isinstance(item.packet, Sample):
                recording.take_sample(item.packet, item.arrival_ns)
            elif isinstance(item.packet, Status):
                recording.take_status(item.packet, item.arrival_ns)

    def _drain(self, recording: Recording) -> None:
        """Write what the devices delivered before they stopped."""
        while not recording.writer.broken and not self._frames.empty():
            self._write_frame(recording, self._frames.get_nowait())
        self._take_packets(recording)
        if self._dropped:                       # those behind the last frame that found room
            recording.frame_losses.by_cause[STORAGE_BEHIND] += len(self._dropped)

    def _check_ends(self, recording: Recording, stop_ns: int) -> None:
        """A device that was silent when the recording was stopped left something out, which no
        sequence shows.
        """
        if self._stopped_by != "end of replay":
            silent_s = (stop_ns - recording.last_frame_arrival_ns) / 1e9
            self._check_end(
                "camera", silent_s, 1 / self._camera.info.fps, recording.frame_losses, SILENT_END
            )
        silent_s = (stop_ns - recording.last_sample_arrival_ns) / 1e9
        if self._sensor.lost is not None:                        # and has not come back
            self._fail(DeviceError(f"the sensor was away at the end: {self._sensor.lost}"))
        self._check_end(
            "sensor", silent_s, 1 / recording.hello.rate_hz, recording.sample_losses,
            recording.gap or SILENT_END,
        )

    def _check_end(
        self, device: str, silent_s: float, period_s: float, losses: Losses, cause: str
    ) -> None:
        if silent_s > max(_QUIET_END_S, 3 * period_s):
            losses.by_cause[cause] += int(silent_s / period_s)
        if silent_s > max(_SILENT_END_S, 5 * period_s):
            self._fail(
                DeviceError(
                    f"expected the {device} to deliver until the end, found its last "
                    f"{silent_s:.1f} s silent"
                )
            )

    def _close(self, recording: Recording, *, simulated: bool) -> RecordingSummary:
        writer = recording.writer
        stopped_by = self._stopped_by or "stopped"
        bound_ms = None
        try:
            writer.add_event(host_time.now_ns(), "stopped", stopped_by)
            if self._fault is not None:
                writer.add_event(
                    host_time.now_ns(), "fault", str(self._fault) or type(self._fault).__name__
                )
            if damaged := self._sensor.damaged:
                writer.add_event(
                    host_time.now_ns(), "bad_packets",
                    f"{damaged} from the sensor, damaged on the way",
                )
            if recording.identical_frames:
                writer.add_event(
                    host_time.now_ns(), IDENTICAL_FRAMES, f"{recording.identical_frames} in all"
                )
            if self._sensor.unanswered:
                writer.add_event(
                    host_time.now_ns(), "unanswered_pings", str(self._sensor.unanswered)
                )
            for stream, losses in (
                ("frames", recording.frame_losses), ("samples", recording.sample_losses),
            ):
                for cause, count in losses.by_cause.items():
                    writer.add_event(host_time.now_ns(), f"lost_{stream}", f"{count}: {cause}")
            bound_ms = recording.place_ppg()
            writer.close(
                complete=self._fault is None, lost_frames=recording.frame_losses.by_cause.total(),
                lost_samples=recording.sample_losses.by_cause.total(),
            )
        except SessionError as error:
            self._fail(error)
        if writer.broken:
            for losses, count in (
                (
                    recording.frame_losses,
                    writer.frames - writer.flushed_frames + self._frames.qsize(),
                ),
                (recording.sample_losses, writer.samples - writer.flushed_samples),
            ):
                if count:
                    losses.by_cause[UNWRITTEN] += count
            writer.frames, writer.samples = writer.flushed_frames, writer.flushed_samples
        seconds = (
            (recording.last_frame_ns - recording.first_frame_ns) / 1e9 if writer.frames > 1 else 0.0
        )
        return RecordingSummary(
            path=writer.path,
            session_id=writer.path.stem,
            subject=writer.path.parent.name,
            frames=writer.frames,
            samples=writer.samples,
            lost_frames=dict(recording.frame_losses.by_cause),
            lost_samples=dict(recording.sample_losses.by_cause),
            duration_s=seconds,
            fps=(writer.frames - 1) / seconds if seconds else 0.0,
            sync_bound_ms=bound_ms,
            complete=self._fault is None,
            stopped_by=stopped_by,
            fault="" if self._fault is None else str(self._fault) or type(self._fault).__name__,
            simulated=simulated,
            period_changes=recording.period_changes,
            raw_frames=writer.store.raw_frames,
            camera_reopened=recording.camera_reopened,
            camera_away_s=round(recording.camera_away_s, 2),
            identical_frames=recording.identical_frames,
            no_finger_s=round(recording.no_finger_s, 2),
        )
