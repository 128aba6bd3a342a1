"""Every recording under a data folder as one row: what a curator chooses from.

Read from the recordings' columns, without their pictures and without hashing them, and from what
lies beside them: grades, exclusions, the split. A recording that cannot be read is a row, too, with
the reason.
"""

from collections.abc import Sequence
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
from dataset.session.find import find_originals, misplaced

from .known import KnownSessions
from .row import IN, OUT, PART, Row, id_of

if TYPE_CHECKING:
    import pandas as pd

_LAST = 10          # more than any count of mistakes: what is excluded is no copy's recording


@dataclass(frozen=True)
class Listing:
    """Every recording under a data folder, sorted by subject and file."""

    rows: tuple[Row, ...]
    row_errors: tuple[tuple[AcqError | OSError, ...], ...]     # behind the problem of each row
    split_error: AcqError | OSError | None                     # why the split cannot be read

    @property
    def split_problem(self) -> str:
        """Why the split cannot be read, in a line; else ""."""
        return "" if self.split_error is None else one_line(self.split_error)

    @property
    def errors(self) -> tuple[AcqError | OSError, ...]:
        """What is behind each problem, that of the split last."""
        found = tuple(error for errors in self.row_errors for error in errors)
        return found if self.split_error is None else (*found, self.split_error)


def list_sessions(
    data: Path | str, *, on_progress: OnProgress | None = None,
    known: KnownSessions | None = None, jobs: int | None = 1,
    unlisted: list[OSError] | None = None,
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
    unlisted : takes up why a subject's folder cannot be listed; None: that is raised

    Raises
    ------
    CurationError : the exclusions are there and cannot be read
    OSError : a folder cannot be listed
    """
    data = Path(data)
    known = known or KnownSessions(data)
    files, exclusions = data_folder.session_files(data, unlisted=unlisted), read_exclusions(data)
    sides, split_error = _read_sides(data_folder.split_file(data))
    known.forget_others(files)
    read = known.read_rows(files, jobs=jobs, on_progress=on_progress)
    excluded = {path for path in files if exclusions.is_excluded(path.stem)}

    def read_of(path: Path) -> tuple[str, int]:
        session_id, mistakes = id_of(path, read[path][0])
        return session_id, mistakes + _LAST * (path in excluded)

    copies = find_originals(files, read=read_of)
    placed = []
    for path in files:
        file = path.relative_to(data).as_posix()
        placed.append(_place(
            path, replace(read[path][0], file=file, side=sides.get(file, "")), read[path][1],
            exclusions, copies.get(path),
        ))
    known.save()
    return Listing(
        tuple(row for row, _ in placed), tuple(tuple(errors) for _, errors in placed), split_error
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
    path: Path, row: Row, errors: Sequence[AcqError | OSError], exclusions: Exclusions,
    copy: tuple[Path, SessionError] | None,
) -> tuple[Row, list[AcqError | OSError]]:
    """Return a recording's row with what is decided of it, and what could not be read.

    What is excluded may be a copy, and lie anywhere.
    """
    # a copy is excluded by its own name; by its id, its recording is
    is_by_name = copy is not None or exclusions.is_excluded(path.stem)
    decisions = exclusions.of(path.stem if is_by_name else row.session)
    is_out, problems = any(exclusion.is_whole for exclusion in decisions), list(errors)
    if path.parent.name != row.subject and not is_out:
        problems.append(misplaced([(path, row.subject)]))
    if copy is not None:
        original, error = copy
        row = replace(row, copy_of=f"{original.parent.name}/{original.name}")
        if not exclusions.is_excluded(path.stem):
            problems.insert(0, error)
    reasons = [
        exclusion.reason if exclusion.is_whole else f"{exclusion.part_text}: {exclusion.reason}"
        for exclusion in decisions
    ]
    whole = replace(
        row, use=OUT if is_out else "" if not row.is_session else PART if decisions else IN,
        reasons="; ".join(reasons), problem=" | ".join(map(one_line, problems)),
    )
    return whole, problems
