"""One recording as it grows: the file, the live clock, and every loss under its cause.

The recorder's writing thread owns it and hands it what the devices delivered, in order.
"""

from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from acquire import layout
from acquire.camera.source import CAMERA_REOPENED, IDENTICAL_FRAMES, CameraInfo, VideoFrame
from acquire.clock import LivePlacer, TickCounter, place_samples
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE, FingerWatch
from acquire.sensor.protocol import SAMPLE_OVERRUN, SAMPLE_RESTARTED, Hello, Sample, Status
from acquire.sensor.thread import ClockReading, Exchange, SensorBack, SensorLost
from acquire.session.writer import SessionWriter

CAMERA_LOST, STORAGE_BEHIND = "lost by the camera", "storage fell behind"
CAMERA_AWAY = "while the camera was away"
LINE_LOST, OVERRUN, PART_FAILED = (
    "lost on the serial line", "overrun on the device", "the MAX30102 failed and was set up anew",
)
UNWRITTEN, SILENT_END = "could not be written", "silent at the end"
_PERIOD_STEPS = 15              # frames whose median step is the period
_MEASURED_NS = 10_000_000_000   # of samples tell the sensor's period better than its word does
SHOWN_S = 10.0                  # of the PPG, for whoever watches
_FPS_S = 3.0                    # frames whose rate is the one now


@dataclass(frozen=True)
class RecordingSummary:
    """What was recorded, and what was not."""

    path: Path
    session_id: str
    subject: str
    frames: int
    samples: int
    lost_frames: dict[str, int]       # by cause
    lost_samples: dict[str, int]      # by cause
    duration_s: float
    fps: float                        # measured
    sync_bound_ms: float | None       # the widest bound of any sample; None where there is none
    complete: bool
    stopped_by: str  # "duration", "end of replay", the signal's name, or layout.FAULT
    fault: str                        # why it is not complete, in words; "" where it is
    simulated: bool
    period_changes: list[str]         # where frames that no counter numbers may be lost uncounted
    raw_frames: int                   # stored as they came, because compressing fell behind
    camera_reopened: list[str]  # each time that the camera fell silent and came back, in words
    camera_away_s: float              # how long in all
    identical_frames: int             # frames that are the one before them, byte for byte
    no_finger_s: float                # how long the PPG was a flat line, or showed no pulse


@dataclass(frozen=True)
class RecordingStatus:
    """The recording as it stands; handed to `on_status` about four times a second."""

    start_ns: int                     # CLOCK_MONOTONIC
    elapsed_s: float
    frames: int
    samples: int
    lost_frames: dict[str, int]       # by cause
    lost_samples: dict[str, int]      # by cause
    fps: float                        # over the last seconds; 0 where the last of them brought none
    sync_bound_ms: float | None
    free_bytes: int
    file_bytes: int
    camera: CameraInfo
    # the latest image, as `camera.pixel_format` says; not a copy, not to be written to
    frame: np.ndarray | None
    ppg_rate_hz: int
    ppg_sequence: np.ndarray          # (S,) int64, of the last `SHOWN_S` seconds; a jump is a loss
    ppg_value: np.ndarray             # (S,) float64, full scale 65535
    camera_silent_s: float            # since the last frame came
    sensor_silent_s: float            # since the last sample came
    # what is wrong with the PPG now (`acquire.sensor.finger`), and for how long [s]
    states: dict[str, float]
    no_finger_s: float


@dataclass
class Losses:
    """Jumps in a sequence, by cause."""

    last: int = -1
    by_cause: Counter = field(default_factory=Counter)

    def see(self, sequence: int, cause: str) -> int:
        """Take the next sequence number; give how many are missing before it."""
        missing = sequence - self.last - 1
        self.last = sequence
        if missing > 0:
            self.by_cause[cause] += missing
        return max(missing, 0)


