"""Writing the quality pages: an index of all sessions, worst first, and a page for each.

The pages are made from `SessionQuality` and its curves alone and open offline, on a phone and in
the dark. They show no face unless asked to. Sessions that are wholly out stand last in the index.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError, Fix
from acquire.writing import QUALITY, hold
from dataset.quality.curves import Curve
from dataset.quality.result import SessionQuality
from dataset.selection.exclusions import Exclusions

from .index_page import INDEX, index_page
from .session_page import ExcludeCommand, session_page


def write_pages(
    qualities: Sequence[SessionQuality],
    folder: Path,
    *,
    excluded: Exclusions,
    curves: Callable[[SessionQuality], Mapping[str, Curve]],
    thumbnails: Callable[[str], list[np.ndarray]] | None,
    exclude_command: ExcludeCommand | None = None,
    variability: Callable[[str], Sequence[tuple[str, str]]] | None = None,
) -> Path:
    """Write the index and a page for each session, and return the index's path.

    Parameters
    ----------
    curves : returns the curves of a session, by name; a page shows those that there are
    thumbnails : returns a few pictures of a session, each (H, W, 3) uint8 RGB; None shows no face
    exclude_command : returns the command by which a reader takes a session or a part of it out;
        None: the pages name none
    variability : returns what is told of a session's heart rate variability, names and texts; None
        shows none: it is health data of one person

    Raises
    ------
    CurationError : a session's name is no session id, or is there twice
    BusyError : another process grades sessions
    """
    names: set[str] = set()
    for session in (quality.session for quality in qualities):
        _check_name(session)
        if session.lower() in names:  # some disks do not tell S01 from s01
            raise CurationError(
                expected="each session once", found=f"{session} twice", fix="rename or remove one"
            )
        names.add(session.lower())
    with hold(folder.parent, QUALITY, into=(folder,)):
        for quality in qualities:
            faces = thumbnails(quality.session) if thumbnails else []
            told = variability(quality.session) if variability else ()
            page = session_page(quality, curves(quality), excluded, faces, exclude_command, told)
            write_text(folder / f"{quality.session}.html", page)
        write_text(folder / INDEX, index_page(qualities, excluded))
    return folder / INDEX


def _check_name(session: str) -> None:
    """Refuse what would not be safe as a file name, or would replace the index."""
    if not data_folder.is_session_id(session) or f"{session}.html".lower() == INDEX:
        raise CurationError(
            expected="a session id like S01-20260101T090000Z", found=repr(session),
            fix=Fix.GRADE_AGAIN,
        )
