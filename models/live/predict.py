"""The pulse of a file, read as it would be live: by the same code, at the same times.

For a session the finger's PPG is brought onto the frames' times (`dataset.signals.align`), and its
heart rate is that of the same ten seconds in which the camera's was read.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dataset.signals.filters import WINDOW_S
from models.fusion.fuse import FusedRate
from models.fusion.spectra import MeanSpectrum

from .pulse import LivePulse
from .recorded import RecordedFrames, Reference, choose_reference, open_recorded
from .states import READING, SETTLING, LiveReading

OnFrames = Callable[[int, int], None]


@dataclass(frozen=True)
class PredictionRow:
    """A heart rate, or the beginning of a state without one."""

    reading: LiveReading                # its time counts from the first frame
    # of the same window; None without a window, and where there was no finger
    finger_bpm: float | None
    first_s: float | None = None        # where its window begins; None: ten seconds before
    # heart rate [bpm] by each method alone, of those that were asked for
    methods: dict[str, float | None] = field(default_factory=dict)

    @property
    def rate(self) -> FusedRate | None:
        """What the window was read as; None where there is none."""
        return self.reading.rate

    @property
    def hr_bpm(self) -> float | None:
        """The camera's heart rate [bpm]."""
        return self.reading.hr_bpm

    @property
    def similarity(self) -> float | None:
        """Similarity of neighbouring beats, at most 1; None without a heart rate."""
        return None if self.rate is None or self.hr_bpm is None else self.rate.similarity

    @property
    def error_bpm(self) -> float | None:
        """Camera less finger [bpm]; None where one of them is not known."""
        if self.hr_bpm is None or self.finger_bpm is None:
            return None
        return self.hr_bpm - self.finger_bpm


@dataclass(frozen=True)
class MethodResult:
    """What one method alone read in a file."""

    name: str                       # "network", or of `colour_methods.METHODS`
    windows: int                    # with a rate
    bpm: float | None               # mean over these
    clip_bpm: float | None          # of the spectrum over the whole clip
    mae_bpm: float | None           # mean absolute error over windows with a reference


@dataclass(frozen=True)
class OverTime:
    """What the windows that have a heart rate say together."""

    with_rate_s: float              # of the file, that these windows cover
    median_bpm: float
    lowest: PredictionRow
    highest: PredictionRow

    @property
    def has_moved(self) -> bool:
        """Whether the lowest and the highest rate are two, beyond their intervals."""
        low, high = self.lowest.rate, self.highest.rate
        return low is not None and high is not None and are_apart(low, high)

    @property
    def in_order(self) -> tuple[PredictionRow, PredictionRow]:
        """The lowest and the highest, the earlier first."""
        first, last = sorted((self.lowest, self.highest), key=lambda row: row.reading.time_s)
        return first, last


