"""The pulse of a whole video, read as it would be live: by the same code, at the same times.

For a session the finger's PPG is brought onto the frames' times (`dataset.signals.align`), and its
heart rate is that of the same ten seconds in which the camera's was read.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from acquire.camera.replay import ReplayCamera
from acquire.camera.source import EndOfStream
from acquire.data_folder import SESSION_SUFFIX
from acquire.errors import CurationError, SessionError, suggest
from dataset.session.heart_rate import spans_without_finger
from dataset.session.reader import Session
from dataset.signals.align import ppg_on_frames
from dataset.signals.filters import WINDOW_S
from dataset.signals.pulse_rate import finger_rate
from dataset.signals.windows import even_grid, to_even_grid

from .pulse import LivePulse
from .reading import LiveReading
from .sources import to_rgb

OnFrames = Callable[[int, int], None]
_LONG_AGO_NS = -10**18          # thirty years: longer than a video


@dataclass(frozen=True)
class PredictionRow:
    """A heart rate, or the beginning of a state without one."""

    reading: LiveReading                # its time counts from the first frame
    # of the same ten seconds; None without a heart rate, and where there was no finger
    finger_bpm: float | None

    @property
    def hr_bpm(self) -> float | None:
        """The camera's heart rate [bpm]."""
        return self.reading.hr_bpm

    @property
    def similarity(self) -> float | None:
        """Similarity of neighbouring beats, at most 1; None without a heart rate."""
        return None if self.reading.pulse is None else self.reading.pulse.similarity

    @property
    def error_bpm(self) -> float | None:
        """Camera less finger [bpm]; None where one of them is not known."""
        if self.hr_bpm is None or self.finger_bpm is None:
            return None
        return self.hr_bpm - self.finger_bpm


@dataclass(frozen=True)
class Prediction:
    """What was read in a video."""

    source: Path
    simulated: bool
    frames: int
    seconds: float                  # from the first frame to the last
    rows: list[PredictionRow]
    late_frames: int                # not later than the one before; left out
    # why a session has no PPG beside the camera, in words; "" where it has, and for a video
    no_finger: str
    ms_per_frame: float             # median, from a decoded frame to the pulse
    remarks: tuple[str, ...] = ()   # what is doubtful of a video's times, or was mended
    # how a video's pictures were read, and where its times are from; "" of a session
    pictures: str = ""

    @property
    def fps(self) -> float:
        """Mean rate of the frames [Hz]."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0

    @property
    def rows_with_rate(self) -> list[PredictionRow]:
        """The rows with a heart rate."""
        return [row for row in self.rows if row.hr_bpm is not None]

    @property
    def hr_bpm(self) -> float | None:
        """Mean heart rate over the windows in which one was read [bpm]."""
        return mean_of_known([row.hr_bpm for row in self.rows_with_rate])

    @property
    def finger_bpm(self) -> float | None:
        """Mean heart rate of the finger over those of these windows that have one [bpm]."""
        return mean_of_known([row.finger_bpm for row in self.rows_with_rate])

    @property
    def mae_bpm(self) -> float | None:
        """Mean absolute error over the same windows [bpm]."""
        errors_bpm = [row.error_bpm for row in self.rows_with_rate if row.error_bpm is not None]
        return mean_of_known([abs(error_bpm) for error_bpm in errors_bpm])

    @property
    def spans(self) -> list[tuple[float, float, LiveReading]]:
        """From when to when [s] each state held, and the reading with which it began."""
        begun = [row.reading for at, row in enumerate(self.rows)
                 if not at or row.reading.state != self.rows[at - 1].reading.state]
        ends = [*(reading.time_s for reading in begun[1:]), self.seconds]
        return [(reading.time_s, end, reading) for reading, end in zip(begun, ends, strict=True)]


def mean_of_known(values: Sequence[float | None]) -> float | None:
    """Average the known values; None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def predict(
    live: LivePulse, source: Path, *, times: Path | None = None, fps: float | None = None,
    on_frames: OnFrames | None = None,
) -> Prediction:
    """Read the pulse in a video; in a session, also the finger's beside it.

    Parameters
    ----------
    live : of `open_live_pulse`, not used before
    source : any file that FFmpeg decodes, or a session
    times : CSV of a video's frame times [s]
    fps : instead, the rate of evenly spaced frames [Hz]; without both, the times in the container
    on_frames : called with frames done and frames in all

    Raises
    ------
    DeviceError : not a video, one without times, or times that cannot be used
    SessionError : not a session, or times given for one
    """
    if source.is_file() and (h5py.is_hdf5(source) or source.suffix == SESSION_SUFFIX):
        if times is not None or fps is not None:
            raise SessionError(
                expected="frame times for a video only",
                found=f"{'a frame rate' if times is None else 'times'} given for a session",
                where=source, fix="a session has its own",
            )
        with Session(source) as session:
            return _read_frames(
                live, _frames_of_session(session), len(session.frames), source,
                _Finger(session), simulated=session.simulated, on_frames=on_frames,
            )
    with suggest("name a video that FFmpeg decodes, or a session by its file or its id"):
        camera = ReplayCamera(source, times=times, fps=fps)
    with closing(camera):
        prediction = _read_frames(
            live, _frames_of_video(camera), camera.frames, source, None,
            simulated=camera.info.simulated,
            on_frames=on_frames,
        )
    return replace(prediction, remarks=camera.info.remarks, pictures=camera.info.pipeline)


