"""What the operator sees while recording: 20 lines that fit 80x24 over SSH, or one line."""

import math
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from acquire.recorder.disk_space import RESERVE_BYTES
from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE
from dataset.common.wording import counted
from dataset.signals.pulse_quality import FAIR, GOOD, PulseReading

from .curves import TRACE_ROWS, clock, trace
from .live_panel import curve, labelled, pulse_text

if TYPE_CHECKING:
    from acquire.recorder.cues import CueProtocol
    from acquire.recorder.status import RecordingStatus
    from models.live.reader import LiveSnapshot

_NAMES = 8                       # characters before the text of a row
_SILENT_S = 1.0                  # a device that is silent for longer is shown so
_STYLE = {GOOD: "green", FAIR: "yellow"}
_FAULTS = {
    FINGER_OFF: "NO FINGER on the sensor",
    FLAT_LINE: "FLAT LINE: is the sensor plugged in?",
    CLIPPED: "CLIPPED: press less, or turn the sensor's gain down",
}


@dataclass
class PanelState:
    """What the panel shows beside the recorder's own status."""

    subject: str
    sensor: str                                    # its port
    duration_s: float | None = None
    cues: "CueProtocol | None" = None
    keys: bool = False
    pulse: PulseReading | None = None
    face: bool | None = None                       # None: not looked for yet
    marks: list[tuple[int, str]] = field(default_factory=list)  # those that stand: time [ns], text
    said: str = ""                                 # the answer to the last key
    is_live: bool = False                          # whether the face's pulse is read too
    snapshot: "LiveSnapshot | None" = None         # what was read of it last
    unread: str = ""                               # why it is read no more


def left_s(status: "RecordingStatus") -> float | None:
    """Return for how long the disk has room [s]; None in the first seconds of a recording."""
    if status.elapsed_s < 3 or status.file_bytes <= 0:
        return None
    return max(0, status.free_bytes - RESERVE_BYTES) / (status.file_bytes / status.elapsed_s)


def is_sensor_silent(status: "RecordingStatus") -> bool:
    """Return whether no sample came for a second."""
    return status.sensor_silent_s > _SILENT_S


def is_camera_silent(status: "RecordingStatus") -> bool:
    """Return whether no frame came for a second."""
    return status.camera_silent_s > _SILENT_S


def _pulse_text(status: "RecordingStatus", shown: PanelState) -> Text:
    if is_sensor_silent(status):  # what was wrong, or right, before says nothing of now
        return Text("no sample", "bold red")
    wrong = [kind for kind in (FLAT_LINE, FINGER_OFF) if kind in status.states]
    if wrong:
        return Text(f"{_FAULTS[wrong[0]]}  {clock(status.states[wrong[0]])}", "bold red")
    if shown.pulse is None:
        text = Text("the first seconds", "dim")
    else:
        text = Text(shown.pulse.rate_text, "bold")
        text.append(f"  {shown.pulse.quality}", _STYLE.get(shown.pulse.quality, "red"))
    if CLIPPED in status.states:
        text.append(f"  {_FAULTS[CLIPPED]}", "bold red")
    if status.no_finger_s >= 1:
        text.append(f"  ({status.no_finger_s:.0f} s without a finger so far)", "yellow")
    return text


def _losses(status: "RecordingStatus") -> Text:
    lost = []  # a gap is counted under its cause when it ends: until then, by its length
    if is_camera_silent(status):
        lost.append(
            f"about {counted(round(status.camera_silent_s * status.camera.fps), 'frame')} so far: "
            "camera silent"
        )
    if is_sensor_silent(status):
        lost.append(
            f"about {counted(round(status.sensor_silent_s * status.ppg_rate_hz), 'sample')} so "
            f"far: {status.sensor_gap or 'sensor silent'}"
        )
    lost += [
        f"the stream {name} since {clock(lost_s)}" for name, lost_s in status.lost_streams_s.items()
    ]
    for what, causes in (("frame", status.lost_frames), ("sample", status.lost_samples)):
        lost += [f"{counted(count, what)}: {cause}" for cause, count in causes.items()]
    return Text("; ".join(lost), "bold yellow") if lost else Text("nothing", "green")


