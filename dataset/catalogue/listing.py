"""Every recording under a data folder as one row: what a curator chooses from.

Read from the recordings' columns, without their pictures and without hashing them, and from what
lies beside them: grades, exclusions, the split. A recording that cannot be read is a row, too, with
the reason.
"""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from acquire import data_folder
from acquire.errors import AcqError, CurationError, SessionError
from dataset.common.files import one_line
from dataset.common.kept import KeptByState
from dataset.common.progress import OnProgress
from dataset.quality.result import SessionQuality, read_current_quality
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split
from dataset.selection.split_file import read_split
from dataset.session.by_id import find_originals, read_id
from dataset.session.hdf5 import was_never_closed
from dataset.session.heart_rate import measure_ppg_rates
from dataset.session.reader import Session

if TYPE_CHECKING:
    import pandas as pd

IN, PART, OUT = "in", "part out", "out"


@dataclass(frozen=True)
class _Row:
    """One recording; what comes from the file itself is None where that cannot be read."""

    subject: str
    session: str
    file: str = ""                       # under the data folder, with forward slashes
    started: str | None = None           # ISO 8601, UTC; None: not known
    duration_s: float | None = None
    frames: int | None = None
    fps: float | None = None             # measured [Hz]
    ppg_rate_hz: float | None = None     # measured, by the session's clock
    lost_frames: int | None = None
    lost_samples: int | None = None
    sync_bound_ms: float | None = None   # largest known bound on a sample's time; None: none known
    hr_bpm: float | None = None          # mean heart rate by the PPG; None: unknown
    state: str = "unreadable"            # "complete", "incomplete", "never closed", "unreadable"
    simulated: bool | None = None
    imported_from: str | None = None     # a public data set; "" where acq recorded it
    grade: str = ""     # "stale": the recording is newer; "unreadable"; "": it was never graded
    copy_of: str = ""                    # the file of the recording; "": it is no copy
    use: str = IN                        # IN, PART or OUT; "": a copy, or it cannot be read
    reasons: str = ""                    # why it, or a part, is excluded
    # of the present split: "train", "test", or "test in 2" of several folds; "" in none
    side: str = ""
    problem: str = ""                    # one line: what cannot be read


# of one recording: the row without decisions on it, and what could not be read
_FromFile = tuple[_Row, tuple[AcqError | OSError, ...]]


class KnownSessions:
    """What was read of recordings, for whoever lists the same folder again and again."""

    def __init__(self) -> None:
        self._ids: KeptByState[tuple[str, int]] = KeptByState()
        self._rows: KeptByState[_FromFile] = KeptByState()

    def read_id(self, path: Path) -> tuple[str, int]:
        """Return what `dataset.session.by_id.read_id` returns."""
        return self._ids.get(path, read_id)

    def read_row(self, path: Path) -> "_FromFile":
        """Return what a recording and its grade contain, and what could not be read."""
        return self._rows.get(path, _read_file, data_folder.quality_file(path))

    def forget_others(self, paths: list[Path]) -> None:
        """Forget the recordings that are gone."""
        self._ids.forget_others(paths)
        self._rows.forget_others(paths)


def read_catalogue(
    data: Path | str, *, on_progress: OnProgress | None = None, known: KnownSessions | None = None
) -> "pd.DataFrame":
    """List every recording under a data folder, sorted by subject and file.

    Parameters
    ----------
    known : what an earlier call read: recordings that did not change are not read again

    Returns
    -------
    One row a recording. Columns: `subject`, `session`, `file`, `started`, `duration_s` [s],
    `frames`, `fps` [Hz], `ppg_rate_hz` [Hz], `lost_frames`, `lost_samples`, `sync_bound_ms` [ms],
    `hr_bpm` [bpm], `state`, `simulated`, `imported_from`, `grade`, `copy_of`, `use`, `reasons`,
    `side`, `problem`. A recording that cannot be read has its folder's subject and its file's name,
    the state "unreadable", no `use`, and its `problem` says why; numbers that are not known are
    missing. Where the split cannot be read no row has a `side`, and `attrs["split_problem"]` says
    why. `attrs["errors"]` are the errors behind all of these texts.

    Raises
    ------
    CurationError : the exclusions are there and cannot be read
    """
    import pandas as pd

    data, known = Path(data), known or KnownSessions()
    files, exclusions = data_folder.session_files(data), read_exclusions(data)
    sides, split_error = _read_sides(data_folder.split_file(data))
    rows, errors = [], []
    known.forget_others(files)
    copies = find_originals(
        (path for path in files if not exclusions.is_excluded(path.stem)), read=known.read_id
    )
    for at, path in enumerate(files):
        file = path.relative_to(data).as_posix()
        row, row_errors = _place(
            known.read_row(path), file, exclusions, side=sides.get(file, ""), copy=copies.get(path)
        )
        rows.append(asdict(row))
        errors += row_errors
        if on_progress:
            on_progress("reading sessions", at + 1, len(files))
    table = pd.DataFrame(rows, columns=[field.name for field in fields(_Row)])
    counts = dict.fromkeys(("frames", "lost_frames", "lost_samples"), "Int64")
    numbers = dict.fromkeys(
        ("duration_s", "fps", "ppg_rate_hz", "sync_bound_ms", "hr_bpm"), "float64"
    )
    table = table.astype({**counts, **numbers, "simulated": "boolean"})
    table.attrs["split_problem"] = "" if split_error is None else one_line(split_error)
    table.attrs["errors"] = errors if split_error is None else [*errors, split_error]
    return table


