"""The dataset card for people, as Markdown. What a file or a person says enters it as plain text,
never as markup.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from dataset.common.wording import counted
from dataset.layouts.manifest import SIDES, FrameSpan

from .facts import COUNTED, SMALL, Facts
from .wording import NO_LICENCE, About, citation, grade, limits, summary, title

BANNER = {
    "all": "# THESE DATA ARE SIMULATED\n\n**No person was recorded: virtual subjects stand in for "
           "people.**\n\n",
    "some": "# A PART OF THESE DATA IS SIMULATED\n\n**Recordings marked SIMULATED show virtual "
            "subjects, not people.**\n\n",
    "none": "",
}


def card_markdown(facts: Facts, about: About) -> str:
    """Give the card for people."""
    parts = [
        BANNER[facts.simulated] + f"# {_plain(title(facts, about))}\n\n{summary(facts)}",
        _people(facts),
        _recording(facts),
        _processing(facts),
        _recordings(facts),
        _left_out(facts),
        _sides(facts),
        _hashes(facts),
        f"## Licence\n\n{_plain(about.licence or NO_LICENCE)}",
        f"## Citing\n\n> {_plain(citation(facts, about))}\n\nPublished: "
        f"{about.published or 'no date is told'}."
        + (f"\n\n{_plain(about.url)}" if about.url else ""),
        "## Known limits\n\n" + "\n".join(f"- {_plain(limit)}" for limit in limits(facts)),
    ]
    return "\n\n".join(parts) + "\n"


def _people(facts: Facts) -> str:
    count = len(facts.subjects)
    lines = ["## Who", "", f"{count} subjects, by pseudonym: {', '.join(facts.subjects)}."]
    if facts.simulated == "all":
        return "\n".join(
            [*lines, "They are virtual: there is nobody to consent, and nothing is noted of them."]
        )
    lines.append(
        f"A consent is noted for {facts.consents} of them; of these only, and only as counts, "
        "follows what is noted. Values that "
        f"fewer than {SMALL} subjects share are not told."
    )
    rows = [
        (COUNTED[field], value, count)
        for field, values in facts.counts.items()
        for value, count in values
    ]
    return (
        "\n".join(lines) + "\n\n" + _table(("what", "value", "subjects"), rows)
        if rows
        else "\n".join(lines)
    )


def _recording(facts: Facts) -> str:
    setups = Counter(one.setup for one in facts.recorded.values())
    lines = []
    for setup, count in sorted(setups.items(), key=lambda one: (-one[1], str(one[0]))):
        source = f"; imported from {setup.imported_from}" if setup.imported_from else ""
        lines.append(
            _plain(
                f"{counted(count, 'recording')}: camera {setup.camera}, "
                f"{setup.width}x{setup.height} {setup.pixel_format}, "
                f"nominally {setup.nominal_fps} fps, stamps mark {setup.time_meaning}, exposure "
                f"{setup.exposure}, offset against "
                f"the light {setup.light}; sensor {setup.sensor}, {setup.ppg_rate_hz} Hz, "
                f"{setup.adc_bits} bit, "
                f"firmware {setup.firmware}{source}"
            )
        )
    if facts.unread:
        lines.append(
            f"of {counted(len(facts.unread), 'recording')} the session file is not here or cannot "
            "be read: how it was "
            "recorded is not told"
        )
    days = sorted({one.started for one in facts.recorded.values()})
    when = (
        f"\n\nRecorded {days[0]}" + (f" to {days[-1]}." if len(days) > 1 else ".") if days else ""
    )
    bounds = [
        entry.timing.sync_bound_ms for entry in facts.entries
        if entry.timing.sync_bound_ms is not None
    ]
    known = (
        [f"every sample's time is within {max(bounds):.2f} ms of the frames' clock"]
        if bounds
        else []
    )
    if without := len(facts.entries) - len(bounds):
        known.append(f"the times of {counted(without, 'recording')} carry no bound")
    return (
        "## How it was recorded\n\n"
        + "\n".join(f"- {line}" for line in lines)
        + when
        + f"\n\nTime: {'; '.join(known)}."
    )


def _processing(facts: Facts) -> str:
    manifest = facts.manifest
    steps = [
        f"{name.replace('_', ' ')}: {value}" for name, value in sorted(manifest.filter.items())
    ]
    steps.append(
        f"video: {manifest.codec}, decoded again and compared with the recording's pixels before "
        "it got its name"
    )
    steps += [f"{name}: {value}" for name, value in _choices(facts).items()]
    steps.append(
        "ground_truth.txt: three rows (PPG, heart rate [bpm], seconds), one number a frame"
    )
    return "## What was done to it\n\n" + "\n".join(f"- {_plain(step)}" for step in steps)


def _choices(facts: Facts) -> dict[str, str]:
    manifest = facts.manifest
    return {
        "frame rate": manifest.fps, "holes in the video": manifest.holes, "PPG row": manifest.ppg,
    }


def _recordings(facts: Facts) -> str:
    rows = []
    for entry in facts.entries:
        source, bound_ms = entry.source, entry.timing.sync_bound_ms
        bound = "none" if bound_ms is None else f"{bound_ms:.2f}"
        marks = ["SIMULATED"] * source.simulated + ["cut short"] * (not source.complete)
        marks += [f"part {entry.part}"] * (entry.part > 1) + [source.imported_from]
        rows.append(
            (
                entry.folder, entry.subject, entry.session, entry.frames, f"{entry.video.fps:.3f}",
                f"{entry.timing.duration_s:.1f}", f"{entry.labels.hr_bpm:.1f}", bound,
                source.lost_frames, source.lost_samples, _frames(entry.rows.trimmed),
                _frames(entry.rows.repeated),
                grade(facts, entry) or "not asked", ", ".join(mark for mark in marks if mark),
            )
        )
    return "## Recordings\n\n" + _table(
        (
            "folder", "subject", "session", "frames", "frames/s with holes", "s", "bpm", "sync ms",
            "lost frames", "lost samples", "left out", "repeated", "quality", "remarks",
        ),
        rows,
    )


def _left_out(facts: Facts) -> str:
    lines = []
    for one in facts.exclusions.listed:
        lines.append(f"{one.session}, {one.part_text}: {one.reason}")
    for entry in facts.entries:
        reasons = Counter[str]()
        for part in entry.rows.trimmed:
            reasons[part.reason] += part.frames
        lines += [
            f"{entry.session}: {counted(count, 'frame')}, {reason}"
            for reason, count in sorted(reasons.items())
        ]
    said = "\n".join(f"- {_plain(line)}" for line in lines) or "Nothing."
    return f"## What was left out\n\n{said}"


def _sides(facts: Facts) -> str:
    manifest = facts.manifest
    lines = [
        f"By subject; no subject is on both sides. Fold {manifest.fold} of {manifest.folds} lies "
        "in the folders."
    ]
    for side in SIDES:
        lines.append(
            f"- {side}: {', '.join(sorted({e.subject for e in facts.entries if e.side == side})) or 'nobody'}"
        )
    if facts.split is None:
        lines.append(
            "\nThe split that these folders were made by is not in data/split.json any more."
        )
    elif len(facts.split.folds) > 1:
        lines += [
            f"- fold {n} tests {', '.join(fold.test)}"
            for n, fold in enumerate(facts.split.folds, start=1)
        ]
    return "## Split\n\n" + "\n".join(lines)


def _hashes(facts: Facts) -> str:
    manifest = facts.manifest
    rows = [
        ("data hash, SHA-256 over the manifest's entries", f"`{manifest.data_hash}`"),
        ("split hash", f"`{manifest.split_hash}`"),
        ("manifest.json, SHA-256", f"`{facts.manifest_sha256}`"),
        ("curated by", f"acq {manifest.acq_version}"),
    ]
    return (
        "## Files, hashes, versions\n\n"
        + _table(("what", "value"), rows)
        + "\n\nThe SHA-256 of every file is in croissant.json; `acq verify` computes all of them "
          "again."
    )


def _frames(spans: Sequence[FrameSpan]) -> int:
    return sum(span.frames for span in spans)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in line) + " |"
        for line in lines
    )


def _plain(value: object) -> str:
    """Take the markup out of what a file or a person says: one line, no HTML."""
    return re.sub(r"\s+", " ", str(value)).replace("<", "&lt;").replace("[", "\\[")
