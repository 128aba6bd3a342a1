"""The recorder: one camera, one sensor, one file.

Two threads read the devices and stamp (`camera_thread`, `acquire.sensor.thread`); the calling
thread writes. Between them is a queue of frames of bounded length. When it is half full and
compression is what takes long, frames are stored raw until it has drained. When it is full, frames
are dropped there, counted under their cause, and missing from the camera's sequence in the file, so
that the file shows it too. Packets are few and small, and their queue has no bound: a minute of
them is a few hundred KB.
"""

import queue
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from acquire import data_folder, host_time, layout
from acquire.camera.source import (
    CameraInfo,
    EndOfStream,
    FrameSource,
    LightOffset,
    VideoFrame,
)
from acquire.errors import DeviceError, SessionError
from acquire.host_time import SuspensionWatch
from acquire.lsl.outlet import Outlets
from acquire.lsl.recorded import RecordedStreams
from acquire.other_sensors.port import OtherSensor
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import DEFAULT_RATE_HZ, SENSOR_VIRTUAL
from acquire.session.frame_store import RawFallback
from acquire.session.place import DeletedError
from acquire.session.structure import RecordedWith
from acquire.session.writer import SessionWriter

from .camera_thread import CameraThread
from .cues import Cue, CueTrack
from .disk_space import RESERVE_BYTES, check_space, make_folder
from .ends import count_camera_end, count_sensor_end
from .host_watch import HostPause, HostWatch
from .losses import STORAGE_BEHIND, UNWRITTEN
from .notes import first_events, last_events
from .progress import RecordingProgress
from .sensor_source import source_of
from .status import RecordingStatus, RecordingSummary

STATUS_S = 0.25                 # between two calls of `on_status`
FLUSH_S = 0.25                  # a crash loses at most this much, and what is still in the queue
QUEUE_FRAMES = 100              # 4 s at 25 fps: 35 MB of 640x360 I420
END_OF_REPLAY = "end of replay"
# Longer than the sensor takes to be asked three times to stop, or OpenCV to give up on a camera.
_JOIN_S = 10.0


