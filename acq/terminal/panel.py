"""What the operator sees while recording: a panel of 20 lines that fits 80x24 over SSH, or plain
lines where no terminal is.

The recorder's own thread only leaves the latest status here. Another thread looks at it four times
a second, for the face once in two seconds, and draws; a terminal that hangs (an SSH connection that
dropped without a word) holds up that thread and no other.
"""

import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from acquire import host_time
from acquire.recorder.recorder import RESERVE_BYTES
from acquire.sensor.finger import CLIPPED, FINGER_OFF, FLAT_LINE
from dataset.common.wording import counted
from dataset.face.quick_look import luma, prepare, spot_face
from dataset.signals.beats import FAIR, GOOD, PulseReading, read_pulse

from .curves import TRACE_ROWS, clock, trace
from .live_panel import curve, labelled, pulse_text

if TYPE_CHECKING:
    from acquire.recorder.cues import CueProtocol
    from acquire.recorder.recorder import Recorder
    from acquire.recorder.recording import RecordingStatus
    from models.live.watch import LiveThread, Seen

DRAW_S = 0.25
PULSE_S = 1.0
FACE_S = 2.0
SAY_S = 10.0                     # between plain lines
_SILENT_S = 1.0                  # a device that is silent for longer is shown so
_ASK_S = 5.0                     # within which a second q counts
_STYLE = {GOOD: "green", FAIR: "yellow"}
_WRONG = {
    FINGER_OFF: "NO FINGER on the sensor",
    FLAT_LINE: "FLAT LINE: is the sensor plugged in?",
    CLIPPED: "CLIPPED: press less, or turn the sensor's gain down",
}


@dataclass
class Shown:
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
    seen: "Seen | None" = None                     # what was read of it last
    unread: str = ""                               # why it is read no more


def left_s(status: "RecordingStatus") -> float | None:
    """Give for how long the disk has room at the rate of the last seconds [s]; None in the first
    seconds.
    """
    if status.elapsed_s < 3 or status.file_bytes <= 0:
        return None
    return max(0, status.free_bytes - RESERVE_BYTES) / (status.file_bytes / status.elapsed_s)


def _sensor_silent(status: "RecordingStatus") -> bool:
    return status.sensor_silent_s > _SILENT_S


def _camera_silent(status: "RecordingStatus") -> bool:
    return status.camera_silent_s > _SILENT_S


def _pulse_text(status: "RecordingStatus", shown: Shown) -> Text:
    if _sensor_silent(status):  # what was wrong, or right, before says nothing of now
        return Text("no sample", "bold red")
    wrong = [kind for kind in (FLAT_LINE, FINGER_OFF) if kind in status.states]
    if wrong:
        return Text(f"{_WRONG[wrong[0]]}  {clock(status.states[wrong[0]])}", "bold red")
    if shown.pulse is None:
        text = Text("the first seconds", "dim")
    else:
        text = Text(f"{shown.pulse.hr_bpm:.0f} bpm", "bold")
        text.append(f"  {shown.pulse.quality}", _STYLE.get(shown.pulse.quality, "red"))
    if CLIPPED in status.states:
        text.append(f"  {_WRONG[CLIPPED]}", "bold red")
    if status.no_finger_s >= 1:
        text.append(f"  ({status.no_finger_s:.0f} s without a finger so far)", "yellow")
    return text


def _losses(status: "RecordingStatus") -> Text:
    lost = []  # a gap is counted under its cause when it ends: until then, by its length
    if _camera_silent(status):
        lost.append(
            f"about {counted(round(status.camera_silent_s * status.camera.fps), 'frame')} so far: "
            "camera silent"
        )
    if _sensor_silent(status):
        lost.append(
            f"about {counted(round(status.sensor_silent_s * status.ppg_rate_hz), 'sample')} so "
            "far: sensor silent"
        )
    for what, causes in (("frame", status.lost_frames), ("sample", status.lost_samples)):
        lost += [f"{counted(count, what)}: {cause}" for cause, count in causes.items()]
    return Text("; ".join(lost), "bold yellow") if lost else Text("nothing", "green")


