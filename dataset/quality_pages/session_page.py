"""The quality of sessions, to look at: an index of all of them, worst first, and a page for each.

The pages are made from `SessionQuality` and its curves alone and open offline, on a phone and in
the dark. They show no face unless asked to. Sessions that are wholly out stand last in the index.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError, Fix
from dataset.common.drawings import drawing_style, picture_as_png
from dataset.common.pages import render
from dataset.common.wording import clock_time
from dataset.quality.curves import Curve
from dataset.quality.result import SEVERITIES, Flag, SessionQuality
from dataset.selection.exclusions import Exclusion, Exclusions

from .charts import draw_charts
from .flag_lanes import flag_lanes, ticks
from .index_page import INDEX, TEMPLATES, end_of, flag_counts, index_page, spans_out

# session, from_s and to_s of what to take out, None and None for all of it: a command, in words
ExcludeCommand = Callable[[str, float | None, float | None], str]


def write_pages(
    qualities: Sequence[SessionQuality],
    folder: Path,
    *,
    excluded: Exclusions,
    curves: Callable[[SessionQuality], Mapping[str, Curve]],
    thumbnails: Callable[[str], list[np.ndarray]] | None,
    exclude_command: ExcludeCommand | None = None,
) -> Path:
    """Write the index and a page for each session, and return the index's path.

    Parameters
    ----------
    curves : returns the curves of a session, by name; a page shows those that there are
    thumbnails : returns a few pictures of a session, each (H, W, 3) uint8 RGB; None shows no face
    exclude_command : returns the command by which a reader takes a session or a part of it out;
        None: the pages name none

    Raises
    ------
    CurationError : a session's name is no session id, or is there twice
    """
    names: set[str] = set()
    for session in (quality.session for quality in qualities):
        _check_name(session)
        if session.lower() in names:  # some disks do not tell S01 from s01
            raise CurationError(
                expected="each session once", found=f"{session} twice", fix="rename or remove one"
            )
        names.add(session.lower())
    with drawing_style():
        for quality in qualities:
            faces = thumbnails(quality.session) if thumbnails else []
            page = session_page(quality, curves(quality), excluded, faces, exclude_command)
            write_text(folder / f"{quality.session}.html", page)
    write_text(folder / INDEX, index_page(qualities, excluded))
    return folder / INDEX


def session_page(
    quality: SessionQuality, curves: Mapping[str, Curve], excluded: Exclusions,
    faces: Sequence[np.ndarray] = (), exclude_command: ExcludeCommand | None = None,
) -> str:
    """Return the page of one session; call it within `drawing_style`."""
    session, end_s = quality.session, end_of(quality)
    out = spans_out(excluded, session, end_s)
    flags = sorted(
        quality.flags, key=lambda f: (-SEVERITIES.index(f.severity), f.from_s or 0.0, f.kind)
    )
    return render(
        TEMPLATES / "session.html.j2", quality=quality, index=INDEX, flags=flags,
        counts=flag_counts(flags) or "no flags",
        exclusions=[(_span(exclusion), exclusion) for exclusion in excluded.of(session)],
        lanes=flag_lanes(flags, out, end_s=end_s), ticks=ticks(end_s),
        command=exclude_command(session, *_worth_excluding(flags)) if exclude_command else "",
        faces=[
            picture_as_png(face, alt=f"face {number} of {len(faces)} in {session}")
            for number, face in enumerate(faces, 1)
        ],
        charts=draw_charts(curves, out, session=session, end_s=end_s),
    )


def _worth_excluding(flags: Sequence[Flag]) -> tuple[float | None, float | None]:
    """Return the first part that a flag is about, or None and None: the whole session."""
    parts = [(f.from_s, f.to_s) for f in flags if f.from_s is not None and f.to_s is not None]
    has_failed = any(flag.severity == "failure" for flag in flags)
    return parts[0] if parts and not has_failed else (None, None)


def _span(exclusion: Exclusion) -> str:
    if exclusion.from_s is None and exclusion.to_s is None:
        return "the whole session"
    start = "start" if exclusion.from_s is None else clock_time(exclusion.from_s)
    return f"{start} to {'end' if exclusion.to_s is None else clock_time(exclusion.to_s)}"


def _check_name(session: str) -> None:
    """Refuse what would not be safe as a file name, or would replace the index."""
    if not data_folder.is_session_id(session) or f"{session}.html".lower() == INDEX:
        raise CurationError(
            expected="a session id like S01-20260101T090000Z", found=repr(session),
            fix=Fix.GRADE_AGAIN,
        )
