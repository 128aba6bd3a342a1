"""Every recording under a data folder as one row: what a curator chooses from.

Read from the recordings' columns, without their pictures and without hashing them, and from what
lies beside them: grades, exclusions, the split. A recording that cannot be read is a row, too, with
the reason.
"""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from acquire import data_folder
from acquire.errors import AcqError, SessionError
from dataset.common.files import one_line
from dataset.common.progress import OnProgress
from dataset.selection.exclusions import Exclusions
from dataset.selection.exclusions_file import read_exclusions
from dataset.selection.split import Split
from dataset.selection.split_file import read_split
from dataset.session.find import find_originals

from .known import KnownSessions
from .row import IN, OUT, PART, UNREADABLE, FromFile, Row, id_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Listing:
    """Every recording under a data folder, sorted by subject and file."""

    rows: tuple[Row, ...]
    split_problem: str                            # why the split cannot be read, else ""
    errors: tuple[AcqError | OSError, ...]        # behind each problem


def list_sessions(
    data: Path | str, *, on_progress: OnProgress | None = None,
    known: KnownSessions | None = None, jobs: int | None = 1,
) -> Listing:
    """List every recording under a data folder.

    A recording that cannot be read has its folder's subject and its file's name, the state
    "unreadable", no `use`, and its `problem` says why; numbers that are not known are None. Where
    the split cannot be read no row has a `side`.

    Parameters
    ----------
    known : what an earlier call read; None: what an earlier process kept in the data folder.
        Recordings that did not change are not read again
    jobs : processes that read what is not known; None: as many as are worth their start

    Raises
    ------
    CurationError : the exclusions are there and cannot be read
    """
    data = Path(data)
    known = known or KnownSessions(data)
    files, exclusions = data_folder.session_files(data), read_exclusions(data)
    sides, split_error = _read_sides(data_folder.split_file(data))
    rows: list[Row] = []
    errors: list[AcqError | OSError] = []
    known.forget_others(files)
    read = known.read_rows(files, jobs=jobs, on_progress=on_progress)
    copies = find_originals(
        (path for path in files if not exclusions.is_excluded(path.stem)),
        read=lambda path: id_of(path, read[path][0]),
    )
    for path in files:
        file = path.relative_to(data).as_posix()
        row, row_errors = _place(
            read[path], file, exclusions, side=sides.get(file, ""), copy=copies.get(path)
        )
        rows.append(row)
        errors += row_errors
    known.save()
    return Listing(
        tuple(rows), "" if split_error is None else one_line(split_error),
        tuple(errors if split_error is None else [*errors, split_error]),
    )


def read_catalogue(
    data: Path | str, *, on_progress: OnProgress | None = None, known: KnownSessions | None = None
) -> "pd.DataFrame":
    """Return `list_sessions` as a table.

    Returns
    -------
    One row a recording. Columns: `subject`, `session`, `file`, `started`, `duration_s` [s],
    `frames`, `fps` [Hz], `ppg_rate_hz` [Hz], `lost_frames`, `lost_samples`, `sync_bound_ms` [ms],
    `hr_bpm` [bpm], `state`, `simulated`, `imported_from`, `grade`, `copy_of`, `use`, `reasons`,
    `side`, `problem`, `doubt`, `ended`. Numbers that are not known are missing.
    `attrs["split_problem"]` says why the split cannot be read, `attrs["errors"]` are the errors
    behind all of these texts.

    Raises
    ------
    CurationError : the exclusions are there and cannot be read
    """
    import pandas as pd

    listing = list_sessions(data, on_progress=on_progress, known=known)
    names = [field.name for field in fields(Row)]
    table = pd.DataFrame([asdict(row) for row in listing.rows], columns=names)
    counts = dict.fromkeys(("frames", "lost_frames", "lost_samples"), "Int64")
    numbers = dict.fromkeys(
        ("duration_s", "fps", "ppg_rate_hz", "sync_bound_ms", "hr_bpm"), "float64"
    )
    table = table.astype({**counts, **numbers, "simulated": "boolean"})
    table.attrs["split_problem"] = listing.split_problem
    table.attrs["errors"] = list(listing.errors)
    return table


def _read_sides(path: Path) -> tuple[dict[str, str], AcqError | OSError | None]:
    """Return the side of each file in a split, and why the split cannot be read."""
    if not data_folder.is_there(path):
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
    from_file: FromFile, file: str, exclusions: Exclusions, *, side: str,
    copy: tuple[Path, SessionError] | None,
) -> tuple[Row, list[AcqError | OSError]]:
    """Return a recording's row with what is decided of it, and what could not be read."""
    row, problems = replace(from_file[0], file=file, side=side), list(from_file[1])
    if copy is not None:
        original, error = copy
        row = replace(row, copy_of=f"{original.parent.name}/{original.name}")
        problems.insert(0, error)
    name = Path(file).stem          # a copy is excluded by its own; its id is its recording's
    decisions = exclusions.of(name if exclusions.is_excluded(name) else row.session)
    is_out = any(exclusion.is_whole for exclusion in decisions)
    reasons = [
        exclusion.reason if exclusion.is_whole else f"{exclusion.part_text}: {exclusion.reason}"
        for exclusion in decisions
    ]
    is_usable = not row.copy_of and row.state != UNREADABLE
    whole = replace(
        row, use=OUT if is_out else "" if not is_usable else PART if decisions else IN,
        reasons="; ".join(reasons), problem=" | ".join(map(one_line, problems)),
    )
    return whole, problems
