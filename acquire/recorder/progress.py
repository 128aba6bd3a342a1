"""A recording as it grows: its file, its frames and its samples.

The recorder's writing thread owns it and hands it what the devices delivered, in order.
"""

from collections.abc import Sequence
from contextlib import suppress

from acquire.camera.source import CameraInfo
from acquire.host_time import ClockReading, Suspension
from acquire.lsl.recorded import RecordedStreams
from acquire.sensor.arrival import ArrivalTiming
from acquire.sensor.items import ScaleWidened, SensorBack, SensorItem, SensorLost
from acquire.sensor.pings import Exchange
from acquire.sensor.protocol import Hello, Sample, Status
from acquire.sensor.stamped_port import Received
from acquire.session.span import duration_s, without_frames_s
from acquire.session.writer import SessionWriter

from .frame_stream import FrameStream
from .host_watch import HostPause
from .losses import UNWRITTEN
from .sample_stream import SampleStream
from .status import RecordingStatus, RecordingSummary


class RecordingProgress:
    """The file being written, what is in it so far, and what is missing from it."""

    def __init__(
        self, writer: SessionWriter, camera: CameraInfo, hello: Hello, *, start_ns: int,
        free_bytes: int, simulated: bool, timing: ArrivalTiming | None = None,
        streams: RecordedStreams | None = None,
    ) -> None:
        self.writer = writer
        self.streams = streams or RecordedStreams()
        self.start_ns = start_ns
        self.free_bytes = free_bytes                 # on the disk, at the last flush
        self.simulated = simulated
        self.frames = FrameStream(writer, camera, start_ns)
        self.has_new_sample = False                  # the last item was one, and not a repeated one
        self.samples = SampleStream(writer, hello, start_ns, timing=timing)

    def take(self, item: SensorItem) -> None:
        """Write one thing that the sensor's thread handed on."""
        samples = self.samples
        count = self.writer.samples
        if isinstance(item, Received):
            if isinstance(item.packet, Sample):
                samples.add_sample(item.packet, item.arrival_ns)
            elif isinstance(item.packet, Status):
                samples.add_status(item.packet, item.arrival_ns)
        elif isinstance(item, ClockReading):
            samples.add_clocks(item)
        elif isinstance(item, Exchange):
            samples.add_exchange(item)
        elif isinstance(item, Suspension):
            samples.add_suspension(item)
        elif isinstance(item, SensorLost):
            samples.sensor_lost(item)
        elif isinstance(item, SensorBack):
            samples.sensor_back(item)
        elif isinstance(item, ScaleWidened):
            samples.widen_scale(item)
        else:
            self.writer.add_event(item.time_ns, "sensor_says", item.text or "nothing more of it")
        self.has_new_sample = self.writer.samples > count

    def status(self, elapsed_s: float) -> RecordingStatus:
        """Return the state of the recording."""
        now_ns = self.start_ns + round(elapsed_s * 1e9)
        file_bytes = 0
        with suppress(OSError):
            file_bytes = self.writer.path.stat().st_size
        ppg_sequence, ppg_value = self.samples.shown()
        return RecordingStatus(
            start_ns=self.start_ns,
            elapsed_s=elapsed_s,
            frames=self.writer.frames,
            samples=self.writer.samples,
            lost_frames=dict(self.frames.losses.by_cause),
            lost_samples=self.samples.lost_so_far,
            fps=self.frames.fps(now_ns),
            sync_bound_ms=self.samples.bound_ms,
            free_bytes=self.free_bytes,
            file_bytes=file_bytes,
            camera=self.frames.camera,
            frame=self.frames.latest_image,
            ppg_rate_hz=self.samples.hello.rate_hz,
            ppg_sequence=ppg_sequence,
            ppg_value=ppg_value,
            camera_silent_s=self.frames.silent_s(now_ns),
            sensor_silent_s=self.samples.silent_s(now_ns),
            states=self.samples.states(now_ns),
            no_finger_s=self.samples.no_finger_s,
            sync_one_sided=self.samples.timing.earlier if self.samples.timing else "",
            sensor_gap=self.samples.gap_cause,
            streams=dict(self.streams.counts),
            lost_streams_s=self._lost_streams_s(),
        )

    def _lost_streams_s(self) -> dict[str, float]:
        """Return when each stream that ended was lost, after the start [s]."""
        return {
            name: round(max(0, lost_ns - self.start_ns) / 1e9, 2)
            for name, lost_ns in self.streams.lost_ns.items()
        }

    def count_unwritten(self, waiting_frames: int) -> None:
        """Count what a failed write took: all rows since the last flush, and the waiting frames."""
        writer = self.writer
        for losses, count in (
            (self.frames.losses, writer.frames - writer.flushed_frames + waiting_frames),
            (self.samples.losses, writer.samples - writer.flushed_samples),
        ):
            if count:
                losses.by_cause[UNWRITTEN] += count
        writer.frames, writer.samples = writer.flushed_frames, writer.flushed_samples

    def summary(
        self, *, stopped_by: str, fault: str, is_complete: bool, pauses: Sequence[HostPause]
    ) -> RecordingSummary:
        """Return what was recorded; `pauses` are when this process did not run."""
        writer, frames = self.writer, self.frames
        spans = frames.span_ns, self.samples.span_ns
        frames_s = duration_s(frames.span_ns, None)
        return RecordingSummary(
            path=writer.path,
            session_id=writer.path.stem,
            subject=writer.path.parent.name,
            frames=writer.frames,
            samples=writer.samples,
            lost_frames=dict(frames.losses.by_cause),
            lost_samples=dict(self.samples.losses.by_cause),
            duration_s=duration_s(*spans),
            fps=(writer.frames - 1) / frames_s if frames_s else 0.0,
            sync_bound_ms=self.samples.widest_bound_ms,
            samples_without_bound=self.samples.unbounded,
            sync_one_sided=self.samples.timing.words if self.samples.timing else "",
            complete=is_complete,
            stopped_by=stopped_by,
            fault=fault,
            simulated=self.simulated,
            period_changes=frames.period_changes,
            raw_frames=writer.store.raw_frames,
            camera_reopened=frames.reopened,
            camera_away_s=round(frames.away_s, 2),
            identical_frames=frames.identical_frames,
            no_finger_s=round(self.samples.no_finger_s, 2),
            paused_s=round(sum(pause.seconds for pause in pauses), 2),
            suspended_s=round(self.samples.suspended_s, 2),
            without_frames_s=round(without_frames_s(*spans), 2),
            doubts=self.samples.doubts,
            streams=dict(self.streams.counts),
            lost_streams_s=self._lost_streams_s(),
        )
