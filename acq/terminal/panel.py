"""The panel of a recording: it looks at the latest status four times a second, and draws it.

The recorder's own thread only leaves the latest status here. Another thread looks at it, for the
face once in two seconds, and draws, or prints lines where no terminal is. A terminal that hangs (an
SSH connection that dropped) holds up that thread and no other.
"""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from acquire import host_time
from acquire.sensor.finger import FINGER_OFF, FLAT_LINE
from dataset.face.quick_look import frame_luma, load_detector, spot_face
from dataset.signals.pulse_quality import read_finger

from .console import make_console
from .curves import clock
from .marks import Marks
from .panel_view import (
    PanelState,
    faults,
    is_camera_silent,
    is_sensor_silent,
    render_line,
    render_panel,
)
from .printing import are_errors_json, note, visible

if TYPE_CHECKING:
    from acquire.recorder.recorder import Recorder
    from acquire.recorder.status import RecordingStatus
    from models.live.reader import LiveThread

DRAW_S = 0.25
PULSE_S = 1.0
FACE_S = 2.0
SAY_S = 10.0                     # between plain lines
_ASK_S = 5.0                     # within which a second q counts


class Panel:
    """Show a recording while it runs; a context manager.

    `on_status` is the recorder's callback.
    """

    def __init__(
        self, recorder: "Recorder", shown: PanelState, *, face: "LiveThread | None" = None,
        bell: bool = False, console: Console | None = None,
    ) -> None:
        self._recorder = recorder
        self._marks = Marks(recorder, shown.marks)
        self._shown = shown
        self._face = face
        shown.is_live = face is not None
        self._bell = bell
        self._console = console or make_console(stderr=True)
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
        load_detector()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self.wait_left()

    def end(self) -> None:
        """Draw no more; may be called from a signal handler."""
        self._over.set()
        self._wake.set()

    def wait_left(self) -> None:
        """Wait until the panel is off the terminal; a terminal that hangs is left behind."""
        with suppress(RuntimeError):                # it was not begun yet
            self._thread.join(timeout=2.0)

    def on_status(self, status: "RecordingStatus") -> None:
        """Take the latest status; nothing else happens in the recorder's thread."""
        self._status = status

    def on_key(self, key: str) -> None:
        """Do what a key asks for; called from the thread that reads them."""
        if key.lower() == "m" or (key.isdigit() and key != "0"):
            self._say(self._marks.set(None if key.lower() == "m" else int(key)))
        elif key.lower() == "u":
            self._say(self._marks.undo())
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

    def _update(self, status: "RecordingStatus") -> None:
        """Find pulse and face in the latest status, each at its own pace."""
        now = time.monotonic()
        if self._face is not None:
            self._shown.snapshot, self._shown.unread = self._face.snapshot, self._face.error
        if is_sensor_silent(status) or {FINGER_OFF, FLAT_LINE} & set(status.states):
            self._trust_from = int(status.ppg_sequence[-1]) if len(status.ppg_sequence) else -1
            self._shown.pulse = None
        elif now - self._pulse_s >= PULSE_S:
            self._pulse_s = now
            trusted = status.ppg_sequence > self._trust_from
            self._shown.pulse = read_finger(
                status.ppg_sequence[trusted], status.ppg_value[trusted], status.ppg_rate_hz
            )
        if is_camera_silent(status):
            self._shown.face = None                 # the last image tells nothing of now
        elif status.frame is not None and now - self._face_s >= FACE_S:
            self._face_s = now
            self._shown.face = spot_face(frame_luma(status.frame, status.camera)) is not None
        if self._shown.said and now - self._said_s > _ASK_S:
            self._shown.said = ""

    def _cue_changed(self, status: "RecordingStatus") -> str | None:
        """Return the cue that has begun since the last call, in words; None where none has."""
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
                    drawn = render_panel(
                        status, self._shown, elapsed_s=self._elapsed_s(status), width=size.width,
                        height=size.height,
                    )
                    live.update(drawn, refresh=True)
                    self._update(status)
                self._wait(until)

    def _print_until_over(self) -> None:
        said_s, wrong = 0.0, []
        while not self._over.is_set():
            status = self._status
            if status is not None:
                elapsed_s = self._elapsed_s(status)
                if begun := self._cue_changed(status):
                    self._print(f"{clock(elapsed_s)} cue {begun}", bell=self._bell)
                self._update(status)
                now_wrong = faults(status)
                if elapsed_s - said_s >= SAY_S or now_wrong != wrong:
                    said_s, wrong = elapsed_s, now_wrong
                    self._print(render_line(status, self._shown, elapsed_s=elapsed_s))
            self._wait(time.monotonic() + DRAW_S)

    def _print(self, line: str, *, bell: bool = False) -> None:
        if are_errors_json():
            note(line)
        else:
            print(visible(line) + ("\a" if bell else ""), file=self._console.file, flush=True)
