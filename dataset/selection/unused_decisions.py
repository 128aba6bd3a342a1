"""Decisions that leave nothing out: of a recording that is not here, or behind its end.

A mistyped id, one in other letters, or a recording that was renamed since: what a curator meant to
leave out is used.
"""

from collections.abc import Mapping
from pathlib import Path

from acquire import data_folder
from acquire.errors import CurationError
from dataset.common.wording import clock_time

from .exclusions import Exclusion, Exclusions
from .exclusions_file import read_exclusions

_CORRECT = "correct it, or take it back"


def find_misnamed(data: Path) -> list[CurationError]:
    """Return an error for each exclusion of a recording that is not here.

    Raises
    ------
    CurationError : the exclusions cannot be read
    """
    from dataset.session.find import read_id

    exclusions, files = read_exclusions(data), data_folder.session_files(data)
    ids: dict[str, float | None] = dict.fromkeys(path.stem for path in files)
    if any(exclusion.session not in ids for exclusion in exclusions.listed):
        ids |= dict.fromkeys(read_id(path)[0] for path in files)       # one may be renamed
    return find_unused(data, exclusions, ids)


def find_unused(
    data: Path, exclusions: Exclusions, recordings: Mapping[str, float | None]
) -> list[CurationError]:
    """Return an error for each decision that leaves nothing out.

    Parameters
    ----------
    recordings : session id -> length [s], None where that is not known
    """
    return [
        CurationError(
            expected="exclusions of what is here", found=found,
            where=f"in {data_folder.exclusions_file(data)}", fix=fix,
        )
        for exclusion in exclusions.listed
        for found, fix in _why_unused(exclusion, recordings)
    ]


def _why_unused(
    exclusion: Exclusion, recordings: Mapping[str, float | None]
) -> list[tuple[str, str]]:
    session = exclusion.session
    if session not in recordings:
        fix = data_folder.ask_if_meant(session, recordings) or _CORRECT
        return [(f"one of {session}, of which there is no recording", fix)]
    length_s = recordings[session]
    if length_s is not None and exclusion.from_s is not None and exclusion.from_s >= length_s:
        found = f"one of {exclusion.part_text} of {session}, which is {clock_time(length_s)} long"
        return [(found, _CORRECT)]
    return []
