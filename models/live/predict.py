"""The pulse of a whole video, read as it would be live: the same code sees the same frames at the
same times.

A session of acq brings its finger: its PPG is laid on the frames' times (`dataset.signals.align`),
and its heart rate is that of the very ten seconds in which the camera's was read.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.errors import CurationError, SessionError
from dataset.session.heart_rate import spans_without_finger
from dataset.session.reader import Session
from dataset.signals.align import ppg_on_frames
from dataset.signals.filters import HIGH_HZ, WINDOW_S, heart_rate
from dataset.signals.windows import even_grid, to_even_grid

from .pulse import LivePulse, Reading
from .sources import to_rgb

OnFrames = Callable[[int, int], None]
_LONG_AGO_NS = -10**18          # thirty years: longer than a video


@dataclass(frozen=True)
class Row:
    """A heart rate, or the beginning of a state without one."""

    reading: Reading                # its time counts from the first frame
    # of the same ten seconds; None without a heart rate, and where there was no finger
    finger_bpm: float | None

    @property
    def hr_bpm(self) -> float | None:
        """The camera's heart rate [bpm]."""
        return self.reading.hr_bpm

    @property
    def likeness(self) -> float | None:
        """How alike neighbouring beats are, -1 to 1; None without a heart rate."""
        return None if self.reading.pulse is None else self.reading.pulse.similarity

    @property
    def error_bpm(self) -> float | None:
        """Camera less finger [bpm]; None where one of them is not known."""
        return (
            None
            if self.hr_bpm is None or self.finger_bpm is None
            else self.hr_bpm - self.finger_bpm
        )


@dataclass(frozen=True)
class Prediction:
    """What was read in a video."""

    source: Path
    simulated: bool
    frames: int
    seconds: float                  # from the first frame to the last
    rows: list[Row]
    late_frames: int                # not later than the one before, and left out
    # why a session has no finger beside the camera, in words; "" where it has, and of a video
    no_finger: str
    ms_per_frame: float             # median, from a decoded frame to the pulse

    @property
    def fps(self) -> float:
        """Mean rate of the frames [Hz]."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0

    @property
    def read(self) -> list[Row]:
        """Those with a heart rate."""
        return [row for row in self.rows if row.hr_bpm is not None]

    @property
    def hr_bpm(self) -> float | None:
        """Mean heart rate over the windows in which one was read [bpm]."""
        return mean_of([row.hr_bpm for row in self.read])

    @property
    def finger_bpm(self) -> float | None:
        """Mean heart rate of the finger over those of them in which there was one [bpm]."""
        return mean_of([row.finger_bpm for row in self.read])

    @property
    def mae_bpm(self) -> float | None:
        """Mean absolute error over the same [bpm]."""
        return mean_of([abs(row.error_bpm) for row in self.read if row.error_bpm is not None])

    @property
    def spans(self) -> list[tuple[float, float, Reading]]:
        """Give from when to when [s] each state held, and how it began."""
        begun = [row.reading for at, row in enumerate(self.rows)
                 if not at or row.reading.state != self.rows[at - 1].reading.state]
        ends = [*(reading.time_s for reading in begun[1:]), self.seconds]
        return [(reading.time_s, end, reading) for reading, end in zip(begun, ends, strict=True)]


def mean_of(values: Sequence[float | None]) -> float | None:
    """Average what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def predict(
    live: LivePulse, source: Path, *, times: Path | None = None, on_frames: OnFrames | None = None
) -> Prediction:
    """Read the pulse in a video, or in a session and beside it the finger's.

    Parameters
    ----------
    live : fresh
    source : any file that FFmpeg decodes, or a session
    times : CSV of a video's frame times [s]; those in the container unless given
    on_frames : called with frames done and frames in all

    Raises
    ------
    DeviceError : no video, or times that are none
    SessionError : a session that is none, or times given for one
    """
    if source.is_file() and h5py.is_hdf5(source):
        if times is not None:
            raise SessionError(
                f"expected --times only of a video, found them given for the session {source}, "
                "which has its own"
            )
        with Session(source) as session:
            frames = _frames_of(session)
            finger = _Finger(session)
            return _read(
                live, frames, len(session.frames), source, finger, simulated=session.simulated,
                on_frames=on_frames,
            )
    camera = ReplayCamera(source, times=times)
    with closing(camera):
        return _read(
            live, _frames_in(camera), camera.frames, source, None, simulated=False,
            on_frames=on_frames,
        )


def _frames_of(session: Session) -> Iterator[tuple[np.ndarray, float]]:
    image = np.empty((session.frames.height, session.frames.width, 3), np.uint8)
    for at, time_ns in enumerate((session.frame_light_ns - session.frame_light_ns[:1]).tolist()):
        yield session.frames.read_into(at, image), time_ns / 1e9


def _frames_in(camera: ReplayCamera) -> Iterator[tuple[np.ndarray, float]]:
    camera.start(_LONG_AGO_NS)
    while True:
        try:
            frame = camera.read(0.2)
        except EndOfStream:
            return
        if frame is not None:
            yield (
                to_rgb(frame.image, camera.info.pixel_format), (frame.time_ns - _LONG_AGO_NS) / 1e9,
            )


def _read(
    live: LivePulse, frames: Iterator[tuple[np.ndarray, float]], total: int, source: Path,
    finger: "_Finger | None", *, simulated: bool, on_frames: OnFrames | None,
) -> Prediction:
    rows: list[Row] = []
    took, seconds, done = [], 0.0, 0
    last: Reading | None = None
    for done, (image, time_s) in enumerate(frames, 1):
        begun = time.perf_counter()
        reading = live.see(image, time_s)
        took.append(1000 * (time.perf_counter() - begun))
        seconds = max(seconds, time_s)
        if reading.is_news_after(last):
            felt = (
                finger.hr_bpm(reading.time_s)
                if finger is not None and reading.pulse is not None
                else None
            )
            rows.append(Row(reading, felt))
        last = reading
        if on_frames is not None and done % 25 == 0:
            on_frames(done, total)
    if on_frames is not None:
        on_frames(done, total)
    return Prediction(
        source, simulated, done, seconds, rows, live.late_frames, finger.why_not if finger else "",
        float(np.median(took)) if took else 0.0,
    )


class _Finger:
    """A session's PPG on its frames' times."""

    def __init__(self, session: Session) -> None:
        self.why_not = ""
        light_ns = session.frame_light_ns
        self._time_s = (light_ns - light_ns[:1]) / 1e9
        self._ppg = np.full(len(light_ns), np.nan)
        try:
            self._ppg = ppg_on_frames(
                session.ppg_values, session.ppg_time_ns, session.ppg_sequence, light_ns
            ).ppg
        except CurationError as error:
            self.why_not = str(error)
        for first_ns, last_ns in spans_without_finger(session):
            self._ppg[(light_ns >= first_ns) & (light_ns <= last_ns)] = np.nan

    def hr_bpm(self, end_s: float) -> float | None:
        """Give the heart rate of the ten seconds before; None where the finger is not known
        throughout.
        """
        inside = (self._time_s >= end_s - WINDOW_S - 1e-9) & (self._time_s <= end_s + 1e-9)
        ppg, time_s = self._ppg[inside], self._time_s[inside]
        if len(ppg) < 2 or not np.isfinite(ppg).all() or np.ptp(ppg) == 0:
            return None
        fs_hz = even_grid(time_s)[1]
        return heart_rate(to_even_grid(ppg, time_s), fs_hz) if fs_hz > 2 * HIGH_HZ else None
