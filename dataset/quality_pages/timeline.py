"""The flags of a session over its time: a lane for each kind, or all of them in one small bar.

Severity is told by colour and by height, and beside it in words. Bars are rounded outward to
columns, so that a blink of a gap is still seen and an hour of gaps takes no more room in the page
than one.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dataset.common.html import text
from dataset.quality.result import SEVERITIES, Flag

from .figures import Spans, clock

_LANE_COLUMNS = 400
_SMALL_COLUMNS = 120
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)

STYLE = """
.bar{position:relative;display:block;height:16px;background:var(--tint);border-bottom:1px solid var(--line);overflow:hidden}
.bar i{position:absolute;bottom:0}
.bar .note{height:45%;background:var(--blue)}
.bar .warning{height:72%;background:var(--orange)}
.bar .failure{height:100%;background:var(--red)}
.bar .whole{opacity:.45}
.bar .out{height:100%;background:repeating-linear-gradient(135deg,var(--axis) 0 1.5px,transparent 1.5px 6px)}
.small{width:170px;max-width:100%}
.lanes{display:grid;grid-template-columns:minmax(90px,max-content) 1fr;gap:5px 12px;align-items:center;font-size:13px}
.lanes>*{min-width:0;overflow-wrap:anywhere}
.ticks{position:relative;height:18px;color:var(--soft);font-size:12px}
.ticks span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.ticks span:first-child{transform:none}
.key span{display:inline-block;margin-right:16px}
.key .bar{display:inline-block;width:22px;height:12px;margin-right:5px;vertical-align:-1px}
@media (max-width:760px){.lanes{grid-template-columns:1fr;gap:2px}.lanes>div:nth-last-child(2){display:none}.small{width:100%}}
"""

KEY = '<p class="key soft">' + "".join(
    f'<span><span class="bar"><i class="{kind}" style="left:0;width:100%"></i></span>{words}</span>'
    for kind, words in (*((s, s) for s in reversed(SEVERITIES)), ("out", "taken out"))
) + "pale: over the whole session</p>"


def lanes(flags: Sequence[Flag], excluded: Spans, *, end_s: float) -> str:
    """Draw a lane for each kind of flag, the worst first, over an axis of time."""
    rows = []
    for kind in kinds(flags):
        mine = [flag for flag in flags if flag.kind == kind]
        worst = max((flag.severity for flag in mine), key=SEVERITIES.index)
        rows.append(f'<div>{text(kind.replace("_", " "))} <span class="soft">{worst}</span></div>'
                    f"{_bar(mine, excluded, end_s, _LANE_COLUMNS)}")
    if excluded:
        rows.append(f"<div>taken out</div>{_bar([], excluded, end_s, _LANE_COLUMNS)}")
    return f'<div class="lanes">{"".join(rows)}<div></div>{_ticks(end_s)}</div>{KEY}'


def small(flags: Sequence[Flag], excluded: Spans, *, end_s: float) -> str:
    """Draw all flags in one bar."""
    return _bar(flags, excluded, end_s, _SMALL_COLUMNS, more=" small")


def kinds(flags: Sequence[Flag]) -> list[str]:
    """List the kinds of flags, the worst first, each once."""
    worst = {flag.kind: 0 for flag in flags}
    for flag in flags:
        worst[flag.kind] = max(worst[flag.kind], SEVERITIES.index(flag.severity))
    return sorted(worst, key=lambda kind: (-worst[kind], kind))


def _bar(
    flags: Sequence[Flag], excluded: Spans, end_s: float, columns: int, *, more: str = ""
) -> str:
    whole = [flag.severity for flag in flags if flag.from_s is None and flag.to_s is None]
    column = np.zeros(columns, int)                # 0: nothing, else 1 + the worst severity there
    for flag in flags:
        if flag.from_s is not None or flag.to_s is not None:
            first, last = _columns(
                flag.from_s or 0.0, end_s if flag.to_s is None else flag.to_s, end_s, columns
            )
            column[first:last] = np.maximum(column[first:last], 1 + SEVERITIES.index(flag.severity))
    pieces = (
        [_piece(f"{max(whole, key=SEVERITIES.index)} whole", 0, columns, columns)] if whole else []
    )
    edges = [0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), columns]
    pieces += [
        _piece(SEVERITIES[column[a] - 1], a, b, columns) for a, b in pairwise(edges) if column[a]
    ]
    pieces += [
        _piece("out", *_columns(first, last, end_s, columns), columns) for first, last in excluded
    ]
    said = [f"{text(flag.kind.replace('_', ' '))} {_when(flag)}" for flag in flags[:3]] + [
        "and more"
    ] * (len(flags) > 3)
    said += [f"taken out {clock(first)} to {clock(last)}" for first, last in excluded[:3]]
    return f'<span class="bar{more}" role="img" aria-label="{"; ".join(said) or "no flags"}">{"".join(pieces)}</span>'


def _columns(first_s: float, last_s: float, end_s: float, columns: int) -> tuple[int, int]:
    first = min(columns - 1, max(0, math.floor(first_s / end_s * columns)))
    return first, min(columns, max(first + 1, math.ceil(last_s / end_s * columns)))


def _piece(kind: str, first: int, last: int, columns: int) -> str:
    return f'<i class="{kind}" style="left:{100 * first / columns:g}%;width:{100 * (last - first) / columns:g}%"></i>'


def _when(flag: Flag) -> str:
    if flag.from_s is None and flag.to_s is None:
        return "throughout"
    return f"{clock(flag.from_s or 0.0)} to {'the end' if flag.to_s is None else clock(flag.to_s)}"


def _ticks(end_s: float) -> str:
    step = next((s for s in _TICKS_S if end_s / s <= 6.5), end_s / 4)
    at = np.arange(0, end_s * 0.94, step)
    return '<div class="ticks">' + "".join(
        f'<span style="left:{100 * s / end_s:.2f}%">{clock(float(s))}</span>' for s in at
    ) + "</div>"
