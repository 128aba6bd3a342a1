"""One session on one time axis: what a player shows of it, beside its pictures.

All times are seconds after the session's start, on its clock, as those of exclusions and of quality
flags are; a frame stands where its light fell. Nothing is measured here that a recording or its
grade does not contain already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire.errors import CurationError
from dataset.common.files import one_line
from dataset.quality.curves import Curve, curves_to_draw, thin_curve
from dataset.quality.result import Flag, read_current_quality
from dataset.session.hdf5 import recorder_of
from dataset.session.heart_rate import spans_without_finger
from dataset.session.log import CueNote, Note, read_log
from dataset.session.reader import Session

# curves of a grade that a player shows: name, label
KEPT_CURVES = {
    "pos": "face pulse", "ppg_hr": "finger's rate", "pos_hr": "face's rate",
}


@dataclass(frozen=True)
class Gap:
    """Frames or samples that a recording lacks, between two that it has."""

    from_s: float
    to_s: float
    count: int


@dataclass(frozen=True)
class Timeline:
    """A session over its time."""

    session_id: str
    subject: str
    simulated: bool
    state: str                           # "complete", or in words why it is not
    end_s: float                         # of the last frame or sample
    width: int                           # of a frame [px]
    height: int                          # [px]
    lost_frames: int
    lost_samples: int
    sync_bound_ms: float | None          # largest known bound on a sample's time
    frame_gaps: tuple[Gap, ...]
    sample_gaps: tuple[Gap, ...]
    without_finger: tuple[tuple[float, float], ...]
    cues: tuple[CueNote, ...]
    marks: tuple[Note, ...]
    others: tuple[Note, ...]             # other events
    grade: str                           # "": none; "stale": the recording is newer
    flags: tuple[Flag, ...]
    grade_problem: str                   # one line: why the grade cannot be read


class SessionPlayer:
    """A session, open to be looked at; not for several threads at once.

    Raises
    ------
    SessionError : it cannot be read
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = Session(path)
        self.session_id = self._session.session_id
        start_ns = self._session.started_monotonic_ns
        self.frame_s = (self._session.frame_light_ns - start_ns) / 1e9      # (N,) float64
        self._sample_s = (self._session.ppg_time_ns - start_ns) / 1e9       # (S,)
        self._curves: Mapping[str, Curve] = {}

    def timeline(self) -> Timeline:
        """Return everything but pictures and curves; the grade is read anew."""
        session, start_ns = self._session, self._session.started_monotonic_ns
        log, problem = read_log(session.events, start_ns), ""
        try:
            grade, quality = read_current_quality(self.path)
        except (CurationError, OSError) as error:
            grade, quality, problem = "unreadable", None, one_line(error)
        self._curves = curves_to_draw(self.path, quality.session_hash) if quality else {}
        return Timeline(
            session_id=session.session_id, subject=session.subject, simulated=session.simulated,
            state=self._state(), end_s=self.end_s, width=session.frames.width,
            height=session.frames.height, lost_frames=session.lost_frames,
            lost_samples=session.lost_samples, sync_bound_ms=session.sync_bound_ms,
            frame_gaps=find_gaps(session.frame_sequence, self.frame_s),
            sample_gaps=find_gaps(session.ppg_sequence, self._sample_s),
            without_finger=tuple(
                ((first - start_ns) / 1e9, (last - start_ns) / 1e9)
                for first, last in spans_without_finger(session)
            ),
            cues=tuple(log.cues), marks=tuple(log.marks), others=tuple(log.others), grade=grade,
            flags=quality.flags if quality else (), grade_problem=problem,
        )

    def _state(self) -> str:
        if self._session.complete:
            return "complete"
        if recorder := recorder_of(self.path):
            return f"still recording ({recorder})"
        return f"incomplete: {self._session.ended}" if self._session.ended else "never closed"

    @property
    def end_s(self) -> float:
        """Time of the last frame or sample; 0 where there is none."""
        return max([0.0, *(float(t_s[-1]) for t_s in (self.frame_s, self._sample_s) if len(t_s))])

    def curves(self, from_s: float, to_s: float) -> dict[str, Curve]:
        """Return the curves within a part, each of a few thousand points at most.

        `ppg` is the finger as it was recorded; the others come from the grade, where there is one,
        as thinned as they were kept. Each goes one point beyond the part, on either side.
        """
        ppg = Curve(self._sample_s, self._session.ppg_values, "sensor value")
        curves = {"ppg": ppg} | {
            name: self._curves[name] for name in KEPT_CURVES if name in self._curves
        }
        return {name: _within(curve, from_s, to_s) for name, curve in curves.items()}

    def frame(self, at: int) -> np.ndarray:
        """Return a frame by its number, (H, W, 3) uint8 RGB.

        Raises
        ------
        IndexError : there is no such frame
        SessionError : it does not decode
        """
        if not 0 <= at < len(self.frame_s):
            raise IndexError(f"frame {at} of {len(self.frame_s)}")
        return self._session.frames[at]

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._session.close()


def find_gaps(sequence: np.ndarray, time_s: np.ndarray) -> tuple[Gap, ...]:
    """Return where a counter skipped numbers; what is lost before the first one has no place."""
    skipped = np.diff(sequence) - 1
    return tuple(
        Gap(float(time_s[at]), float(time_s[at + 1]), int(skipped[at]))
        for at in np.flatnonzero(skipped > 0)
    )


def _within(curve: Curve, from_s: float, to_s: float) -> Curve:
    first, stop = np.searchsorted(curve.x, [from_s, to_s])
    part = np.s_[max(0, int(first) - 1) : int(stop) + 1]
    return thin_curve(curve.x[part], curve.y[part], curve.unit)