class Recording:
    """The file being written, the clock that places its samples, and what is missing from it."""

    def __init__(
        self, writer: SessionWriter, camera: CameraInfo, hello: Hello, start_ns: int,
        free_bytes: int,
    ) -> None:
        self.writer = writer
        self.camera = camera
        self.clock = LivePlacer(hello.tick_hz, hello.rate_hz)
        self.hello = hello
        self.start_ns = start_ns
        self.free_bytes = free_bytes
        self.frame_losses = Losses()
        self.sample_losses = Losses()
        self.first_frame_ns = 0
        self.last_frame_ns = 0
        self.last_frame_arrival_ns = start_ns
        self.last_sample_arrival_ns = start_ns
        self.period_changes: list[str] = []
        self.camera_reopened: list[str] = []
        self.camera_away_s = 0.0
        self.identical_frames = 0
        self._last_identical = -1                    # sequence of the last one
        self._period_s = 1 / camera.fps
        self._frame_times_ns: deque[int] = deque(maxlen=_PERIOD_STEPS + 1)
        self._status: Status | None = None           # the device counts since it booted
        self._bound_ns = -1
        self._ticks = TickCounter()
        self._stamped_ns = start_ns                  # arrival of the last packet that bore ticks
        self._boot = 0
        self.gap = ""  # its cause, while no sample has come from behind it
        self._offset = 0  # from the device's sequence, which START resets, to the file's
        self._last_ticks = 0                         # of the last sample
        # a sample before the first would lie here
        self._last_ns = start_ns - round(0.5e9 / hello.rate_hz)
        self._sample_period_ns = 1e9 / hello.rate_hz                # on the host's clock
        # sequence and time of this boot's first sample with a bound
        self._placed: tuple[int, int] | None = None
        self.watch = FingerWatch(hello.rate_hz, sensor=hello.sensor)
        self._shown: deque[tuple[int, int]] = deque(maxlen=round(SHOWN_S * hello.rate_hz))
        self._shown_frames_ns: deque[int] = deque(maxlen=max(2, round(_FPS_S * camera.fps)))
        self._image: np.ndarray | None = None

    def take_frame(self, frame: VideoFrame, dropped: set[int]) -> None:
        """Write a frame; `dropped` are sequences that the queue had no room for, and lose those
        seen to be missing.
        """
        self.last_frame_arrival_ns = frame.arrival_ns
        before = self.frame_losses.last
        cause = (
            CAMERA_AWAY
            if frame.note is not None and frame.note[0] == CAMERA_REOPENED
            else CAMERA_LOST
        )
        missing = self.frame_losses.see(frame.sequence, cause)
        if frame.note is not None:
            self._take_note(frame, *frame.note)
        if missing:
            # the camera's thread may add to it
            ours = {s for s in dropped.copy() if before < s < frame.sequence}
            dropped -= ours
            if ours:
                self.frame_losses.by_cause[cause] -= len(ours)
                self.frame_losses.by_cause[STORAGE_BEHIND] += len(ours)
                self.frame_losses.by_cause += Counter()  # forget causes that fell to zero
            self.writer.add_event(
                frame.time_ns, "lost_frames", f"{missing} before frame {frame.sequence}"
            )
        self.writer.add_frame(frame)
        self.first_frame_ns = self.first_frame_ns or frame.time_ns
        self.last_frame_ns = frame.time_ns
        self._shown_frames_ns.append(frame.time_ns)
        self._image = frame.image
        if not self.camera.counts_frames:
            self._watch_period(frame.time_ns)

    def _take_note(self, frame: VideoFrame, kind: str, text: str) -> None:
        """Keep a frame's note as an event; of identical frames in a row only the first, for a
        frozen camera gives 25 a second.
        """
        if kind == CAMERA_REOPENED:
            self.camera_reopened.append(text)
            self.camera_away_s += (frame.time_ns - (self.last_frame_ns or self.start_ns)) / 1e9
        if kind == IDENTICAL_FRAMES:
            self.identical_frames += 1
            in_a_row, self._last_identical = (
                self._last_identical == frame.sequence - 1, frame.sequence,
            )
            if in_a_row:
                return
        self.writer.add_event(frame.time_ns, kind, text)

    def _watch_period(self, time_ns: int) -> None:
        """Say where the period changes: to stamps alone, steady loss is a slower camera."""
        self._frame_times_ns.append(time_ns)
        if len(self._frame_times_ns) <= _PERIOD_STEPS:
            return
        period_s = float(np.median(np.diff(self._frame_times_ns))) / 1e9
        if not 0.75 < period_s / self._period_s < 1.33:
            change = (
                f"frame period changed from {self._period_s * 1e3:.0f} to {period_s * 1e3:.0f} ms: "
                "a slower camera (dim light) or lost frames, not to be told apart"
            )
            self.period_changes.append(change)
            self.writer.add_event(time_ns, "frame_period", change)
            self._period_s = period_s

    def take_sample(self, sample: Sample, arrival_ns: int) -> None:
        """Place a sample on the host's clock and write it."""
        ticks = self._unwrap(sample.ticks, arrival_ns)
        time_ns, bound_ns = self.clock.place(ticks, arrival_ns)
        cause = (
            OVERRUN
            if sample.flags & SAMPLE_OVERRUN
            else PART_FAILED
            if sample.flags & SAMPLE_RESTARTED
            else LINE_LOST
        )
        if self.gap:
            cause, self.gap = self.gap, ""
            self._offset = (
                self.sample_losses.last + self._periods_since_last(ticks, time_ns) - sample.sequence
            )
        # The device's sequence has 32 bits: at 100 Hz it wraps after 497 days.
        sequence = sample.sequence + self._offset
        missing = self.sample_losses.see(sequence, cause)
        self.last_sample_arrival_ns = arrival_ns
        if missing:
            self.writer.add_event(arrival_ns, "lost_samples", f"{missing} before sample {sequence}")
        self.writer.add_sample(
            sequence=sequence, ticks=ticks, value=sample.value, flags=sample.flags,
            arrival_ns=arrival_ns, time_ns=time_ns, bound_ns=bound_ns,
        )
        self._bound_ns = bound_ns
        self._last_ticks, self._last_ns = ticks, time_ns
        if self._placed is None and bound_ns >= 0:
            self._placed = sequence, time_ns
        self._shown.append((sequence, sample.value))
        for note in self.watch.see(sequence, sample.value, sample.flags, time_ns):
            self.writer.add_event(note.time_ns, note.kind, note.text)

    def _unwrap(self, ticks: int, arrival_ns: int) -> int:
        # A line may be away for longer than the 18 minutes that make half a turn of the counter.
        self._ticks.skip(round((arrival_ns - self._stamped_ns) * 1e-9 * self.hello.tick_hz))
        self._stamped_ns = arrival_ns
        return self._boot * layout.BOOT_TICKS + self._ticks.unwrap(ticks)

    def _periods_since_last(self, ticks: int, time_ns: int) -> int:
        """Count the sample periods from the last sample to this one, the first behind a gap.

        A device that ran on has counted ticks. One that restarted has not: there the host's clock
        tells, by the period that it measured before the restart, for a resonator may be half a
        percent off.
        """
        period_ticks = self.hello.tick_hz / self.hello.rate_hz
        if (
            self.sample_losses.last >= 0
            and ticks // layout.BOOT_TICKS == self._last_ticks // layout.BOOT_TICKS
        ):
            return max(1, round((ticks - self._last_ticks) / period_ticks))
        return max(1, round((time_ns - self._last_ns) / self._sample_period_ns))

    def take_lost(self, lost: SensorLost) -> None:
        """Note that the sensor went away."""
        self.gap = self.gap or lost.cause
        self.writer.add_event(lost.time_ns, "sensor_lost", lost.reason)

    def take_back(self, back: SensorBack) -> None:
        """Note that the sensor is there again: the next sample lies behind a gap, and a restarted
        sensor has another clock.
        """
        away_ns = back.time_ns - self.last_sample_arrival_ns
        if not self.gap:  # nobody saw it go: it was there, and not the same, or silent
            self.take_lost(
                SensorLost(
                    self.last_sample_arrival_ns, back.cause,
                    f"{back.cause}: the last sample before it",
                )
            )
        self.writer.add_event(
            back.time_ns, "sensor_back",
            f"{self.gap}, {away_ns / 1e9:.2f} s without samples; on {back.port}",
        )
        if back.hello.boot_id == self.hello.boot_id:
            return
        if self._placed is not None and (span_ns := self._last_ns - self._placed[1]) > _MEASURED_NS:
            self._sample_period_ns = span_ns / (self.sample_losses.last - self._placed[0])
        self._boot += 1
        self.hello = back.hello
        self.clock = LivePlacer(back.hello.tick_hz, back.hello.rate_hz)
        self._ticks = TickCounter()
        self._placed = self._status = None
        self.writer.add_event(
            back.time_ns, "boot", f"boot {self._boot}: id {back.hello.boot_id:#010x}"
        )

    def take_clocks(self, clocks: ClockReading) -> None:
        """Write a reading of the host's two clocks."""
        self.writer.add_clocks(clocks.monotonic_ns, clocks.raw_ns)
        self.clock.add_clocks(clocks.monotonic_ns, clocks.raw_ns)

    def take_exchange(self, exchange: Exchange) -> None:
        """Write an answered ping and fit the live clock again."""
        pong = exchange.pong
        rx_ticks, tx_ticks = (
            self._unwrap(ticks, exchange.recv_ns) for ticks in (pong.rx_ticks, pong.tx_ticks)
        )
        row = exchange.sent_ns, rx_ticks, tx_ticks, exchange.recv_ns, pong.id
        self.writer.add_exchange(*row)
        self.clock.add_exchange(*row)

    def take_status(self, status: Status, arrival_ns: int) -> None:
        """Note what the device has counted since the last report.

        A gap's cause is told by the flag on the sample behind it, so one that the device and the
        line share goes to one of them; the device's own count of overruns is kept as an event. What
        it counts before its first report is not known apart from what came before the recording.
        """
        if self._status is not None:
            for kind, new, what in (
                (
                    "bad_packets", status.bad_packets - self._status.bad_packets,
                    "from the host, unreadable on the device",
                ),
                (
                    "overruns", status.overruns - self._status.overruns,
                    "samples that the device had no room for",
                ),
            ):
                if new > 0:
                    self.writer.add_event(arrival_ns, kind, f"{new} {what}")
        self._status = status

    def place_ppg(self) -> float | None:
        """Place all samples again, from the whole recording; give the widest bound [ms], None where
        one has none.
        """
        if not self.writer.samples:
            return None
        time_ns, bound_ns = place_samples(
            self.writer.column(layout.EXCHANGES), self.writer.column(layout.CLOCKS),
            self.writer.column(layout.PPG_TICKS), self.writer.column(layout.PPG_ARRIVAL),
            tick_hz=self.hello.tick_hz, rate_hz=self.hello.rate_hz,
        )
        self.writer.place_ppg(time_ns, bound_ns)
        return float(bound_ns.max()) / 1e6 if (bound_ns >= 0).all() else None

    @property
    def no_finger_s(self) -> float:
        """How long the PPG has shown no finger, so far [s]."""
        return self.watch.seconds(FINGER_OFF, FLAT_LINE)

    def status(self, elapsed_s: float) -> RecordingStatus:
        """Say how the recording stands."""
        now_ns = self.start_ns + round(elapsed_s * 1e9)
        times_ns = self._shown_frames_ns
        camera_silent_s = max(0, now_ns - self.last_frame_arrival_ns) / 1e9
        flowing = len(times_ns) > 1 and times_ns[-1] > times_ns[0] and camera_silent_s < 1
        file_bytes = 0
        with suppress(OSError):
            file_bytes = self.writer.path.stat().st_size
        shown = np.array(self._shown, dtype=np.int64).reshape(-1, 2)
        return RecordingStatus(
            start_ns=self.start_ns,
            elapsed_s=elapsed_s,
            frames=self.writer.frames,
            samples=self.writer.samples,
            lost_frames=dict(self.frame_losses.by_cause),
            lost_samples=dict(self.sample_losses.by_cause),
            fps=(len(times_ns) - 1) * 1e9 / (times_ns[-1] - times_ns[0]) if flowing else 0.0,
            sync_bound_ms=self._bound_ns / 1e6 if self._bound_ns >= 0 else None,
            free_bytes=self.free_bytes,
            file_bytes=file_bytes,
            camera=self.camera,
            frame=self._image,
            ppg_rate_hz=self.hello.rate_hz,
            ppg_sequence=shown[:, 0],
            ppg_value=shown[:, 1].astype(np.float64),
            camera_silent_s=camera_silent_s,
            sensor_silent_s=max(0, now_ns - self.last_sample_arrival_ns) / 1e9,
            states={
                kind: max(0.0, (now_ns - since_ns) / 1e9)
                for kind, since_ns in self.watch.states.items()
            },
            no_finger_s=self.no_finger_s,
        )
