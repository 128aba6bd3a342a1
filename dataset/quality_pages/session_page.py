"""The page of one session's quality: flags over time, what is excluded, charts, measures."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataset.common.pages import render_page
from dataset.quality.curves import Curve
from dataset.quality.result import SEVERITIES, Flag, SessionQuality
from dataset.selection.exclusions import Exclusions

from .charts import draw_charts
from .flag_lanes import flag_lanes, ticks
from .index_page import INDEX, TEMPLATES, end_of, flag_counts, spans_out

if TYPE_CHECKING:
    from dataset.common.drawings import Drawing

# session, from_s and to_s of what to exclude, None and None for all of it: a command, in words
ExcludeCommand = Callable[[str, float | None, float | None], str]


def session_page(
    quality: SessionQuality, curves: Mapping[str, Curve], excluded: Exclusions,
    faces: Sequence[np.ndarray] = (), exclude_command: ExcludeCommand | None = None,
    variability: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page of one session."""
    session, end_s = quality.session, end_of(quality)
    out = spans_out(excluded, session, end_s)
    flags = sorted(
        quality.flags, key=lambda f: (-SEVERITIES.index(f.severity), f.from_s or 0.0, f.kind)
    )
    return render_page(
        TEMPLATES / "session.html.j2", quality=quality, index=INDEX, flags=flags,
        counts=flag_counts(flags) or "no flags",
        exclusions=excluded.of(session),
        lanes=flag_lanes(flags, out, end_s=end_s), ticks=ticks(end_s),
        command=exclude_command(session, *_worth_excluding(flags)) if exclude_command else "",
        faces=_pictures(faces, session),
        variability=variability, charts=draw_charts(curves, out, session=session, end_s=end_s),
    )


def _pictures(faces: Sequence[np.ndarray], session: str) -> "list[Drawing]":
    if not faces:
        return []
    from dataset.common.drawings import picture_as_png

    return [
        picture_as_png(face, alt=f"face {number} of {len(faces)} in {session}")
        for number, face in enumerate(faces, 1)
    ]


def _worth_excluding(flags: Sequence[Flag]) -> tuple[float | None, float | None]:
    """Return the first part that a flag is about, or None and None: the whole session."""
    parts = [(f.from_s, f.to_s) for f in flags if f.from_s is not None and f.to_s is not None]
    has_failed = any(flag.severity == "failure" for flag in flags)
    return parts[0] if parts and not has_failed else (None, None)
