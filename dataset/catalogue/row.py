"""One recording as a row: what its columns and its grade contain, and what cannot be read.

HDF5 is loaded when a recording is read, so that a list of known ones needs none of it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from acquire.errors import AcqError, CurationError
from dataset.quality.result import SessionQuality, read_current_quality
from dataset.session.find import count_mistakes, read_id

if TYPE_CHECKING:
    from dataset.session.reader import Session

IN, PART, OUT = "in", "part out", "out"
UNREADABLE, NEVER_CLOSED = "unreadable", "never closed"


@dataclass(frozen=True)
class Row:
    """One recording; what comes from the file itself is None where that cannot be read."""

    subject: str
    session: str
    file: str = ""                       # under the data folder, with forward slashes
    started: str | None = None           # ISO 8601, UTC; None: not known
    duration_s: float | None = None
    frames: int | None = None
    fps: float | None = None             # measured [Hz]
    ppg_rate_hz: float | None = None     # measured, by the session's clock
    lost_frames: int | None = None       # None also where the numbers repeat or go back
    lost_samples: int | None = None
    sync_bound_ms: float | None = None   # largest known bound on a sample's time; None: none known
    hr_bpm: float | None = None          # mean heart rate by the PPG; None: unknown
    state: str = UNREADABLE              # or "complete", "incomplete", NEVER_CLOSED
    simulated: bool | None = None
    imported_from: str | None = None     # a public data set; "" where acq recorded it
    grade: str = ""     # "stale": the recording is newer; "unreadable"; "": it was never graded
    copy_of: str = ""                    # the file of the recording; "": it is no copy
    use: str = IN       # IN, PART or OUT; "": a copy, or it cannot be read, and is not excluded
    reasons: str = ""                    # why it, or a part, is excluded
    # of the present split: "train", "test", or "test in 2" of several folds; "" in none
    side: str = ""
    problem: str = ""                    # one line: what cannot be read
    doubt: str = ""                      # what is doubtful about its times and numbers
    ended: str = ""                      # of an incomplete one: what cut it short, and what lacks

    @property
    def is_session(self) -> bool:
        """False for a copy, and for what cannot be read: these are not counted, in or out."""
        return not self.copy_of and self.state != UNREADABLE


# of one recording: the row without decisions on it, and what could not be read
FromFile = tuple[Row, tuple[AcqError | OSError, ...]]


def read_row(path: Path) -> FromFile:
    """Return what a recording and its grade contain, and what could not be read."""
    from dataset.session.reader import Session

    row = Row(path.parent.name, path.stem)
    problems: list[AcqError | OSError] = []
    grade, quality = "unreadable", None
    try:
        grade, quality = read_current_quality(path)
    except (CurationError, OSError) as error:
        problems.append(error)
    try:
        with Session(path) as session:
            session.check_frames()
            row = _read_session(session, row, quality)
    except (AcqError, OSError) as error:
        problems.append(error)
    return replace(row, grade=grade), tuple(problems)


def unread_row(path: Path, error: AcqError) -> FromFile:
    """Return the row of a recording that could not be read at all."""
    return Row(path.parent.name, path.stem), (error,)


def id_of(path: Path, row: Row) -> tuple[str, int]:
    """Return what `dataset.session.find.read_id` would return of the recording behind a row."""
    if row.state in (UNREADABLE, NEVER_CLOSED):
        return read_id(path)
    return row.session, count_mistakes(path, row.session, row.subject)


def _read_session(session: "Session", row: Row, quality: SessionQuality | None) -> Row:
    """Fill in what comes from the recording, of which there may be a quality."""
    from dataset.session.hdf5 import was_never_closed
    from dataset.session.reader import rises

    rate_hz, hr_bpm = _ppg_rates(session, quality)
    bound_ms = session.sync_bound_ms
    state = "complete" if session.complete else "incomplete"
    return replace(
        row,
        subject=session.subject,
        session=session.session_id,
        started=session.started and session.started.isoformat(timespec="seconds"),
        duration_s=round(session.duration_s, 3),
        frames=len(session.frames),
        fps=round(session.fps, 3),
        ppg_rate_hz=round(rate_hz, 3) if rate_hz > 0 else None,
        lost_frames=session.lost_frames if rises(session.frame_sequence) else None,
        lost_samples=session.lost_samples if rises(session.ppg_sequence) else None,
        sync_bound_ms=None if bound_ms is None else round(bound_ms, 3),
        hr_bpm=None if hr_bpm is None else round(hr_bpm, 1),
        state=NEVER_CLOSED if was_never_closed(session.path) else state,
        simulated=session.simulated,
        doubt=_doubt(session),
        imported_from=session.imported_from,
        # of a published recording "incomplete" is what it lost; it ends as it was published
        ended="" if session.complete or (session.imported_from and not session.recovered)
        else session.ended,
    )


def _doubt(session: "Session") -> str:
    """Return what is doubtful about the times and numbers of a recording, in words."""
    from dataset.session.doubts import doubts_of

    alone_s = session.without_frames_s
    alone = [f"{alone_s:.0f} s without frames"] if alone_s >= 1 else []
    return "; ".join(doubts_of(session) + alone)


def _ppg_rates(session: "Session", quality: SessionQuality | None) -> tuple[float, float | None]:
    """Return rate [Hz] and heart rate [bpm] by the PPG: as they were measured for a grade, or now.

    Measuring takes four times as long as all the rest of a row.
    """
    if quality is not None and quality.duration_s == session.duration_s:
        rate_hz = quality.measures.get("ppg_rate_hz")       # earlier versions kept none
        if rate_hz is not None:
            return rate_hz, quality.measures.get("ppg_hr_bpm")
    from dataset.session.heart_rate import measure_ppg_rates

    rates = measure_ppg_rates(session)
    return rates.rate_hz, rates.hr_bpm