def _video(status: "RecordingStatus") -> Text:
    if _camera_silent(status):
        return Text(f"NO FRAME for {clock(status.camera_silent_s)}", "bold red")
    share = status.fps / status.camera.fps
    style = "green" if share > 0.95 else "yellow" if share > 0.7 else "red"
    return Text.assemble(
        (f"{status.fps:.1f}", style), f" of {status.camera.fps:g} frames/s, {status.frames} frames"
    )


def _ppg(status: "RecordingStatus") -> Text:
    if _sensor_silent(status):
        return Text(
            f"NO SAMPLE for {clock(status.sensor_silent_s)}: is the sensor plugged in?", "bold red"
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


def _cue_lines(shown: Shown, t_s: float) -> list[Text]:
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


def _camera_pulse(shown: Shown) -> Text:
    if shown.unread:
        return Text(f"read no more: {shown.unread}", "bold red")
    return (
        Text("waiting for the first frames", "dim")
        if shown.seen is None
        else pulse_text(shown.seen.reading)
    )


def _camera_wave(shown: Shown, *, width: int, rows: int) -> list[Text]:
    return [Text()] * rows if shown.seen is None else curve(shown.seen, width=width, rows=rows)


def render(
    status: "RecordingStatus", shown: Shown, *, elapsed_s: float, width: int, height: int = 24
) -> Group:
    """Draw the panel: about 20 lines, each cut at `width`; fewer where `height` asks for it, but at
    least 13 (live 15).
    """
    head = Text.assemble(
        ("● ", "bold red"), (f"{shown.subject} ", "bold"), clock(elapsed_s),
        f" of {clock(shown.duration_s)}" if shown.duration_s else "",
    )
    head.append(f"   {status.camera.name} and {shown.sensor}", "dim")
    bound = (
        Text("not yet", "yellow")
        if status.sync_bound_ms is None
        else Text(
            f"each sample within ±{status.sync_bound_ms:.2f} ms",
            "green" if status.sync_bound_ms < 5 else "yellow",
        )
    )
    face = {
        None: ("not looked for yet", "dim"), True: ("found", "green"),
        False: ("NOT FOUND", "bold red"),
    }[shown.face]
    if _camera_silent(status):
        face = "no frame", "bold red"
    table = labelled(
        [
            ("face", Text(*face)),
            ("video", _video(status)),
            ("ppg", _ppg(status)),
            ("lost", _losses(status)),
            ("sync", bound),
            ("disk", _disk(status, shown.duration_s)),
            (
                "marks",
                Text(
                    f"{len(shown.marks)}"
                    + (f", the last: {shown.marks[-1][1]}" if shown.marks else "")
                ),
            ),
        ]
    )
    pulse = labelled([("finger" if shown.is_live else "pulse", _pulse_text(status, shown))])
    cues = _cue_lines(shown, elapsed_s)
    spare = height - 1 - 10 - len(cues)  # the last line stays free: the cursor rests there
    waves = 1 + shown.is_live
    spare -= shown.is_live
    rules = spare >= TRACE_ROWS + 3
    rows = min(TRACE_ROWS, max(1, (spare - 3 * rules) // waves))
    ppg = status.ppg_sequence, status.ppg_value, status.ppg_rate_hz
    wave = [Text(line, "cyan") for line in trace(*ppg, width=width - 1, rows=rows)]
    if shown.is_live:
        wave += [
            labelled([("camera", _camera_pulse(shown))]),
            *_camera_wave(shown, width=width - 1, rows=rows),
        ]
    keys = "m mark · 1-9 numbered mark · u undo · q stop" if shown.keys else "Ctrl-C stops"
    foot = Text(shown.said, "bold yellow") if shown.said else Text(keys, "dim")
    rule = [Rule(style="dim")] if rules else []
    lines = [head, *rule, pulse, *wave, *rule, table, *rule, *cues, foot]
    for line in lines:
        if isinstance(line, Text):
            line.no_wrap, line.overflow = True, "crop"
    return Group(*lines)


def plain(status: "RecordingStatus", shown: Shown, *, elapsed_s: float) -> str:
    """Say the same in one line."""
    if _sensor_silent(status):
        pulse = f"NO SAMPLE for {clock(status.sensor_silent_s)}"
    else:
        pulse = next(
            (_WRONG[kind] for kind in (FLAT_LINE, FINGER_OFF) if kind in status.states), None
        ) or (
            "no pulse yet"
            if shown.pulse is None
            else f"{shown.pulse.hr_bpm:.0f} bpm, {shown.pulse.quality}"
        )
    if _camera_silent(status):
        video = f"NO FRAME for {clock(status.camera_silent_s)}"
    else:
        video = (
            f"{status.fps:.1f}/s"
            + {None: "", True: " · face found", False: " · NO FACE"}[shown.face]
        )
    if shown.is_live:
        pulse += f" · camera {_camera_pulse(shown).plain}"
    bound = "no sync yet" if status.sync_bound_ms is None else f"±{status.sync_bound_ms:.1f} ms"
    room_s = left_s(status)
    room = "" if room_s is None else f" · room for {clock(room_s)}"
    return f"{clock(elapsed_s)} {counted(status.frames, 'frame')} {video} · {pulse} · lost {_losses(status).plain} · {bound}{room}"


def _wrong(status: "RecordingStatus") -> list[str]:
    """Name what is wrong now; a line is printed whenever this changes."""
    silent = (("no frame", _camera_silent(status)), ("no sample", _sensor_silent(status)))
    return sorted(status.states) + [name for name, holds in silent if holds]


class Panel:
    """Show a recording while it runs; a context manager, and `on_status` is the recorder's
    callback.
    """

    def __init__(
        self, recorder: "Recorder", shown: Shown, *, face: "LiveThread | None" = None,
        bell: bool = False, console: Console | None = None,
    ) -> None:
        self._recorder = recorder
        self._shown = shown
        self._face = face
        shown.is_live = face is not None
        self._bell = bell
        self._console = console or Console(stderr=True, highlight=False)
        self._drawn = self._console.is_terminal and not self._console.is_dumb_terminal
        self._status: RecordingStatus | None = None
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="panel", daemon=True)
        self._pulse_s = self._face_s = 0.0
        self._trust_from = -1                       # sample before which the trace shows no finger
        self._quit_s = -_ASK_S
        self._said_s = 0.0
        self._cue: object = self                    # the one that was told last; at first none

    def __enter__(self) -> "Panel":
        prepare()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self._thread.join(timeout=2.0)              # a terminal that hangs is left behind

    def end(self) -> None:
        """Draw no more; may be called from a signal handler."""
        self._over.set()
        self._wake.set()

    def on_status(self, status: "RecordingStatus") -> None:
        """Take the latest status; nothing else happens in the recorder's thread."""
        self._status = status

    def on_key(self, key: str) -> None:
        """Do what a key asks for; called from the thread that reads them."""
        if key.lower() == "m" or (key.isdigit() and key != "0"):
            text = "mark" if key.lower() == "m" else f"mark {key}"
            self._shown.marks.append((self._recorder.mark(text), text))
            self._say(f"{text} set; u undoes it")
        elif key.lower() == "u":
            if self._shown.marks:
                time_ns, text = self._shown.marks.pop()
                self._recorder.mark(f"{text} at {time_ns}", "mark_undone")
                self._say(f"{text} undone")
            else:
                self._say("no mark to undo")
        elif key.lower() == "q":
            if time.monotonic() - self._quit_s < _ASK_S:
                self._say("stopping")
                self._recorder.stop("key q")
            else:
                self._quit_s = time.monotonic()
                self._say("press q again to stop the recording")
        self._wake.set()

    def _say(self, text: str) -> None:
        self._shown.said, self._said_s = text, time.monotonic()

    def _run(self) -> None:
        with suppress(OSError):                     # the terminal may go; the recording does not
            self._draw_until_over() if self._drawn else self._print_until_over()

    def _wait(self, until: float) -> None:
        """Sleep until then, or until a key, or until the next cue is due."""
        status, cues = self._status, self._shown.cues
        if status is not None and cues is not None:
            due_s = cues.at(self._elapsed_s(status))[1]
            if due_s > 0:
                until = min(until, time.monotonic() + due_s + 0.001)
        self._wake.wait(max(0.0, until - time.monotonic()))
        self._wake.clear()

    @staticmethod
    def _elapsed_s(status: "RecordingStatus") -> float:
        return (host_time.now_ns() - status.start_ns) / 1e9

    def _look(self, status: "RecordingStatus") -> None:
        """Find pulse and face in the latest status, each at its own pace."""
        now = time.monotonic()
        if self._face is not None:
            self._shown.seen, self._shown.unread = self._face.seen, self._face.error
        if _sensor_silent(status) or {FINGER_OFF, FLAT_LINE} & set(status.states):
            self._trust_from = int(status.ppg_sequence[-1]) if len(status.ppg_sequence) else -1
            self._shown.pulse = None
        elif now - self._pulse_s >= PULSE_S:
            self._pulse_s = now
            trusted = status.ppg_sequence > self._trust_from
            self._shown.pulse = read_pulse(
                status.ppg_sequence[trusted], status.ppg_value[trusted], status.ppg_rate_hz
            )
        if _camera_silent(status):
            self._shown.face = None                 # the last image tells nothing of now
        elif status.frame is not None and now - self._face_s >= FACE_S:
            self._face_s = now
            self._shown.face = spot_face(luma(status.frame, status.camera)) is not None
        if self._shown.said and now - self._said_s > _ASK_S:
            self._shown.said = ""

    def _cue_changed(self, status: "RecordingStatus") -> str | None:
        """Give the cue that has begun since the last call, in words."""
        cues = self._shown.cues
        if cues is None:
            return None
        now, _, _ = cues.at(self._elapsed_s(status))
        if now is self._cue:
            return None
        self._cue = now
        return (
            "the protocol is over"
            if now is None
            else f"{now.name}: {now.text} ({clock(now.seconds)})"
        )

    def _draw_until_over(self) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            live.update(Text("waiting for the first frames", "dim"), refresh=True)
            while not self._over.is_set():
                until = time.monotonic() + DRAW_S
                status = self._status
                if status is not None:
                    if self._cue_changed(status) and self._bell:
                        self._console.bell()
                    size = self._console.size
                    drawn = render(
                        status, self._shown, elapsed_s=self._elapsed_s(status), width=size.width,
                        height=size.height,
                    )
                    live.update(drawn, refresh=True)
                    self._look(status)
                self._wait(until)

    def _print_until_over(self) -> None:
        said_s, wrong = 0.0, []
        while not self._over.is_set():
            status = self._status
            if status is not None:
                elapsed_s = self._elapsed_s(status)
                if begun := self._cue_changed(status):
                    self._print(f"{clock(elapsed_s)} cue {begun}" + ("\a" if self._bell else ""))
                self._look(status)
                now_wrong = _wrong(status)
                if elapsed_s - said_s >= SAY_S or now_wrong != wrong:
                    said_s, wrong = elapsed_s, now_wrong
                    self._print(plain(status, self._shown, elapsed_s=elapsed_s))
            self._wait(time.monotonic() + DRAW_S)

    def _print(self, line: str) -> None:
        print(line, file=self._console.file, flush=True)

