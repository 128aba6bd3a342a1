"""Decide that a recording or a part of it is excluded, and check that there is such a part."""

from datetime import datetime, timezone
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError, SessionError
from dataset.common.wording import clock_time
from dataset.session.find import read_id
from dataset.session.reader import Session

from .exclusions import Exclusion
from .exclusions_file import read_exclusions

_ROUNDING_S = 1.0         # an end may be given as people read it, in whole seconds


def make_exclusion(
    path: Path, *, from_s: float | None, to_s: float | None, reason: str
) -> Exclusion:
    """Decide now to exclude a recording, or a part of it [s after its start].

    The recording is opened only for a part.

    Raises
    ------
    CurationError : no reason, a part that is none or not within the recording, or another file of
        the same session, for which the exclusion would hold, too
    SessionError : a part of a recording that cannot be read
    """
    session_id, end_s = path.stem, None
    if from_s is not None or to_s is not None:
        session_id, end_s = _read_id_and_end(path)
    if not data_folder.is_session_id(session_id):
        raise CurationError(
            expected="a name to exclude the file by, of at most 64 "
                     f"{data_folder.SESSION_CHARACTERS}, the first a letter or a digit",
            found=repr(session_id), where=path, fix="rename it, and exclude it by that",
        )
    if others := sorted(_others_of(path, session_id)):
        raise CurationError(
            expected=f"one file of session {session_id}, for whose id an exclusion holds",
            found=f"{path} and {', '.join(map(str, others))}",
            fix="remove the copy, or exclude it as a whole, by a name of its own "
                f"({data_folder.SESSION_CHARACTERS})",
        )
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        exclusion = Exclusion(session_id, from_s, to_s, " ".join(reason.split()), now)
    except ValueError as error:
        raise CurationError(
            expected="a part of a recording, and a reason", found=error, fix="correct it"
        ) from error
    if end_s is not None:
        _check_within(exclusion, end_s)
    return exclusion


def _check_within(part: Exclusion, end_s: float) -> None:
    """Refuse a part that begins where its recording has ended, or ends well after that."""
    end = clock_time(end_s, digits=3)
    if (part.from_s or 0.0) >= end_s:
        raise CurationError(
            expected=f"a part of {part.session} that begins before its end, {end}",
            found=part.part_text, fix="name an earlier beginning",
        )
    if (part.to_s or 0.0) > end_s + _ROUNDING_S:
        raise CurationError(
            expected=f"a part of {part.session} that ends at its end, {end}, or at most "
                     f"{_ROUNDING_S:g} s after it",
            found=part.part_text,
            fix="leave the end out where the part lasts until the recording ends",
        )


def _others_of(path: Path, session_id: str) -> set[Path]:
    """Return the other files for which an exclusion of this session would hold, too.

    A part is excluded by the id inside: of a file with another name, its copies may have others.
    """
    sessions = path.parent.parent
    named = set(sessions.glob(f"*/{session_id}{data_folder.SESSION_SUFFIX}"))
    if path.stem != session_id:
        exclusions = read_exclusions(sessions.parent)
        named |= {
            other for other in data_folder.session_files(sessions.parent)
            if not exclusions.is_excluded(other.stem) and read_id(other)[0] == session_id
        }
    return named - {path}      # a link to it is another


def _read_id_and_end(path: Path) -> tuple[str, float]:
    """Read the session id, and when the last frame or sample came [s after the start]."""
    try:
        with Session(path) as session:
            last_ns = max(
                int(times[-1])
                for times in (session.frame_time_ns, session.ppg_time_ns, [0]) if len(times)
            )
            end_s = (last_ns - session.started_monotonic_ns) / 1e9
            return session.session_id, max(end_s, 0.0)
    except SessionError as error:
        raise SessionError(
            error.facts, fix="exclude the whole session, which is not opened for that"
        ) from error