def _read_sides(path: Path) -> tuple[dict[str, str], AcqError | OSError | None]:
    """Return the side of each file in a split, and why the split cannot be read."""
    if not path.exists():
        return {}, None
    try:
        split = read_split(path)
    except (AcqError, OSError) as error:
        return {}, error
    return {session.file: _side(split, session.subject) for session in split.sessions}, None


def _side(split: Split, subject: str) -> str:
    if len(split.folds) == 1:
        return split.side_of(subject, 1)
    folds = range(1, len(split.folds) + 1)
    return f"test in {next(fold for fold in folds if split.side_of(subject, fold) == 'test')}"


def _place(
    from_file: _FromFile, file: str, exclusions: Exclusions, *, side: str,
    copy: tuple[Path, SessionError] | None,
) -> tuple[_Row, list[AcqError | OSError]]:
    """Return a recording's row with what is decided of it, and what could not be read."""
    row, problems = replace(from_file[0], file=file, side=side), list(from_file[1])
    if copy is not None:
        original, error = copy
        row = replace(row, copy_of=f"{original.parent.name}/{original.name}")
        problems.insert(0, error)
    decisions = exclusions.of(row.session) or exclusions.of(Path(file).stem)
    is_out = any(exclusion.is_whole for exclusion in decisions)
    reasons = [
        exclusion.reason if exclusion.is_whole else f"{exclusion.part_text}: {exclusion.reason}"
        for exclusion in decisions
    ]
    is_usable = not row.copy_of and row.state != "unreadable"
    whole = replace(
        row, use=OUT if is_out else "" if not is_usable else PART if decisions else IN,
        reasons="; ".join(reasons), problem=" | ".join(map(one_line, problems)),
    )
    return whole, problems


def _read_file(path: Path) -> _FromFile:
    """Return what a recording and its grade contain, and what could not be read."""
    row = _Row(path.parent.name, path.stem)
    problems: list[AcqError | OSError] = []
    grade, quality = "unreadable", None
    try:
        grade, quality = read_current_quality(path)
    except (CurationError, OSError) as error:
        problems.append(error)
    try:
        with Session(path) as session:
            row = _read_session(session, row, quality)
            if path.parent.name != session.subject:
                problems.append(SessionError(
                    expected=f"a recording of {path.parent.name}",
                    found=f"one of {session.subject}", where=path, fix="move it",
                ))
    except (AcqError, OSError) as error:
        problems.append(error)
    return replace(row, grade=grade), tuple(problems)


def _read_session(session: Session, row: _Row, quality: SessionQuality | None) -> _Row:
    """Fill in what comes from the recording, of which there may be a quality."""
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
        lost_frames=session.lost_frames,
        lost_samples=session.lost_samples,
        sync_bound_ms=None if bound_ms is None else round(bound_ms, 3),
        hr_bpm=None if hr_bpm is None else round(hr_bpm, 1),
        state="never closed" if was_never_closed(session.path) else state,
        simulated=session.simulated,
        imported_from=session.imported_from,
    )


def _ppg_rates(session: Session, quality: SessionQuality | None) -> tuple[float, float | None]:
    """Return rate [Hz] and heart rate [bpm] by the PPG: as they were measured for a grade, or now.

    Measuring takes four times as long as all the rest of a row.
    """
    if quality is not None and quality.duration_s == session.duration_s:
        rate_hz = quality.measures.get("ppg_rate_hz")       # earlier versions kept none
        if rate_hz is not None:
            return rate_hz, quality.measures.get("ppg_hr_bpm")
    rates = measure_ppg_rates(session)
    return rates.rate_hz, rates.hr_bpm
