"""The index of all sessions' quality: a table that reads well on a phone, worst first, and sorts
without a network.
"""

from collections.abc import Sequence

from dataset.common.html import page, text
from dataset.quality.result import GRADES, SEVERITIES, Flag, SessionQuality
from dataset.selection.exclusions import Exclusions

from .figures import Spans, clock
from .timeline import KEY, kinds, small
from .timeline import STYLE as TIMELINE_STYLE

INDEX = "index.html"
_REASONS = 3              # kinds of flags that a row tells of

STYLE = (
    TIMELINE_STYLE
    + """
.grade{display:inline-block;border:2px solid;border-radius:99px;padding:0 9px;font-weight:600;font-size:13px}
.good{border-color:var(--teal)}.usable{border-color:var(--orange)}.bad{border-color:var(--red)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:6px 26px}
.two figure{margin:8px 0}.two svg{width:100%}
.faces{display:flex;flex-wrap:wrap;gap:8px}.faces img{max-width:100%;height:110px;border-radius:4px}
.cards{width:100%}
.cards th,.cards td{text-align:left;vertical-align:top}
.cards td.long{white-space:normal;overflow-wrap:anywhere;min-width:200px;font-size:14px}
.cards td.n{text-align:right}
tr.gone td{color:var(--soft)}
th button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
@media (max-width:760px){
main{padding:20px 14px 40px}
.cards,.cards thead,.cards tbody,.cards tr,.cards td,.cards caption{display:block}
.cards thead tr{display:flex;flex-wrap:wrap;gap:2px 14px}
.cards thead tr::before{content:"Sort by";color:var(--soft);padding:2px 0}
.cards th{border:0;padding:2px 0}.cards th:not(:has(button)){display:none}
.cards:not(.sortable) thead{display:none}
.cards tbody tr{border-bottom:1px solid var(--line);padding:8px 0}
.cards td,.cards td.n{border:0;padding:1px 14px 1px 0;text-align:left;white-space:normal;overflow-wrap:anywhere}
.cards td.short{display:inline-block}
.cards td[data-is]::before{content:attr(data-is) ": ";color:var(--soft)}
dl{grid-template-columns:1fr}dd{margin-bottom:6px}
}
"""
)

# A row's cell sorts by data-by where it has one, else by its text; numbers as numbers, and the same
# column again turns it round.
SORT = """
for(const button of document.querySelectorAll(".sortable th button"))button.onclick=()=>{
const head=button.parentNode,at=head.cellIndex,body=head.closest("table").tBodies[0];
const up=head.getAttribute("aria-sort")!=="ascending";
for(const other of head.parentNode.cells)other.removeAttribute("aria-sort");
head.setAttribute("aria-sort",up?"ascending":"descending");
const key=row=>{const cell=row.cells[at];return cell.dataset.by??cell.textContent};
const order=(a,b)=>a-b||String(a).localeCompare(String(b),"en",{numeric:true});
const rows=[...body.rows].map(row=>[key(row),row]).sort(([a],[b])=>up?order(a,b):order(b,a));
body.append(...rows.map(([,row])=>row))};
"""


def index_page(qualities: Sequence[SessionQuality], excluded: Exclusions) -> str:
    """Give the table of all sessions, as HTML."""
    ordered = sorted(qualities, key=lambda quality: _worst_first(quality, excluded))
    still_in = [quality for quality in ordered if not excluded.is_out(quality.session)]
    tiles = (
        "".join(
            f'<div class="tile"><b>{sum(q.grade == grade for q in still_in)}</b><span>{grade}</span></div>'
            for grade in GRADES
        )
        + f'<div class="tile"><b>{len(ordered) - len(still_in)}</b><span>taken out</span></div>'
    )
    heads = "".join(
        f'<th role="columnheader" scope="col"><button type="button">{name}</button></th>'
        for name in ("Session", "Subject", "Grade", "In or out", "Length", "Flags")
    ) + '<th role="columnheader" scope="col">Reasons</th>'
    rows = "".join(_row(quality, excluded, place) for place, quality in enumerate(ordered))
    body = f"""<h1>Quality of {len(ordered)} session{"" if len(ordered) == 1 else "s"}</h1>
{simulated_banner(any(quality.simulated for quality in ordered), all(quality.simulated for quality in ordered))}
<div class="tiles">{tiles}</div>{KEY}
<table class="cards sortable" role="table"><thead role="rowgroup"><tr role="row">{heads}</tr></thead>
<tbody role="rowgroup">{rows}</tbody>
<caption>Worst first; those taken out last. A heading sorts, and sorts the other way when pressed again.</caption></table>"""
    return page("acq qc", body, style=STYLE + "main{max-width:1400px}", script=SORT)


