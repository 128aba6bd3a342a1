"""The index of all sessions' quality: a table, worst first, that sorts without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset.common.pages import render_page
from dataset.common.wording import counted
from dataset.quality.result import GRADES, SEVERITIES, Flag, SessionQuality
from dataset.selection.exclusions import Exclusions

from .charts import Spans
from .flag_lanes import Bar, kinds, small_bar

INDEX = "index.html"
TEMPLATES = Path(__file__).with_name("templates")
_REASONS = 3              # kinds of flags, and of decisions, that a row names
_LATE_S = 60.0            # a stream that begins late may end as much later than the duration


@dataclass(frozen=True)
class IndexRow:
    """What the table shows of one session."""

    quality: SessionQuality
    is_out: bool
    fate: str                     # "in", "excluded" or "2 parts excluded"
    bar: Bar
    weight: int                   # sorts by failures, then warnings, then notes
    counts: str                   # "1 failure, 2 notes"
    reasons: tuple[str, ...]


def index_page(qualities: Sequence[SessionQuality], excluded: Exclusions) -> str:
    """Return the page that lists all sessions, worst first and those excluded last."""
    rows = sorted((_row(quality, excluded) for quality in qualities), key=_worst_first)
    grades = [row.quality.grade for row in rows if not row.is_out]
    return render_page(
        TEMPLATES / "index.html.j2", rows=rows,
        counts={grade: grades.count(grade) for grade in GRADES}, out=len(rows) - len(grades),
        simulated=sorted({row.quality.simulated for row in rows}),
    )


def _row(quality: SessionQuality, excluded: Exclusions) -> IndexRow:
    end_s = end_of(quality)
    out = spans_out(excluded, quality.session, end_s)
    is_out = excluded.is_excluded(quality.session)
    return IndexRow(
        quality, is_out,
        fate="excluded" if is_out else f"{counted(len(out), 'part')} excluded" if out else "in",
        bar=small_bar(quality.flags, out, end_s=end_s),
        weight=sum(10_000 ** SEVERITIES.index(flag.severity) for flag in quality.flags),
        counts=flag_counts(quality.flags), reasons=_reasons(quality, excluded),
    )


def _worst_first(row: IndexRow) -> tuple[bool, int, int, str]:
    return row.is_out, -GRADES.index(row.quality.grade), -row.weight, row.quality.session


def _reasons(quality: SessionQuality, excluded: Exclusions) -> tuple[str, ...]:
    """Return why: decisions first, then one flag of each of the worst kinds."""
    decisions = excluded.of(quality.session)[:_REASONS]
    reasons = [f"out: {exclusion.reason}" for exclusion in decisions]
    listed = kinds(quality.flags)
    for kind in listed[:_REASONS]:
        flags = [flag for flag in quality.flags if flag.kind == kind]
        worst = max(flags, key=lambda flag: SEVERITIES.index(flag.severity))
        more = len({flag.text for flag in flags}) - 1
        reasons.append(worst.text + (f" (and {more} more of the kind)" if more else ""))
    if len(listed) > _REASONS:
        reasons.append(f"and {counted(len(listed) - _REASONS, 'more kind')}")
    return tuple(reasons)


def flag_counts(flags: Sequence[Flag]) -> str:
    """Return the number of flags of each severity in words; "" where there are none."""
    severities = [flag.severity for flag in flags]
    return ", ".join(
        counted(severities.count(severity), severity)
        for severity in reversed(SEVERITIES) if severity in severities
    )


def end_of(quality: SessionQuality) -> float:
    """Return where the time axis ends [s]: a little after the duration where streams began late."""
    ends_s = [flag.to_s for flag in quality.flags if flag.to_s is not None]
    return min(max([quality.duration_s, 1e-3, *ends_s]), quality.duration_s + _LATE_S)


def spans_out(excluded: Exclusions, session: str, end_s: float) -> Spans:
    """Return the parts that are excluded, cut to the time axis."""
    clipped = [(max(first, 0.0), min(last, end_s)) for first, last in excluded.spans_s(session)]
    return [(first, last) for first, last in clipped if first < last]