class Recorder:
    """Record one session; `stop` may be called from a signal handler or another thread."""

    def __init__(
        self, camera: FrameSource, sensor: Sensor | OtherSensor, *,
        ppg_rate_hz: int = DEFAULT_RATE_HZ, light_offset: LightOffset | None = None,
        suspensions: SuspensionWatch | None = None, streams: RecordedStreams | None = None,
        outlets: Outlets | None = None,
    ) -> None:
        """Set it up.

        Parameters
        ----------
        ppg_rate_hz : asked of our firmware; others have their own
        streams : of other programs, recorded beside
        outlets : send samples and frame stamps to other programs
        """
        self._streams, self._outlets = streams or RecordedStreams(), outlets
        self._light_offset = light_offset
        self._camera = CameraThread(camera, queue_frames=QUEUE_FRAMES)
        self._sensor = source_of(sensor, ppg_rate_hz, suspensions=suspensions)
        self._fallback = RawFallback(QUEUE_FRAMES)
        self._stopped_by: str | None = None
        self._fault: Exception | None = None
        self._marks: queue.SimpleQueue[tuple[int, str, str]] = queue.SimpleQueue()
        self._cues = CueTrack((), 0)
        self._host = HostWatch()
        self._pauses: list[HostPause] = []       # when this process did not run

    def mark(self, text: str, kind: str = "mark") -> int:
        """Add an event at the time of this call, from any thread; return its time [ns]."""
        time_ns = host_time.now_ns()
        self._marks.put((time_ns, kind, text))
        return time_ns

    def stop(self, reason: str) -> None:
        """End the recording cleanly; the first reason counts."""
        if self._stopped_by is None:
            self._stopped_by = reason

    def check_sensor(self) -> None:
        """Let the sensor deliver a sample, and stop it again; nothing is recorded.

        Raises
        ------
        DeviceError : it answers no ping, does not start, or delivers none
        """
        self._sensor.check()

    def record(
        self, data: Path, subject: str, *, duration_s: float | None = None,
        cues: Sequence[Cue] = (), on_status: Callable[[RecordingStatus], None] | None = None,
        on_frame: Callable[[VideoFrame], None] | None = None,
    ) -> RecordingSummary:
        """Record until `duration_s` has passed, the source ends, a device fails or `stop` comes.

        A camera that fails, or a disk that fills, ends the recording; what was recorded before is
        saved and marked incomplete. A sensor that goes away is awaited; the recording is incomplete
        where it is still away when it ends.

        Parameters
        ----------
        cues : follow one another from the start and become events
        on_frame : is shown every frame as it comes, before it is written, in the thread that reads
            the camera: it must not wait

        Raises
        ------
        SessionError : bad subject id, or one that is read as another's; no room on the disk, a
            clock before 1970, or the file cannot be made
        DeletedError : the file was deleted meanwhile
        DeviceError : a device failed before anything was recorded
        """
        data_folder.check_new_subject(data, subject)
        doubt = host_time.doubt_date(time.time())
        self._camera.on_frame = self._shown_to(on_frame)
        camera = replace(self._camera.source.info, light_offset=self._light_offset)
        folder = data_folder.sessions_dir(data) / subject
        make_folder(folder)
        check_space(folder, float(np.prod(camera.image_shape)) * camera.fps, duration_s)
        progress = self._start_devices(data, subject, camera)
        self._cues = CueTrack(cues, progress.start_ns)
        for kind, text in first_events(camera, self._sensor, doubt):
            progress.writer.add_event(progress.start_ns, kind, text)
        threads = {
            device: threading.Thread(target=self._guard, args=(run,), name=device, daemon=True)
            for device, run in (("camera", self._camera.run), ("sensor", self._sensor.run))
        }
        for thread in threads.values():
            thread.start()
        try:
            with self._host:
                self._write_until_stopped(progress, duration_s, on_status)
                stop_ns = host_time.now_ns()
                self._flush(progress)  # what comes now takes as long as the devices do
                self._finish(progress, threads, stop_ns)
            self._drain(progress)
            self._place(progress)
            self._check_ends(progress, stop_ns)
            return self._close(progress)
        finally:
            self._camera.stop()
            self._sensor.stop()
            self._sensor.close()
            self._streams.close()
            progress.writer.close(complete=False)

    # -- start

    def _start_devices(self, data: Path, subject: str, camera: CameraInfo) -> RecordingProgress:
        self._sensor.prepare()
        start_ns, started_unix_ns = host_time.now_ns(), time.time_ns()
        self._sensor.start()
        self._camera.source.start(start_ns)
        self._streams.start()
        hello = self._sensor.confirm()
        if self._outlets is not None:
            self._outlets.open(rate_hz=hello.rate_hz, fps=camera.fps)
        simulated = camera.simulated or hello.sensor == SENSOR_VIRTUAL
        session_id = data_folder.new_session_id(subject, started_unix_ns / 1e9)
        writer = SessionWriter(
            data_folder.session_file(data, subject, session_id), session_id=session_id,
            subject=subject, camera=camera, hello=hello, port=self._sensor.sensor.port,
            started_unix_ns=started_unix_ns, started_monotonic_ns=start_ns, simulated=simulated,
            origin=RecordedWith(
                self._sensor.timing, self._streams.headers, self._sensor.scale
            ),
        )
        return RecordingProgress(
            writer, camera, hello, start_ns=start_ns, simulated=simulated,
            free_bytes=shutil.disk_usage(writer.path.parent).free, timing=self._sensor.timing,
            streams=self._streams,
        )

    def _shown_to(
        self, on_frame: Callable[[VideoFrame], None] | None
    ) -> Callable[[VideoFrame], None] | None:
        """Return what every frame is shown to."""
        if (outlets := self._outlets) is None:
            return on_frame

        def show(frame: VideoFrame) -> None:
            outlets.frame(frame)
            if on_frame is not None:
                on_frame(frame)

        return show

    # -- the reading threads

    def _guard(self, run: Callable[[], None]) -> None:
        """Run a device's thread; an error ends the recording."""
        try:
            run()
        except EndOfStream:
            self.stop(END_OF_REPLAY)
        except Exception as error:  # reaches the summary, the file and the exit code through _fault
            self._fail(error)

    def _join(self, device: str, thread: threading.Thread, stop: Callable[[], None]) -> None:
        stop()
        thread.join(timeout=_JOIN_S)
        if thread.is_alive():
            self._fail(
                DeviceError(
                    expected=f"the {device} to stop", found=f"it silent for {_JOIN_S:g} s"
                )
            )

    # -- the writing thread

    def _write_until_stopped(
        self, progress: RecordingProgress, duration_s: float | None,
        on_status: Callable[[RecordingStatus], None] | None,
    ) -> None:
        next_flush_s = time.monotonic() + FLUSH_S
        next_status_s = 0.0
        while self._stopped_by is None:
            elapsed_s = (host_time.now_ns() - progress.start_ns) / 1e9
            if duration_s is not None and elapsed_s >= duration_s:
                self.stop("duration")
                break
            with suppress(queue.Empty):
                self._write_frame(progress, self._camera.frames.get(timeout=0.02))
            self._write_packets(progress)
            if time.monotonic() >= next_flush_s:
                next_flush_s = time.monotonic() + FLUSH_S
                self._flush(progress)
            if on_status is not None and time.monotonic() >= next_status_s:
                next_status_s = time.monotonic() + STATUS_S
                on_status(progress.status(elapsed_s))

    def _write_frame(self, progress: RecordingProgress, frame: VideoFrame) -> None:
        store, waiting = progress.writer.store, self._camera.frames.qsize()
        if self._fallback.update(waiting, store.costs, time.monotonic()):
            store.raw = self._fallback.raw
            kind = "storage_raw" if store.raw else "storage_compressed"
            progress.writer.add_event(
                host_time.now_ns(), kind, f"{waiting} frames waiting; {store.costs}"
            )
        try:
            progress.frames.add_frame(frame, self._camera.dropped)
        except SessionError as error:
            if not progress.writer.broken:             # no room for it, but for the counts
                progress.frames.losses.by_cause[UNWRITTEN] += 1
            self._fail(error)

    def _flush(self, progress: RecordingProgress) -> None:
        folder = progress.writer.path.parent
        try:
            progress.writer.flush()
            folder = progress.writer.path.parent           # it may have been moved
            progress.free_bytes = shutil.disk_usage(folder).free
        except SessionError as error:
            self._fail(error)
        except OSError as error:
            self._fail(SessionError(expected="the folder", found=error, where=folder))
        if progress.free_bytes < RESERVE_BYTES:
            self._fail(
                SessionError(
                    expected="room on the disk", found=f"{progress.free_bytes / 1e6:.0f} MB",
                    where=f"at {folder}", fix="stopped to keep the file whole",
                )
            )

    def _fail(self, error: Exception) -> None:
        self._fault = self._fault or error
        self.stop(layout.FAULT)

    def _write_marks(self, progress: RecordingProgress) -> None:
        now_ns = host_time.now_ns()
        is_over = self._stopped_by is not None
        events = self._cues.take_last(now_ns) if is_over else self._cues.take_due(now_ns)
        while not self._marks.empty():
            events.append(self._marks.get_nowait())
        for event in events:
            progress.writer.add_event(*event)

    def _write_pauses(self, progress: RecordingProgress) -> None:
        while not self._host.found.empty():
            pause = self._host.found.get_nowait()
            self._pauses.append(pause)
            text = f"acq did not run for {pause.seconds:.2f} s"
            progress.writer.add_event(pause.to_ns, "host_paused", text)

    def _write_packets(self, progress: RecordingProgress) -> None:
        self._write_marks(progress)
        self._write_pauses(progress)
        self._streams.write(progress.writer)
        # no more than are there now: where the processor is starved they come as fast as they go
        for _ in range(self._sensor.items.qsize()):
            progress.take(self._sensor.items.get_nowait())
            if self._outlets is not None and progress.has_new_sample:
                self._outlets.sample(*progress.samples.latest)

    # -- the end

    def _finish(
        self, progress: RecordingProgress, threads: dict[str, threading.Thread], stop_ns: int
    ) -> None:
        """Stop the devices, and meanwhile write what the camera had until the recording's end."""
        self._camera.finish(stop_ns)
        self._sensor.stop()
        give_up_s = time.monotonic() + _JOIN_S
        while any(thread.is_alive() for thread in threads.values()):
            if progress.writer.broken or time.monotonic() > give_up_s:
                break
            with suppress(queue.Empty):
                self._write_frame(progress, self._camera.frames.get(timeout=0.02))
        self._join("camera", threads["camera"], self._camera.stop)
        self._join("sensor", threads["sensor"], self._sensor.stop)

    def _drain(self, progress: RecordingProgress) -> None:
        """Write what the devices delivered before they stopped."""
        while not progress.writer.broken and not self._camera.frames.empty():
            self._write_frame(progress, self._camera.frames.get_nowait())
        self._write_packets(progress)
        if self._camera.dropped:        # those behind the last frame that found room
            progress.frames.losses.by_cause[STORAGE_BEHIND] += len(self._camera.dropped)

    def _place(self, progress: RecordingProgress) -> None:
        try:
            progress.samples.place_all(self._pauses)
            self._streams.finish(progress.writer)
        except SessionError as error:
            self._fail(error)

    def _check_ends(self, progress: RecordingProgress, stop_ns: int) -> None:
        """Count what a device lost by its silence before the stop, which no sequence shows."""
        frames, samples = progress.frames, progress.samples
        ends: list[DeviceError | None] = []
        if self._stopped_by != END_OF_REPLAY and not progress.writer.broken:
            ends.append(count_camera_end(frames, self._camera, stop_ns, self._pauses))
        if self._sensor.lost is not None:                        # and has not come back
            ends.append(DeviceError(f"the sensor was away at the end: {self._sensor.lost}"))
        is_replay = self._stopped_by == END_OF_REPLAY       # decoding may end after its last frame
        ends.append(count_sensor_end(
            samples, min(stop_ns, frames.last_ns) if is_replay else stop_ns, self._pauses
        ))
        for fault in filter(None, ends):
            self._fail(fault)

    def _close(self, progress: RecordingProgress) -> RecordingSummary:
        writer = progress.writer
        stopped_by = self._stopped_by or "stopped"
        try:
            for event in last_events(progress, self._sensor, stopped_by, self._fault_text):
                writer.add_event(host_time.now_ns(), *event)
            writer.close(
                complete=self._fault is None,
                lost_frames=progress.frames.losses.by_cause.total(),
                lost_samples=progress.samples.losses.by_cause.total(),
            )
        except DeletedError:
            raise
        except SessionError as error:
            self._fail(error)
        if writer.broken:
            progress.count_unwritten(self._camera.frames.qsize())
        return progress.summary(
            stopped_by=stopped_by, fault=self._fault_text, is_complete=self._fault is None,
            pauses=self._pauses,
        )

    @property
    def _fault_text(self) -> str:
        if self._fault is None:
            return ""
        return str(self._fault) or type(self._fault).__name__