def _video(status: "RecordingStatus") -> Text:
    if is_camera_silent(status):
        return Text(f"NO FRAME for {clock(status.camera_silent_s)}", "bold red")
    share = status.fps / status.camera.fps
    style = "green" if share > 0.95 else "yellow" if share > 0.7 else "red"
    return Text.assemble(
        (f"{status.fps:.1f}", style), f" of {status.camera.fps:g} frames/s, {status.frames} frames"
    )


def _ppg(status: "RecordingStatus") -> Text:
    if is_sensor_silent(status):
        return Text(
            f"NO SAMPLE for {clock(status.sensor_silent_s)}: "
            f"{status.sensor_gap or 'is the sensor plugged in?'}",
            "bold red",
        )
    return Text(f"{status.samples} samples at {status.ppg_rate_hz} Hz")


def _disk(status: "RecordingStatus", duration_s: float | None) -> Text:
    room_s = left_s(status)
    if room_s is None:
        return Text(f"{status.free_bytes / 1e9:.1f} GB free")
    need_s = 600.0 if duration_s is None else duration_s - status.elapsed_s
    style = "bold red" if room_s < need_s else "green" if room_s > 2 * need_s else "yellow"
    mb_s = status.file_bytes / status.elapsed_s / 1e6
    return Text(
        f"{status.free_bytes / 1e9:.1f} GB free, room for {clock(room_s)} at {mb_s:.1f} MB/s", style
    )


def _cue_lines(shown: PanelState, t_s: float) -> list[Text]:
    if shown.cues is None:
        return []
    now, rest_s, after = shown.cues.at(t_s)
    if now is None:
        return [Text("the protocol is over", "bold"), Text()]
    cue = Text.assemble(
        (f" {now.name.upper()} ", "bold reverse"), f"  {clock(math.ceil(rest_s))}  ",
        (now.text, "bold"),
    )
    return [cue, Text(f" next: {after.name}, {after.text}" if after else " the last one", "dim")]


def _camera_pulse(status: "RecordingStatus", shown: PanelState) -> Text:
    if shown.unread:
        return Text(f"read no more: {shown.unread}", "bold red")
    if is_camera_silent(status):  # what was read before says nothing of now
        return Text("no frame", "bold red")
    return (
        Text("waiting for the first frames", "dim")
        if shown.snapshot is None
        else pulse_text(shown.snapshot.reading)
    )


def _camera_wave(shown: PanelState, *, width: int, rows: int) -> list[Text]:
    if shown.snapshot is None:
        return [Text()] * rows
    return curve(shown.snapshot, width=width, rows=rows)