def _frames_of_session(session: Session) -> Iterator[tuple[np.ndarray, float]]:
    image = np.empty((session.frames.height, session.frames.width, 3), np.uint8)
    for at, time_ns in enumerate((session.frame_light_ns - session.frame_light_ns[:1]).tolist()):
        yield session.frames.read_into(at, image), time_ns / 1e9


def _frames_of_video(camera: ReplayCamera) -> Iterator[tuple[np.ndarray, float]]:
    camera.start(_LONG_AGO_NS)
    while True:
        try:
            frame = camera.read(0.2)
        except EndOfStream:
            return
        if frame is not None:
            image = to_rgb(frame.image, camera.info.pixel_format)
            yield image, (frame.time_ns - _LONG_AGO_NS) / 1e9


def _read_frames(
    live: LivePulse, frames: Iterator[tuple[np.ndarray, float]], total: int, source: Path,
    finger: "_Finger | None", *, simulated: bool, on_frames: OnFrames | None,
) -> Prediction:
    rows: list[PredictionRow] = []
    times_ms, seconds, done = [], 0.0, 0
    last: LiveReading | None = None
    for done, (image, time_s) in enumerate(frames, 1):
        begun = time.perf_counter()
        reading = live.add_frame(image, time_s)
        times_ms.append(1000 * (time.perf_counter() - begun))
        seconds = max(seconds, time_s)
        if reading.is_news_after(last):
            finger_bpm = None
            if finger is not None and reading.pulse is not None:
                finger_bpm = finger.hr_bpm(reading.time_s)
            rows.append(PredictionRow(reading, finger_bpm))
        last = reading
        if on_frames is not None and done % 25 == 0:
            on_frames(done, total)
    if on_frames is not None:
        on_frames(done, total)
    return Prediction(
        source=source, simulated=simulated, frames=done, seconds=seconds, rows=rows,
        late_frames=live.late_frames, no_finger=finger.why_missing if finger else "",
        ms_per_frame=float(np.median(times_ms)) if times_ms else 0.0,
    )


class _Finger:
    """A session's PPG on its frames' times."""

    def __init__(self, session: Session) -> None:
        self.why_missing = ""
        light_ns = session.frame_light_ns
        self._time_s = (light_ns - light_ns[:1]) / 1e9
        self._ppg = np.full(len(light_ns), np.nan)
        try:
            self._ppg = ppg_on_frames(
                session.ppg_values, session.ppg_time_ns, session.ppg_sequence, light_ns
            ).ppg
        except CurationError as error:
            self.why_missing = str(error)
        for first_ns, last_ns in spans_without_finger(session):
            self._ppg[(light_ns >= first_ns) & (light_ns <= last_ns)] = np.nan

    def hr_bpm(self, end_s: float) -> float | None:
        """Return the heart rate of the ten seconds before `end_s`; None where it cannot be told."""
        is_inside = (self._time_s >= end_s - WINDOW_S - 1e-9) & (self._time_s <= end_s + 1e-9)
        ppg, time_s = self._ppg[is_inside], self._time_s[is_inside]
        if len(ppg) < 2 or not np.isfinite(ppg).all() or np.ptp(ppg) == 0:
            return None
        fs_hz = even_grid(time_s)[1]
        rate = finger_rate(to_even_grid(ppg, time_s), fs_hz, filtered=True)
        return None if rate.why_not else rate.bpm
