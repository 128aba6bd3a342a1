"""What `acq qc` found, to look at: an index of all sessions, worst first, and a page for each.

The pages are drawn from `SessionQuality` alone and open offline, on a phone and in the dark. They
show no face unless asked to. Sessions that are wholly out stand last in the index.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import image

from acquire import data_folder
from acquire.atomic import write_text
from acquire.errors import CurationError
from dataset.common.html import drawing, number, page, png, section, text
from dataset.quality.result import SEVERITIES, Flag, SessionQuality
from dataset.selection.exclusions import Exclusions

from . import timeline as flag_timeline
from .figures import clock, figures
from .index_page import (
    INDEX,
    STYLE,
    end_of,
    flag_counts,
    grade_pill,
    index_page,
    simulated_banner,
    spans_out,
)


def write_pages(
    qualities: Sequence[SessionQuality],
    folder: Path,
    *,
    excluded: Exclusions,
    thumbnails: Callable[[str], list[np.ndarray]] | None,
) -> Path:
    """Write the index and a page for each session; give the index's path.

    Parameters
    ----------
    thumbnails : gives a few pictures of a session, each (H, W, 3) uint8 RGB; None shows no face

    Raises
    ------
    CurationError : a session's name is no file name or is there twice, or what is said of it are no
        numbers
    """
    named: set[str] = set()
    for quality in qualities:
        _check(quality)
        if quality.session.lower() in named:  # some disks do not tell S01 from s01
            raise CurationError(
                f"expected each session once, found {quality.session} again; rename or remove one"
            )
        named.add(quality.session.lower())
    folder.mkdir(parents=True, exist_ok=True)
    with drawing():
        for quality in qualities:
            faces = thumbnails(quality.session) if thumbnails else []
            write_text(
                folder / f"{quality.session}.html", session_page(quality, excluded, faces)
            )
    write_text(folder / INDEX, index_page(qualities, excluded))
    return folder / INDEX


def session_page(
    quality: SessionQuality, excluded: Exclusions, faces: Sequence[np.ndarray] = ()
) -> str:
    """Give the page of one session, as HTML; call it within `drawing`."""
    end_s = end_of(quality)
    out = spans_out(excluded, quality.session, end_s)
    title = f"{quality.session}: {quality.grade}"
    facts = " · ".join(
        (
            f"subject {text(quality.subject)}", clock(quality.duration_s),
            flag_counts(quality.flags) or "no flags",
        )
    )
    drawn = figures(quality, out, end_s=end_s)
    parts = [
        f'<p><a href="{INDEX}">All sessions</a></p>',
        f"<h1>{text(quality.session)} {grade_pill(quality)}</h1>",
        f'<p class="soft">{facts}</p>',
        simulated_banner(quality.simulated),
        _decided(excluded, quality.session),
        section(
            "Flags over time",
            (flag_timeline.lanes(quality.flags, out, end_s=end_s) if quality.flags or out else "")
            + _flag_table(quality),
        ),
        _faces(faces, quality.session),
        section("Signals", f'<div class="two">{drawn}</div>') if drawn else "",
        section("Measures", _measures(quality)),
    ]
    return page(title, "\n".join(part for part in parts if part), style=STYLE)


def _flag_table(quality: SessionQuality) -> str:
    if not quality.flags:
        return "<p>No flags.</p>"
    ordered = sorted(
        quality.flags, key=lambda f: (-SEVERITIES.index(f.severity), f.from_s or 0.0, f.kind)
    )
    rows = "".join(
        f'<tr role="row"><td role="cell" class="short"><b>{flag.severity}</b></td>'
        f'<td role="cell" class="short">{text(flag.kind.replace("_", " "))}</td>'
        '<td role="cell" class="short" '
        f'data-is="from">{clock(flag.from_s) if flag.from_s is not None else "start"}</td>'
        '<td role="cell" class="short" '
        f'data-is="to">{clock(flag.to_s) if flag.to_s is not None else "end"}</td>'
        f'<td role="cell" class="short n" data-is="measured">{number(flag.value)}</td>'
        f'<td role="cell" class="short n" data-is="limit">{number(flag.limit)}</td>'
        f'<td role="cell" class="long">{text(flag.text)}</td></tr>'
        for flag in ordered
    )
    heads = "".join(
        f'<th role="columnheader" scope="col">{name}</th>'
        for name in ("Severity", "Kind", "From", "To", "Measured", "Limit", "In words")
    )
    return f"""<table class="cards" role="table"><thead role="rowgroup"><tr role="row">{heads}</tr></thead>
