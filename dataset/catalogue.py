"""Every recording under a data folder as one row: what a curator chooses from.

Read from the recordings' columns, without their pictures and without hashing them, and from what
stands beside them: grades, exclusions, the split. What cannot be read is a row, too, and says why.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from acquire import data_folder
from acquire.errors import AcqError, CurationError
from dataset.common.progress import OnProgress
from dataset.quality.result import read_quality
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split
from dataset.selection.split_file import read_split
from dataset.session.hdf5 import was_never_closed
from dataset.session.reader import Session
from dataset.session.heart_rate import mean_heart_rate

IN, PART, OUT = "in", "part out", "out"


@dataclass(frozen=True)
class _Row:
    """One recording; what it says of itself is None where it cannot be read."""

    subject: str
    session: str
    file: str                            # under the data folder, with forward slashes
    started: str | None = None           # ISO 8601, UTC
    duration_s: float | None = None
    frames: int | None = None
    fps: float | None = None             # measured [Hz]
    ppg_rate_hz: float | None = None     # measured, between neighbouring samples
    lost_frames: int | None = None
    lost_samples: int | None = None
    sync_bound_ms: float | None = None  # largest known bound on a sample's time; None where none is
    hr_bpm: float | None = None          # mean heart rate by the PPG; None where it cannot be told
    state: str = "unreadable"            # "complete", "cut short", "never closed", "unreadable"
    simulated: bool | None = None
    imported_from: str | None = None     # a public data set; "" where acq recorded it
    # by `acq qc`; "stale": the recording is newer; "unreadable"; "" where it was never asked
    grade: str = ""
    use: str = IN                        # IN, PART or OUT
    reasons: str = ""                    # why it, or a part, is out
    # of the present split: "train", "test", or "test in 2" of several folds; "" in none
    side: str = ""
    problem: str = ""                    # one line: what cannot be read


def read_catalogue(data: Path | str, *, on_progress: OnProgress | None = None) -> pd.DataFrame:
    """List every recording under a data folder, sorted by subject and file.

    Returns
    -------
    One row a recording. Columns: `subject`, `session`, `file`, `started`, `duration_s` [s],
    `frames`, `fps` [Hz], `ppg_rate_hz` [Hz], `lost_frames`, `lost_samples`, `sync_bound_ms` [ms],
    `hr_bpm` [bpm], `state`, `simulated`, `imported_from`, `grade`, `use`, `reasons`, `side`,
    `problem`. A recording that cannot be read has its folder's subject and its file's name, the
    state "unreadable", and its `problem` says why; numbers that are not known are missing. Where
    the split cannot be read no row has a `side`, and `attrs["split_problem"]` says why.

    Raises
    ------
    CurationError : the exclusions are there and cannot be read
    """
    data = Path(data)
    files, excluded = data_folder.session_files(data), read_exclusions(data)
    split, split_problem = _split(data_folder.split_file(data))
    rows = []
    for at, path in enumerate(files):
        rows.append(asdict(_read(path, path.relative_to(data).as_posix(), excluded, split)))
        if on_progress:
            on_progress("reading sessions", at + 1, len(files))
    table = pd.DataFrame(rows, columns=list(_Row.__dataclass_fields__))
    counts = dict.fromkeys(("frames", "lost_frames", "lost_samples"), "Int64")
    numbers = dict.fromkeys(
        ("duration_s", "fps", "ppg_rate_hz", "sync_bound_ms", "hr_bpm"), "float64"
    )
    table = table.astype({**counts, **numbers, "simulated": "boolean"})
    table.attrs["split_problem"] = split_problem
    return table


def _split(path: Path) -> tuple[Split | None, str]:
    if not path.exists():
        return None, ""
    try:
        return read_split(path), ""
    except (AcqError, OSError) as error:
        return None, _one_line(error)


def _read(path: Path, file: str, excluded: Exclusions, split: Split | None) -> _Row:
    subject, name, problems = path.parent.name, path.stem, []
    known: dict = {}
    try:
        with Session(path) as session:
            known = _columns(session, path)
            if subject != session.subject:
                problems.append(
                    f"expected a recording of {subject}, found one of {session.subject} in {path}; "
                    "move it"
                )
            subject, name = session.subject, session.session_id
    except (AcqError, OSError) as error:
        problems.append(_one_line(error))
    try:
        grade = _grade(path)
    except (CurationError, OSError) as error:
        grade = "unreadable"
        problems.append(_one_line(error))
    decisions = excluded.of(name) or excluded.of(path.stem)
    use = OUT if any(one.is_whole for one in decisions) else PART if decisions else IN
    reasons = [
        one.reason if one.is_whole else f"{one.part_text}: {one.reason}" for one in decisions
    ]
    return _Row(
        subject, name, file, **known, grade=grade, use=use, reasons="; ".join(reasons),
        side=_side(split, file), problem=" | ".join(problems),
    )


def _columns(session: Session, path: Path) -> dict:
    steps = np.diff(session.ppg_time_ns)[np.diff(session.ppg_sequence) == 1]
    hr_bpm, bound_ms = mean_heart_rate(session), session.sync_bound_ms
    return {
        "started": datetime.fromtimestamp(session.started_unix_ns / 1e9, tz=timezone.utc).isoformat(
            timespec="seconds"
        ),
        "duration_s": round(session.duration_s, 3),
        "frames": len(session.frames),
        "fps": round(session.fps, 3),
        "ppg_rate_hz": round(1e9 / float(steps.mean()), 3)
        if len(steps) and steps.mean() > 0
        else None,
        "lost_frames": session.lost_frames,
        "lost_samples": session.lost_samples,
        "sync_bound_ms": None if bound_ms is None else round(bound_ms, 3),
        "hr_bpm": None if hr_bpm is None else round(hr_bpm, 1),
        "state": "never closed"
        if was_never_closed(path)
        else "complete"
        if session.complete
        else "cut short",
        "simulated": session.simulated,
        "imported_from": session.imported_from,
    }


def _grade(path: Path) -> str:
    quality = read_quality(path)
    if quality is None:
        return ""
    return (
        "stale"
        if path.stat().st_mtime_ns > data_folder.quality_file(path).stat().st_mtime_ns
        else quality.grade
    )


def _side(split: Split | None, file: str) -> str:
    subject = (
        next((one.subject for one in split.sessions if one.file == file), None) if split else None
    )
    if split is None or subject is None:
        return ""
    if len(split.folds) == 1:
        return split.side_of(subject, 1)
    return f"test in {next(at for at in range(1, len(split.folds) + 1) if split.side_of(subject, at) == 'test')}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
