"""The sessions that can be split: each with its identity, a content hash and a mean heart rate.

Excluded sessions are not opened, because they may be damaged. Everything else that cannot be used
is refused, and all such files are named in one error.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquire import data_folder
from acquire.errors import AcqError, Fix, SessionError, SplitError, all_of
from dataset.common.files import one_line
from dataset.common.progress import OnProgress
from dataset.session.find import find_copies, misplaced

from .exclusions import Exclusions
from .exclusions_file import read_exclusions

if TYPE_CHECKING:
    from dataset.session.reader import Session


@dataclass(frozen=True)
class SessionIdentity:
    """One recording as a split knows it."""

    session: str       # session id
    subject: str
    file: str          # path under the data folder, with forward slashes
    hash: str          # Session.content_hash
    simulated: bool
    complete: bool     # False: the recording was cut short; it is used, and reported
    hr_bpm: float | None = None     # mean heart rate by the PPG; None where it cannot be measured
    imported_from: str = ""         # a public data set; "" where acq recorded it


@dataclass(frozen=True)
class FoundSessions:
    """The sessions under a data folder that can be used, and why others cannot, by one look."""

    identities: tuple[SessionIdentity, ...]     # sorted by subject and id
    problems: tuple[AcqError, ...]              # each names all files of its kind
    files: tuple[Path, ...]                     # all that were there
    exclusions: Exclusions


def identify_sessions(
    data: Path, *, on_progress: OnProgress | None = None
) -> list[SessionIdentity]:
    """Identify every session under `data` that is not excluded, sorted by subject and id.

    Raises
    ------
    SessionError : files cannot be read; all of them are named
    SplitError : there are none, some were never closed, lie in another subject's folder, or share
        an id; or several of these problems at once
    CurationError : the exclusions cannot be read
    """
    found = find_sessions(data, on_progress=on_progress)
    if found.problems:
        raise all_of(found.problems, SplitError)
    return list(found.identities)


def find_sessions(data: Path, *, on_progress: OnProgress | None = None) -> FoundSessions:
    """Identify every session under `data` that is not excluded, and list what cannot be used.

    Raises
    ------
    SplitError : there are no recordings, or all are excluded
    CurationError : the exclusions cannot be read
    """
    from dataset.session.hdf5 import was_never_closed

    files, exclusions = data_folder.session_files(data), read_exclusions(data)
    if not files:
        raise SplitError(
            expected="recordings", found="none", where=data_folder.sessions_dir(data),
            fix=Fix.RECORD,
        )
    asked = [path for path in files if not exclusions.is_excluded(path.stem)]
    unclosed = {path for path in asked if was_never_closed(path)}
    copies = find_copies(path for path in asked if path not in unclosed)
    usable = [path for path in asked if path not in unclosed and path not in copies]
    identities, problems = _read_identities(data, usable, exclusions, on_progress)
    problems = [*_unclosed(sorted(unclosed)), *copies.values(), *problems]
    if not identities and not problems:
        raise SplitError(
            expected="recordings to use", found="all of them excluded", where=data,
            fix=Fix.LIST_EXCLUSIONS,
        )
    identities.sort(key=lambda identity: (identity.subject, identity.session))
    return FoundSessions(tuple(identities), tuple(problems), tuple(files), exclusions)


def _read_identities(
    data: Path, files: Sequence[Path], exclusions: Exclusions, on_progress: OnProgress | None
) -> tuple[list[SessionIdentity], list[AcqError]]:
    """Read the identities of those files whose session id is not excluded either."""
    from dataset.session.reader import Session

    identities: list[SessionIdentity] = []
    unreadable: dict[Fix, dict[Path, str]] = {}        # by what mends them
    elsewhere: list[tuple[Path, str]] = []
    for done, path in enumerate(files, start=1):
        try:
            with Session(path) as session:
                is_excluded = exclusions.is_excluded(session.session_id)
                if not is_excluded and path.parent.name != session.subject:
                    elsewhere.append((path, session.subject))
                elif not is_excluded:
                    identities.append(_identify(session, path.relative_to(data).as_posix()))
        except (SessionError, OSError) as error:
            fix = getattr(error, "fix", None)
            if not path.is_file():
                fix = Fix.MOVE_AWAY          # no recording at all
            elif fix not in (Fix.MOVE_AWAY, Fix.GET_PERMISSION):
                fix = Fix.RECOVER_OR_EXCLUDE
            unreadable.setdefault(fix, {})[path] = (
                error.facts if isinstance(error, AcqError) else one_line(error)
            )
        if on_progress:
            on_progress("reading sessions", done, len(files))
    problems: list[AcqError] = []
    for fix, found in unreadable.items():
        count = f"{len(found)} recordings cannot be read: " if len(found) > 1 else ""
        problems.append(SessionError(
            f"{count}{' | '.join(found.values())}", **_remedy(fix, found),
        ))
    if elsewhere:
        problems.append(misplaced(elsewhere))
    return identities, problems


def _identify(session: "Session", file: str) -> SessionIdentity:
    from dataset.session.heart_rate import measure_ppg_rates

    hr_bpm = measure_ppg_rates(session).hr_bpm
    return SessionIdentity(
        session.session_id, session.subject, file, session.content_hash(), session.simulated,
        session.complete, None if hr_bpm is None else round(hr_bpm, 1), session.imported_from,
    )


def _unclosed(files: Sequence[Path]) -> list[AcqError]:
    return [SplitError(
        expected="recordings that have ended",
        found=f"still growing or killed: {', '.join(map(str, files))}",
        **_remedy(Fix.RECOVER_OR_EXCLUDE, files),
    )] if files else []


def _remedy(fix: Fix, files: Iterable[Path]) -> dict[str, Any]:
    """Return the remedy as an error takes it; a file is excluded by its name, if that is an id."""
    names = [path.stem for path in files]
    if all(map(data_folder.is_session_id, names)):
        return {"fix": fix, "of": " ".join(names)}
    return {"fix": f"move it away, or give it a name of {data_folder.SESSION_CHARACTERS}"}


def subject_heart_rates(sessions: Iterable[SessionIdentity]) -> dict[str, float | None]:
    """Compute the mean heart rate of each subject over its sessions.

    Returns
    -------
    subject: rate [bpm], to 0.1, sorted by subject; None where no session has a rate
    """
    rates: dict[str, list[float]] = {}
    for session in sessions:
        rates.setdefault(session.subject, [])
        if session.hr_bpm is not None:
            rates[session.subject].append(session.hr_bpm)
    return {
        subject: round(math.fsum(known) / len(known), 1) if known else None
        for subject, known in sorted(rates.items())
    }
