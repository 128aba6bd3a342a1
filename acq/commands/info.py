"""The verb `acq info`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.options import Json
from acq.terminal.tables import show
from dataset.common.wording import counted

if TYPE_CHECKING:
    from dataset.session.summary import SessionSummary


_EVENTS = 8                          # that are shown
_SEEN_S = 0.1                        # a shorter time without a finger is not worth a word


def info(
    file: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", readable=False, help="Session files, data/sessions/<subject>/*.h5."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Say what a session holds: streams, losses, sync, pulse."""
    from dataset.session.summary import summarise

    for number, path in enumerate(file):
        summary = summarise(path)
        if as_json:
            typer.echo(json.dumps(asdict(summary), indent=2))
            continue
        if number:
            typer.echo()
        _print(summary)


def _state(s: "SessionSummary") -> str:
    from rich.markup import escape

    if s.complete:
        return "complete" + (f", stopped by {escape(s.ended)}" if s.ended else "")
    if s.ended:
        return f"[red]incomplete: {escape(s.ended)}[/red]"
    return (
        "[red]incomplete: still recording, or cut short (then `acq recover` makes it whole)[/red]"
    )


def _print(s: "SessionSummary") -> None:
    from rich.markup import escape
    from rich.table import Table

    def lost(count: int, causes: dict[str, int]) -> str:
        known = "none lost" if s.complete else "none lost between the first and the last"
        why = f" ({', '.join(f'{n} {cause}' for cause, n in causes.items())})" if causes else ""
        return f"[red]{count} lost{escape(why)}[/red]" if count else known

    def listed(rows: list[dict]) -> str:
        lines = [f"{row['at_s']:8.1f} s  {row['text']}" for row in rows]
        for at, row in enumerate(rows):
            if "duration_s" in row:
                told = [] if row["duration_s"] is None else [f"{row['duration_s']:.1f} s"]
                lines[at] += f" ({', '.join(told + ['cut short'] * row['cut_short'])})"
        return escape("".join("\n" + line for line in lines))

    more = len(s.other_events) - _EVENTS
    events = f"{len(s.other_events)} not told above" if s.other_events else "all told above"
    events += listed(s.other_events[:_EVENTS]) + (
        f"\nand {more} more, in --json" if more > 0 else ""
    )
    over = (
        "mean of sliding 10 s windows"
        if s.duration_s > 10
        else f"one spectrum over {s.duration_s:.0f} s"
    )
    bound = (
        "[yellow]unknown[/yellow]"
        if s.sync_bound_ms is None
        else f"every sample within {s.sync_bound_ms:.2f} ms"
    )
    if s.samples_without_bound and s.sync_bound_ms is not None:
        bound = f"within {s.sync_bound_ms:.2f} ms; [yellow]{counted(s.samples_without_bound, 'sample')} without a bound[/yellow]"
    exposure = f"; exposure {s.exposure['control']}" if "control" in s.exposure else ""
    shown = [
        *s.camera_notes[:5],
        *([f"and {len(s.camera_notes) - 5} more, in --json"] if len(s.camera_notes) > 5 else []),
    ]
    notes = "".join(f"\n{note}" for note in shown)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in (
        ("session", escape(s.session_id) + ("  [yellow]simulated[/yellow]" if s.simulated else "")),
        ("subject", escape(s.subject)),
        ("started", s.started),
        ("state", _state(s)),
        ("length", f"{s.duration_s:.2f} s"),
        (
            "video",
            f"{counted(s.frames, 'frame')}, {lost(s.lost_frames, s.lost_frames_by_cause)}; "
            f"{s.width}x{s.height} at {s.fps:.3f} fps",
        ),
        (
            "ppg",
            f"{counted(s.samples, 'sample')}, {lost(s.lost_samples, s.lost_samples_by_cause)}; "
            f"{s.ppg_rate_hz:.3f} Hz",
        ),
        ("sync", bound),
        ("light", escape(_light(s))),
        *(
            [("finger", f"[yellow]none for {s.no_finger_s:.1f} s[/yellow]")]
            if s.no_finger_s > _SEEN_S
            else []
        ),
        ("heart rate", _heart_rate(s, over)),
        (
            "camera",
            escape(f"{s.camera}; stamps mark {s.time_meaning}{exposure}")
            + f"[yellow]{escape(notes)}[/yellow]",
        ),
        ("sensor", escape(f"{s.sensor}, firmware {s.firmware}")),
        (
            "file",
            f"{s.file_bytes / 1e6:.1f} MB"
            + (f", video compressed {s.compression:.2f} times" if s.compression else "")
            + (
                f", [yellow]{counted(s.raw_frames, 'frame')} stored raw[/yellow]"
                if s.raw_frames
                else ""
            ),
        ),
        *([("cues", f"{len(s.cues)}{listed(s.cues)}")] if s.cues else []),
        *([("marks", f"{len(s.marks)}{listed(s.marks)}")] if s.marks else []),
        ("events", events),
    ):
        table.add_row(name, text)
    show(table)


def _heart_rate(s: "SessionSummary", over: str) -> str:
    without = (
        f"no finger for {s.no_finger_s:.1f} of {s.duration_s:.1f} s"
        if s.no_finger_s > _SEEN_S
        else ""
    )
    if s.hr_bpm is None:
        return "not to be told" + (f": {without}" if without else "")
    return f"{s.hr_bpm:.1f} bpm (PPG, {over}" + (f"; left out: {without})" if without else ")")


def _light(s: "SessionSummary") -> str:
    if s.light_offset_ms is None:
        return "not calibrated: how late the stamps are is not known"
    side = "later" if s.light_offset_ms >= 0 else "earlier"
    found = f"stamps {abs(s.light_offset_ms):.2f} ms {side} than the light, ± {s.light_offset_bound_ms:.2f}"
    return f"{found}; calibrated {s.light_offset_from}"
