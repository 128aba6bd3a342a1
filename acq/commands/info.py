"""The verb `acq info`."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acq.advice import in_data
from acq.each_in_turn import EachInTurn
from acq.extras import check_hrv_installed
from acq.options import Data, Json, SessionFiles
from acq.terminal.printing import visible
from acq.terminal.tables import show
from dataset.common.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataset.session.log import CueNote, Note
    from dataset.session.summary import SessionSummary


_EVENTS = 8                          # that are shown
_CAMERA_NOTES = 5                    # that are shown
_ALL_PERCENT = 99.5                  # a smaller share without a rate is not worth a word
_SEEN_S = 0.1                        # a shorter time without a finger is not worth a word


def info(
    session: SessionFiles,
    hrv: Annotated[
        bool,
        typer.Option(
            "--hrv", callback=check_hrv_installed,
            help="Also heart rate variability and breathing of the finger.",
        ),
    ] = False,
    data: Data = Path("data"),
    as_json: Json = False,
) -> None:
    """Show what a session holds: streams, losses, sync, pulse."""
    from dataset.session.find import session_path
    from dataset.session.summary import summarise_session
    from dataset.variability.measure import read_variability
    from dataset.variability.words import variability_rows

    printed = EachInTurn("info", as_json=as_json)
    for text in session:
        with printed.one(text):
            path = session_path(data, text)
            summary, found = summarise_session(path), read_variability(path) if hrv else None
            if as_json:
                printed.add(_as_json(summary) | ({"hrv": asdict(found)} if found else {}))
            else:
                printed.begin()
                _print([*_rows(summary), *(variability_rows(found) if found else [])])
    printed.end()


def _as_json(s: "SessionSummary") -> dict[str, object]:
    """Return a summary as one flat object, the form of `--json`."""
    light, log = s.camera.light_offset, asdict(s.log)
    return {
        "path": s.path, "session_id": s.session_id, "subject": s.subject, "started": s.started,
        "complete": s.complete, "ended": s.ended, "simulated": s.simulated,
        "doubts": s.doubts,
        "duration_s": s.duration_s, "without_frames_s": round(s.without_frames_s, 2),
        "frames": s.video.frames, "samples": s.ppg.samples,
        "lost_frames": s.video.lost, "lost_samples": s.ppg.lost, "width": s.video.width,
        "height": s.video.height, "fps": s.video.fps, "ppg_rate_hz": s.ppg.rate_hz,
        "sync_bound_ms": s.sync.bound_ms, "samples_without_bound": s.sync.samples_without_bound,
        "sync_one_sided": s.sync.one_sided, "streams": s.sync.streams,
        "light_offset_ms": light.offset_ns / 1e6 if light else None,
        "light_offset_bound_ms": light.bound_ns / 1e6 if light else None,
        "light_offset_from": light.source if light else "", "hr_bpm": s.ppg.hr_bpm,
        "hr_told_percent": s.ppg.hr_told_percent, "hr_why_not": s.ppg.hr_why_not,
        "no_finger_s": s.ppg.no_finger_s, "camera": s.camera.name,
        "time_meaning": s.camera.time_meaning, "exposure": s.camera.exposure,
        "camera_notes": s.camera.notes, "sensor": s.sensor.name, "firmware": s.sensor.firmware,
        "lost_frames_by_cause": s.video.lost_by_cause,
        "lost_samples_by_cause": s.ppg.lost_by_cause, "cues": log["cues"], "marks": log["marks"],
        "other_events": log["others"], "events": log["events"], "file_bytes": s.file_bytes,
        "compression": s.video.compression, "raw_frames": s.video.raw_frames,
    }


def _safe(text: str) -> str:
    """Return a text of the file as one line, in which nothing is markup."""
    from rich.markup import escape

    return escape(visible(text))


def _lines(texts: Iterable[str]) -> str:
    """Return texts of the file, each on a line of its own below what stands before."""
    return "".join(f"\n{_safe(text)}" for text in texts)


def _state(s: "SessionSummary") -> str:
    if s.complete:
        return "complete" + (f", stopped by {_safe(s.ended)}" if s.ended else "")
    if s.ended:
        return f"[red]incomplete: {_safe(s.ended)}[/red]"
    from dataset.session.hdf5 import is_being_written, was_never_closed

    path = Path(s.path)
    if s.recorder:
        return f"[yellow]still recording ({s.recorder})[/yellow]"
    if is_being_written(path):
        state = "still recording, or cut short a moment ago"
    elif was_never_closed(path):
        state = f"cut short; `{_safe(in_data('acq recover'))}` makes it whole"
    else:
        state = "how it ended is not noted"
    return f"[red]incomplete: {state}[/red]"


def _print(rows: Iterable[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in rows:
        if text:
            table.add_row(name, Text.from_markup(text))
    show(table)


def _rows(s: "SessionSummary") -> Iterator[tuple[str, str]]:
    """Yield what is told of a session, line by line; an empty text is left out."""
    simulated = "  [yellow]simulated[/yellow]" if s.simulated else ""
    yield "session", _safe(s.session_id) + simulated
    yield "subject", _safe(s.subject)
    yield "started", s.started or "not known: the published set does not say"
    yield "state", _state(s)
    yield "doubtful", f"[yellow]{_safe('; '.join(s.doubts))}[/yellow]" if s.doubts else ""
    alone_s = s.without_frames_s
    alone = f", [yellow]{alone_s:.1f} s of it without frames[/yellow]" if alone_s >= 1 else ""
    yield "length", f"{s.duration_s:.2f} s{alone}"
    yield "video", (
        f"{counted(s.video.frames, 'frame')}, {_lost(s, s.video.lost, s.video.lost_by_cause)}; "
        f"{s.video.width}x{s.video.height} at {s.video.fps:.3f} fps"
    )
    yield "ppg", (
        f"{counted(s.ppg.samples, 'sample')}, {_lost(s, s.ppg.lost, s.ppg.lost_by_cause)}; "
        f"{s.ppg.rate_hz:.3f} Hz"
    )
    yield "sync", _sync(s)
    for name, words in s.sync.streams.items():
        yield "stream", _safe(f"{name}: {words}")
    yield "light", _safe(_light(s))
    away_s = s.ppg.no_finger_s
    yield "finger", f"[yellow]none for {away_s:.1f} s[/yellow]" if away_s > _SEEN_S else ""
    yield "heart rate", _heart_rate(s)
    yield "camera", _camera(s)
    firmware = f", firmware {s.sensor.firmware}" if s.sensor.firmware else ", not our firmware"
    yield "sensor", _safe(f"{s.sensor.name}{firmware}")
    yield "file", _file(s)
    yield "cues", _counted_list(s.log.cues)
    yield "marks", _counted_list(s.log.marks)
    yield "events", _events(s)


def _lost(s: "SessionSummary", count: int | None, causes: dict[str, int]) -> str:
    if count is None:
        return "[yellow]losses not known[/yellow]"
    if not count:
        return "none lost" if s.complete else "none lost between the first and the last"
    why = f" ({', '.join(f'{n} {cause}' for cause, n in causes.items())})" if causes else ""
    return f"[red]{count} lost{_safe(why)}[/red]"


def _sync(s: "SessionSummary") -> str:
    if s.sync.one_sided:
        return f"[yellow]{_safe(s.sync.one_sided)}[/yellow]"
    if s.sync.bound_ms is None:
        return "[yellow]unknown[/yellow]"
    if not s.sync.samples_without_bound:
        text = f"every sample within {s.sync.bound_ms:.2f} ms"
        return text + (" so far; placed again when it is closed" if s.recorder else "")
    without = counted(s.sync.samples_without_bound, "sample")
    return f"within {s.sync.bound_ms:.2f} ms; [yellow]{without} without a bound[/yellow]"


def _camera(s: "SessionSummary") -> str:
    exposure, notes = s.camera.exposure, s.camera.notes
    control = f"; exposure {exposure['control']}" if "control" in exposure else ""
    more = len(notes) - _CAMERA_NOTES
    shown = [*notes[:_CAMERA_NOTES], *([f"and {more} more, in --json"] if more > 0 else [])]
    text = _safe(f"{s.camera.name}; stamps mark {s.camera.time_meaning}{control}")
    return text + f"[yellow]{_lines(shown)}[/yellow]"


def _file(s: "SessionSummary") -> str:
    text = f"{s.file_bytes / 1e6:.1f} MB"
    if s.video.compression:
        text += f", video compressed {s.video.compression:.2f} times"
    if s.video.raw_frames:
        text += f", [yellow]{counted(s.video.raw_frames, 'frame')} stored raw[/yellow]"
    return text


def _events(s: "SessionSummary") -> str:
    from dataset.session.log import costly_first

    others = costly_first(s.log.others)
    text = f"{len(others)} not told above" if others else "all told above"
    text += _listed(others[:_EVENTS])
    more = len(others) - _EVENTS
    return text + (f"\nand {more} more, in --json" if more > 0 else "")


def _counted_list(notes: "Sequence[Note | CueNote]") -> str:
    return f"{len(notes)}{_listed(notes)}" if notes else ""


def _listed(notes: "Sequence[Note | CueNote]") -> str:
    return _lines(f"{note.at_s:8.1f} s  {_text(note)}" for note in notes)


def _text(note: "Note | CueNote") -> str:
    from dataset.session.log import CueNote

    if not isinstance(note, CueNote):
        return note.text
    length = [] if note.duration_s is None else [f"{note.duration_s:.1f} s"]
    return f"{note.text} ({', '.join(length + ['cut short'] * note.cut_short)})"


def _heart_rate(s: "SessionSummary") -> str:
    over = (
        "mean of sliding 10 s windows"
        if s.duration_s > 10
        else f"one spectrum over {s.duration_s:.0f} s"
    )
    without = []
    if s.ppg.no_finger_s > _SEEN_S:
        without.append(f"no finger for {s.ppg.no_finger_s:.1f} of {s.duration_s:.1f} s")
    if s.ppg.hr_bpm is None:
        reasons = "; ".join([s.ppg.hr_why_not, *without])
        return "cannot be told" + (f": {reasons}" if reasons else "")
    without = [f"left out: {span}" for span in without]
    if s.ppg.hr_why_not and s.ppg.hr_told_percent < _ALL_PERCENT:
        without.append(f"told in {s.ppg.hr_told_percent:.0f} % of it, else: {s.ppg.hr_why_not}")
    return f"{s.ppg.hr_bpm:.1f} bpm ({'; '.join([f'PPG, 30 to 240 bpm, {over}', *without])})"


def _light(s: "SessionSummary") -> str:
    if (light := s.camera.light_offset) is None:
        return "not calibrated: how late the stamps are is not known"
    side = "later" if light.offset_ns >= 0 else "earlier"
    offset = f"stamps {abs(light.offset_ns) / 1e6:.2f} ms {side} than the light"
    return f"{offset}, ± {light.bound_ns / 1e6:.2f}; calibrated {light.source}"