def render_panel(
    status: "RecordingStatus", shown: PanelState, *, elapsed_s: float, width: int, height: int = 24
) -> Group:
    """Draw the panel: about 20 lines, each cut at `width`, but for losses, which take several.

    Fewer where `height` asks for it, but at least 13, or 15 with the face's pulse.
    """
    cues, sides = _cue_lines(shown, elapsed_s), status_rows(status, shown)
    # beside head, pulse and keys; the last line stays free for the cursor; with the face's pulse
    # there are two curves
    spare = height - 1 - 3 - len(sides) - len(cues) - shown.is_live
    for at, (name, text) in enumerate(sides):
        if name == "lost":
            lost_lines = wrap(text.plain, max(1, width - _NAMES))[:max(1, spare - shown.is_live)]
            sides[at] = name, Text("\n".join(lost_lines), text.style)
            spare -= len(lost_lines) - 1
    has_rules = spare >= TRACE_ROWS + 3
    rows = min(TRACE_ROWS, max(1, (spare - 3 * has_rules) // (1 + shown.is_live)))
    rule = [Rule(style="dim")] if has_rules else []
    keys = "m mark · 1-9 numbered mark · u undo · q stop" if shown.keys else "Ctrl-C stops"
    lines = [
        _head(status, shown, elapsed_s), *rule,
        labelled(pulse_rows(status, shown)[:1]),
        *_waves(status, shown, width=width - 1, rows=rows), *rule,
        labelled(sides), *rule, *cues,
        Text(shown.said, "bold yellow") if shown.said else Text(keys, "dim"),
    ]
    for line in lines:
        if isinstance(line, Text):
            line.no_wrap, line.overflow = True, "crop"
    return Group(*lines)


def _head(status: "RecordingStatus", shown: PanelState, elapsed_s: float) -> Text:
    planned = f" of {clock(shown.duration_s)}" if shown.duration_s else ""
    return Text.assemble(
        ("● ", "bold red"), (f"{shown.subject} ", "bold"), clock(elapsed_s), planned,
        (f"   {status.camera.name} and {shown.sensor}", "dim"),
    )


def _waves(
    status: "RecordingStatus", shown: PanelState, *, width: int, rows: int
) -> list[RenderableType]:
    """Draw the finger's curve, and below it the face's where it is read."""
    trace_of = status.ppg_sequence, status.ppg_value, status.ppg_rate_hz
    lines: list[RenderableType] = [
        Text(line, "cyan") for line in trace(*trace_of, width=width, rows=rows)
    ]
    if shown.is_live:
        lines.append(labelled(pulse_rows(status, shown)[1:]))
        lines += _camera_wave(shown, width=width, rows=rows)
    return lines


def status_rows(status: "RecordingStatus", shown: PanelState) -> list[tuple[str, Text]]:
    """Write the state of a recording, a name and a text for each of its sides."""
    last = f", the last: {shown.marks[-1][1]}" if shown.marks else ""
    streams = ", ".join(f"{name} {counted(n, 'sample')}" for name, n in status.streams.items())
    return [
        ("face", _face(status, shown)), ("video", _video(status)), ("ppg", _ppg(status)),
        *([("stream", Text(streams))] if streams else []),
        ("lost", _losses(status)), ("sync", _sync(status)),
        ("disk", _disk(status, shown.duration_s)), ("marks", Text(f"{len(shown.marks)}{last}")),
    ]


def pulse_rows(status: "RecordingStatus", shown: PanelState) -> list[tuple[str, Text]]:
    """Write the finger's pulse, and the face's where it is read."""
    if not shown.is_live:
        return [("pulse", _pulse_text(status, shown))]
    return [("finger", _pulse_text(status, shown)), ("camera", _camera_pulse(status, shown))]


def _face(status: "RecordingStatus", shown: PanelState) -> Text:
    if is_camera_silent(status):
        return Text("no frame", "bold red")
    if shown.face is None:
        return Text("not looked for yet", "dim")
    return Text("found", "green") if shown.face else Text("NOT FOUND", "bold red")


def _sync(status: "RecordingStatus") -> Text:
    if status.sync_one_sided:
        return Text(f"one-sided: the light was earlier by {status.sync_one_sided}", "yellow")
    if status.sync_bound_ms is None:
        return Text("not yet", "yellow")
    style = "green" if status.sync_bound_ms < 5 else "yellow"
    return Text(f"now within ±{status.sync_bound_ms:.2f} ms", style)


def render_line(status: "RecordingStatus", shown: PanelState, *, elapsed_s: float) -> str:
    """Write the same in one line, for a log."""
    if is_sensor_silent(status):
        pulse = f"NO SAMPLE for {clock(status.sensor_silent_s)}"
    else:
        pulse = next(
            (_FAULTS[kind] for kind in (FLAT_LINE, FINGER_OFF) if kind in status.states), None
        ) or (
            "no pulse yet"
            if shown.pulse is None
            else f"{shown.pulse.rate_text}, {shown.pulse.quality}"
        )
    if is_camera_silent(status):
        video = f"NO FRAME for {clock(status.camera_silent_s)}"
    else:
        video = (
            f"{status.fps:.1f}/s"
            + {None: "", True: " · face found", False: " · NO FACE"}[shown.face]
        )
    if shown.is_live:
        pulse += f" · camera {_camera_pulse(status, shown).plain}"
    bound = "no sync yet" if status.sync_bound_ms is None else f"±{status.sync_bound_ms:.1f} ms"
    if status.sync_one_sided:
        bound = f"light earlier by {status.sync_one_sided}"
    room_s = left_s(status)
    room = "" if room_s is None else f" · room for {clock(room_s)}"
    return (
        f"{clock(elapsed_s)} {counted(status.frames, 'frame')} {video} · {pulse} · "
        f"lost {_losses(status).plain} · {bound}{room}"
    )


def faults(status: "RecordingStatus") -> list[str]:
    """Name what is wrong now; a line is printed whenever this changes."""
    silent = (("no frame", is_camera_silent(status)), ("no sample", is_sensor_silent(status)))
    lost = [f"no stream {name}" for name in status.lost_streams_s]
    return sorted(status.states) + [name for name, holds in silent if holds] + lost