def _row(quality: SessionQuality, excluded: Exclusions, place: int) -> str:
    end_s = end_of(quality)
    out = spans_out(excluded, quality.session, end_s)
    gone = excluded.is_out(quality.session)
    fate = "out" if gone else f"{len(out)} part{'' if len(out) == 1 else 's'} out" if out else "in"
    length = clock(round(quality.duration_s))
    bar = small(quality.flags, out, end_s=end_s)
    cells = (
        f'<td role="cell"><a href="{text(quality.session)}.html">{text(quality.session)}</a></td>',
        f'<td role="cell" class="short" data-is="subject">{text(quality.subject)}</td>',
        f'<td role="cell" class="short" data-by="{place}">{grade_pill(quality)}</td>',
        f'<td role="cell" class="short">{fate}</td>',
        '<td role="cell" class="short" data-is="length" '
        f'data-by="{quality.duration_s:.1f}">{length}</td>',
        f'<td role="cell" data-by="{_weight(quality.flags)}">{bar}<span '
        f'class="soft">{flag_counts(quality.flags)}</span></td>',
        f'<td role="cell" class="long">{_reasons(quality, excluded)}</td>',
    )
    return f'<tr role="row"{" class=gone" if gone else ""}>{"".join(cells)}</tr>\n'


def _worst_first(quality: SessionQuality, excluded: Exclusions) -> tuple[bool, int, int, str]:
    return (
        excluded.is_out(quality.session), -GRADES.index(quality.grade), -_weight(quality.flags),
        quality.session,
    )


def _weight(flags: Sequence[Flag]) -> int:
    """Order by failures, then warnings, then notes."""
    return sum(10_000 ** SEVERITIES.index(flag.severity) for flag in flags)


def _reasons(quality: SessionQuality, excluded: Exclusions) -> str:
    """Say why: decisions first, then one flag of each of the worst kinds."""
    said = [f"out: {text(one.reason)}" for one in excluded.of(quality.session)[:_REASONS]]
    listed = kinds(quality.flags)
    for kind in listed[:_REASONS]:
        mine = [flag for flag in quality.flags if flag.kind == kind]
        worst = max(mine, key=lambda flag: SEVERITIES.index(flag.severity))
        more = len({flag.text for flag in mine}) - 1
        said.append(text(worst.text) + (f" (and {more} more of the kind)" if more else ""))
    if len(listed) > _REASONS:
        said.append(f"and {len(listed) - _REASONS} more kinds")
    return "<br>".join(said)


def grade_pill(quality: SessionQuality) -> str:
    """Show the grade, in words and with its colour."""
    return f'<span class="grade {text(quality.grade)}">{text(quality.grade)}</span>'


def flag_counts(flags: Sequence[Flag]) -> str:
    """Count the flags in words; "" where there are none."""
    counts = (
        (sum(flag.severity == severity for flag in flags), severity)
        for severity in reversed(SEVERITIES)
    )
    return ", ".join(
        f"{count} {severity}{'' if count == 1 else 's'}" for count, severity in counts if count
    )


def simulated_banner(some: bool, every: bool = True) -> str:
    """Say so where subjects are virtual."""
    if not some:
        return ""
    return (
        '<div class="banner"><b>Simulated data.</b> Every subject here is virtual.</div>'
        if every
        else '<div class="banner"><b>Partly simulated data.</b> Virtual and real recordings are '
             'listed here.</div>'
    )


def end_of(quality: SessionQuality) -> float:
    """Give where the time axis ends; a little later than the duration where the streams began late.
    """
    latest = max(
        [quality.duration_s, 1e-3] + [flag.to_s for flag in quality.flags if flag.to_s is not None]
    )
    return min(latest, quality.duration_s + 60.0)


def spans_out(excluded: Exclusions, session: str, end_s: float) -> Spans:
    """Give the parts that are out, cut to the time axis."""
    clipped = [(max(first, 0.0), min(last, end_s)) for first, last in excluded.spans_s(session)]
    return [(first, last) for first, last in clipped if first < last]
