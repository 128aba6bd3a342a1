"""The frames of a recording, written as they come, and what is missing between them."""

from collections import deque

import numpy as np

from acquire.camera.source import CAMERA_REOPENED, IDENTICAL_FRAMES, CameraInfo, VideoFrame
from acquire.session.span import Span
from acquire.session.writer import SessionWriter

from .losses import CAMERA_AWAY, CAMERA_LOST, HOST_BUSY, STORAGE_BEHIND, Losses

_PERIOD_STEPS = 15              # frames whose median step is the period
_RATE_S = 3.0                   # frames over this time give the rate of now
_SILENT_S = 1.0                 # without a frame for this long, the rate is 0
# A frame that waited for longer than this, beyond what all of them wait, was read late. The oldest
# buffer of a driver that keeps four is this old when the first frame is lost.
_LATE_PERIODS = 2.0


class FrameStream:
    """Writes the frames of one recording, and counts them."""

    def __init__(self, writer: SessionWriter, camera: CameraInfo, start_ns: int) -> None:
        self.camera = camera
        self.losses = Losses()
        self.last_arrival_ns = start_ns
        self.latest_image: np.ndarray | None = None
        self.period_changes: list[str] = []
        self.reopened: list[str] = []                # each time that the camera came back, in words
        self.away_s = 0.0                            # total of these times
        self.identical_frames = 0
        self._writer = writer
        self._first_ns: int | None = None            # the camera's stamps
        self._last_ns = start_ns                     # of the last frame; without one, the start
        # From stamp to arrival, of any frame. A live camera's is not known before its first frame;
        # a file and the virtual camera have no pipeline in which a frame would grow old.
        self._least_age_ns = None if camera.reconnects else 0
        self._was_late = False                       # the last frame
        self._last_identical = -1                    # sequence of the latest such frame
        self._period_s = 1 / camera.fps
        self._period_times_ns: deque[int] = deque(maxlen=_PERIOD_STEPS + 1)
        self._rate_times_ns: deque[int] = deque(maxlen=max(2, round(_RATE_S * camera.fps)))

    def add_frame(self, frame: VideoFrame, dropped: set[int]) -> None:
        """Write a frame.

        Parameters
        ----------
        dropped : sequences that found the queue full; those before this frame are taken out
        """
        self.last_arrival_ns = frame.arrival_ns
        was_late, self._was_late = self._was_late, self._is_late(frame)
        self._count_missing(frame, dropped, read_late=was_late or self._was_late)
        self._writer.add_frame(frame)
        self._first_ns = frame.time_ns if self._first_ns is None else self._first_ns
        self._last_ns = frame.time_ns
        self._rate_times_ns.append(frame.arrival_ns)         # a replay's own stamps are of its file
        self.latest_image = frame.image
        if not self.camera.counts_frames:
            self._watch_period(frame.time_ns)

    def _is_late(self, frame: VideoFrame) -> bool:
        """Return whether a frame waited for its reader, by its age against the youngest's."""
        age_ns = frame.arrival_ns - frame.time_ns
        if self._least_age_ns is None or age_ns < self._least_age_ns:
            self._least_age_ns = age_ns
        return age_ns - self._least_age_ns > _LATE_PERIODS * self._period_s * 1e9

    def _count_missing(self, frame: VideoFrame, dropped: set[int], *, read_late: bool) -> None:
        last = self.losses.last
        cause = HOST_BUSY if read_late else CAMERA_LOST
        if frame.note is not None and frame.note[0] == CAMERA_REOPENED:
            cause = CAMERA_AWAY
        missing = self.losses.advance(frame.sequence, cause)
        if frame.note is not None:
            self._add_note(frame, *frame.note)
        if missing:
            # a copy: the camera's thread may add to it
            dropped_here = {s for s in dropped.copy() if last < s < frame.sequence}
            dropped -= dropped_here
            self.losses.move(len(dropped_here), to=STORAGE_BEHIND, old=cause)
            self._writer.add_event(
                frame.time_ns, "lost_frames", f"{missing} before frame {frame.sequence}"
            )

    def _add_note(self, frame: VideoFrame, kind: str, text: str) -> None:
        """Write a frame's note as an event; of identical frames in a row only the first one's.

        A frozen camera would give 25 of them a second.
        """
        if kind == CAMERA_REOPENED:
            self.reopened.append(text)
            self.away_s += (frame.time_ns - self._last_ns) / 1e9
        if kind == IDENTICAL_FRAMES:
            self.identical_frames += 1
            is_in_a_row = self._last_identical == frame.sequence - 1
            self._last_identical = frame.sequence
            if is_in_a_row:
                return
        self._writer.add_event(frame.time_ns, kind, text)

    def _watch_period(self, time_ns: int) -> None:
        """Note a change of the frame period: in stamps alone, steady loss is a slower camera."""
        self._period_times_ns.append(time_ns)
        if len(self._period_times_ns) <= _PERIOD_STEPS:
            return
        period_s = float(np.median(np.diff(self._period_times_ns))) / 1e9
        if not 0.75 < period_s / self._period_s < 1.33:
            change = (
                f"frame period changed from {self._period_s * 1e3:.0f} to {period_s * 1e3:.0f} ms: "
                "a slower camera (dim light) or lost frames, not to be told apart"
            )
            self.period_changes.append(change)
            self._writer.add_event(time_ns, "frame_period", change)
            self._period_s = period_s

    @property
    def last_ns(self) -> int:
        """Stamp of the last frame; of none the start of the recording."""
        return self._last_ns

    @property
    def span_ns(self) -> Span | None:
        """Stamps of the first frame and the last; None where none is in the file."""
        if self._first_ns is None or not self._writer.frames:
            return None
        return self._first_ns, self._last_ns

    def silent_s(self, now_ns: int) -> float:
        """Return how long no frame has come [s]."""
        return max(0, now_ns - self.last_arrival_ns) / 1e9

    def fps(self, now_ns: int) -> float:
        """Return the rate of the last frames; 0 where none has come lately [Hz]."""
        times_ns = self._rate_times_ns
        if len(times_ns) < 2 or self.silent_s(now_ns) >= _SILENT_S:
            return 0.0
        span_ns = times_ns[-1] - times_ns[0]
        return (len(times_ns) - 1) * 1e9 / span_ns if span_ns > 0 else 0.0