<tbody role="rowgroup">{rows}</tbody></table>{_how_to_exclude(quality.session, ordered)}"""


def _how_to_exclude(session: str, flags: Sequence[Flag]) -> str:
    part = next((flag for flag in flags if flag.from_s is not None and flag.to_s is not None), None)
    if part is None or any(flag.severity == "failure" for flag in flags):
        command = f'acq exclude {session} --reason "…"'
    else:
        command = f'acq exclude {session} --from {clock(part.from_s or 0.0)} --to {clock(part.to_s or 0.0)} --reason "…"'
    return f'<p class="soft">To take it out, reversibly: <code>{text(command)}</code></p>'


def _measures(quality: SessionQuality) -> str:
    listed = "".join(f"<dt>{text(name.replace('_', ' '))}</dt><dd>{number(value)}</dd>"
                     for name, value in sorted(quality.measures.items()))
    facts = {
        "recording": quality.session_hash, "limits": quality.limits_hash,
        "acq": quality.acq_version,
    }
    made = "".join(
        f"<dt>{name}</dt><dd><code>{text(value)}</code></dd>" for name, value in facts.items()
    )
    return f"<dl>{listed}</dl><p>Measured from</p><dl>{made}</dl>"


def _faces(faces: Sequence[np.ndarray], session: str) -> str:
    if not faces:
        return ""
    shown = []
    for at, face in enumerate(faces):
        buffer = io.BytesIO()
        image.imsave(buffer, face, format="png")
        shown.append(png(buffer.getvalue(), alt=f"face {at + 1} of {len(faces)} in {session}"))
    return section(
        "Face",
        '<div class="banner">This page shows a person, because that was asked for. Pass it on only '
        'to those '
        f'who may see the recordings.</div><div class="faces">{"".join(shown)}</div>',
    )


def _decided(excluded: Exclusions, session: str) -> str:
    listed = "".join(
        f"<li>{'the whole session' if one.whole else _part(one.from_s, one.to_s)}: "
        f"{text(one.reason)} "
        f'<span class="soft">({text(one.decided)})</span></li>'
        for one in excluded.of(session)
    )
    return f'<div class="banner"><b>Taken out</b><ul>{listed}</ul></div>' if listed else ""


def _part(from_s: float | None, to_s: float | None) -> str:
    return f"{'start' if from_s is None else clock(from_s)} to {'end' if to_s is None else clock(to_s)}"


def _check(quality: SessionQuality) -> None:
    """Refuse what would not be safe as a file name, or cannot be drawn."""
    if not data_folder.is_session_id(quality.session) or f"{quality.session}.html".lower() == INDEX:
        raise CurationError(
            f"expected a session id like S01-20260101T090000Z, found {quality.session!r}; run acq "
            "qc again"
        )
    numbers = [
        ("duration_s", quality.duration_s),
        *((n, v) for n, v in quality.measures.items() if v is not None),
    ]
    for flag in quality.flags:
        found = {"from_s": flag.from_s, "to_s": flag.to_s, "value": flag.value, "limit": flag.limit}
        numbers += [
            (f"{name} of {flag.kind}", value) for name, value in found.items() if value is not None
        ]
    for name, value in numbers:
        if not _is_number(value):
            raise CurationError(
                f"expected {name} as a number, found {value!r} in the quality of "
                f"{quality.session}; run acq qc again"
            )


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    )
