"""The dataset card for people, as Markdown, from the template `card.md.j2`.

What a file or a person says enters it as plain text, never as markup: every value that the template
shows goes through `_as_plain_text`.
"""

import re
from collections import Counter
from pathlib import Path

from dataset.common.wording import counted
from dataset.layouts.manifest import SIDES, Entry

from .description import (
    NO_LICENCE,
    AboutDataset,
    citation,
    curated_grade,
    describe_dataset,
    known_limits,
    title,
)
from .facts import COUNTED, SMALLEST_GROUP, Facts

TEMPLATES = Path(__file__).with_name("templates")


def card_markdown(facts: Facts, about: AboutDataset) -> str:
    """Return the card for people."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # No autoescape, which is for HTML: `finalize` is applied to every value instead.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), finalize=_as_plain_text, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )
    environment.filters |= {"counted": counted, "cell": _in_a_cell}
    setups = Counter(recorded.setup for recorded in facts.recorded.values())
    bounds_ms = [entry.timing.sync_bound_ms for entry in facts.entries]
    looked_at = [entry for entry in facts.entries if entry.untrusted_frames is not None]
    known_ms = [bound for bound in bounds_ms if bound is not None]
    return environment.get_template("card.md.j2").render(
        facts=facts,
        manifest=facts.manifest,
        about=about,
        title=title(facts, about),
        summary=describe_dataset(facts),
        citation=citation(facts, about),
        limits=known_limits(facts),
        licence=about.licence or NO_LICENCE,
        smallest_group=SMALLEST_GROUP,
        counts=[
            (COUNTED[field], value, count)
            for field, values in facts.counts.items()
            for value, count in values
        ],
        setups=sorted(setups.items(), key=lambda item: (-item[1], str(item[0]))),
        days=sorted({one.day for one in facts.recorded.values() if one.day}),
        undated=sum(one.day is None for one in facts.recorded.values()),
        bound_ms=max(known_ms, default=None),
        unbounded=len(bounds_ms) - len(known_ms),
        rows=[(entry, curated_grade(facts, entry), _remarks(entry)) for entry in facts.entries],
        looked_at=sum(entry.frames for entry in looked_at),
        without_finger=sum(entry.untrusted_frames or 0 for entry in looked_at),
        left_out=_left_out(facts, reasons=about.reasons),
        sides={
            side: sorted({entry.subject for entry in facts.entries if entry.side == side})
            for side in SIDES
        },
    )


def _remarks(entry: Entry) -> list[str]:
    source = entry.source
    remarks = ["SIMULATED"] * source.simulated + ["incomplete"] * (not source.complete)
    remarks += [f"part {entry.part}"] * (entry.part > 1)
    if entry.untrusted_frames:
        remarks.append(f"no finger's rate in {100 * entry.untrusted_frames / entry.frames:.0f} %")
    if entry.timing.sync_one_sided:
        remarks.append(f"sync {entry.timing.sync_one_sided}")
    return remarks + ([source.imported_from] if source.imported_from else [])


def _left_out(facts: Facts, *, reasons: bool) -> list[str]:
    """List what was excluded by a person, then what was left out by the conversion."""
    lines = [
        f"{exclusion.session}, {exclusion.part_text}: "
        + (exclusion.reason if reasons else "excluded by a person")
        for exclusion in facts.exclusions.listed
    ]
    for entry in facts.entries:
        frames = Counter[str]()
        for span in entry.rows.trimmed:
            frames[span.reason] += span.frames
        lines += [
            f"{entry.session}: {counted(count, 'frame')}, {reason}"
            for reason, count in sorted(frames.items())
        ]
    return lines


def _as_plain_text(value: object) -> str:
    """Take the markup out of a value: one line, no HTML, no link."""
    return re.sub(r"\s+", " ", str(value)).replace("<", "&lt;").replace("[", "\\[")


def _in_a_cell(value: object) -> str:
    """Keep a value inside its cell of a table."""
    return str(value).replace("|", "\\|")