@dataclass(frozen=True)
class Prediction:
    """What was read in a video."""

    source: Path
    simulated: bool
    frames: int
    seconds: float                  # from the first frame to the last
    rows: list[PredictionRow]
    late_frames: int                # not later than the one before; left out
    # why no heart rate of the finger stands beside, in words; "" where one does, and without one
    no_finger: str
    ms_per_frame: float             # median, from a decoded frame to the pulse
    remarks: tuple[str, ...] = ()   # what is doubtful of a video's times, or was mended
    # how a video's pictures were read, and where its times are from; "" of a session
    pictures: str = ""
    # each state from when to when [s]; None: as the rows say
    states: list[tuple[float, float, LiveReading]] | None = None
    # one rate over the longest stretch of one face, or why there is none; None: it is too short, or
    # read as live
    clip: FusedRate | None = None
    clip_span_s: tuple[float, float] | None = None      # from when to when that stretch is
    clip_reference_bpm: float | None = None     # over the same time; None without a rate
    spectrum: MeanSpectrum | None = None        # over that stretch
    methods: tuple[MethodResult, ...] = ()      # those that were asked for

    @property
    def fps(self) -> float:
        """Mean rate of the frames [Hz]."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0

    @property
    def windows(self) -> list[PredictionRow]:
        """The rows of windows, with a heart rate and without."""
        return [row for row in self.rows if row.rate is not None]

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
    def over_time(self) -> OverTime | None:
        """What the windows with a heart rate say together; None without any."""
        known = {row.hr_bpm: row for row in reversed(self.rows) if row.hr_bpm is not None}
        if not known:
            return None
        rates_bpm = [row.hr_bpm for row in self.rows if row.hr_bpm is not None]
        with_rate_s = sum(
            last_s - first_s for first_s, last_s, one in self.spans if one.state == READING
        )
        return OverTime(
            with_rate_s, float(np.median(rates_bpm)), known[min(known)], known[max(known)]
        )

    @property
    def spans(self) -> list[tuple[float, float, LiveReading]]:
        """From when to when [s] each state held, and the reading with which it began."""
        if self.states is not None:
            return self.states
        begun = [row.reading for at, row in enumerate(self.rows)
                 if not at or not row.reading.is_state_of(self.rows[at - 1].reading)]
        if begun and begun[-1].state == SETTLING:       # it tells in how many seconds
            begun[-1] = replace(begun[-1], words=f"{begun[-1].words}; it ended before that")
        ends = [*(reading.time_s for reading in begun[1:]), self.seconds]
        return [(reading.time_s, end, reading) for reading, end in zip(begun, ends, strict=True)]

    @property
    def without_rate_s(self) -> dict[str, float]:
        """How long [s] each state without a heart rate held in all, the longest first."""
        seconds: dict[str, float] = {}
        for first, last, reading in self.spans:
            if reading.state != READING and last > first:
                seconds[reading.state] = seconds.get(reading.state, 0.0) + last - first
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def are_apart(low: FusedRate, high: FusedRate) -> bool:
    """Return whether the intervals of a lower and a higher rate do not overlap."""
    if low.high_bpm is None or high.low_bpm is None:
        return False
    return low.high_bpm < high.low_bpm


def why_no_reference(reference: Reference | None, rows: Sequence[PredictionRow]) -> str:
    """Return in words why no heart rate stands beside the camera's; "" where one does."""
    shown = [row for row in rows if row.hr_bpm is not None]
    if reference is None or any(row.finger_bpm is not None for row in shown):
        return ""
    return reference.why_missing or ("of the PPG no heart rate can be told" if shown else "")


def mean_of_known(values: Sequence[float | None]) -> float | None:
    """Average the known values; None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def predict(
    live: LivePulse, source: Path, *, times: Path | None = None, fps: float | None = None,
    reference: Reference | None = None, on_frames: OnFrames | None = None,
) -> Prediction:
    """Read the pulse in a video; in a session, also the finger's beside it.

    Parameters
    ----------
    live : of `open_live_pulse`, not used before
    source, times, fps : as `open_recorded`
    reference : what a video's heart rates are held against; a session has its finger
    on_frames : called with frames done and frames in all

    Raises
    ------
    DeviceError, SessionError : see `open_recorded`
    """
    with open_recorded(source, times=times, fps=fps) as recorded:
        reference = choose_reference(recorded, reference, source)
        return _read_frames(live, recorded, source, reference, on_frames)


def _read_frames(
    live: LivePulse, recorded: RecordedFrames, source: Path, reference: Reference | None,
    on_frames: OnFrames | None,
) -> Prediction:
    live.note_predicted(recorded.is_predicted)
    rows: list[PredictionRow] = []
    times_ms, seconds, done = [], 0.0, 0
    last: LiveReading | None = None
    for done, (image, time_s) in enumerate(recorded.frames, 1):
        begun = time.perf_counter()
        reading = live.add_frame(image, time_s)
        times_ms.append(1000 * (time.perf_counter() - begun))
        seconds = max(seconds, time_s)
        if reading.is_news_after(last):
            reference_bpm = None
            if reference is not None and reading.hr_bpm is not None:
                reference_bpm = reference.hr_bpm(reading.time_s - WINDOW_S, reading.time_s)
            rows.append(PredictionRow(reading, reference_bpm))
        last = reading
        if on_frames is not None and done % 25 == 0:
            on_frames(done, recorded.total)
    if on_frames is not None:
        on_frames(done, recorded.total)
    return Prediction(
        source=source, simulated=recorded.simulated, frames=done, seconds=seconds, rows=rows,
        late_frames=live.late_frames, no_finger=why_no_reference(reference, rows),
        ms_per_frame=float(np.median(times_ms)) if times_ms else 0.0,
        remarks=tuple(recorded.remarks), pictures=recorded.pictures,
    )
