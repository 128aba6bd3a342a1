"""What `acq live` shows: heart rate, curve and state in at most 20 lines, or plain lines."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dataset.common.wording import counted
from dataset.signals.pulse_quality import FAIR, GOOD, PulseReading

from .console import make_console
from .curves import clock, trace
from .printing import visible
from .pulse_rows import interval_text

if TYPE_CHECKING:
    from models.live.reader import LiveSnapshot
    from models.live.states import LiveReading

DRAW_S = 0.25
SAY_S = 5.0                  # between plain lines while a heart rate is read
ROWS = 5                     # of a curve
_STYLE = {GOOD: "green", FAIR: "yellow"}
_WAITING = ("looking", "settling")


@dataclass
class FingerTrace:
    """The finger beside the camera, where a session is followed."""

    pulse: PulseReading | None
    sequence: np.ndarray
    value: np.ndarray
    rate_hz: int


def pulse_text(reading: "LiveReading") -> Text:
    """Write heart rate and quality, or why there is none."""
    if reading.hr_bpm is None:
        style = "dim" if reading.state in _WAITING else "bold yellow"
        return Text(reading.words, style)
    text = Text(f"{reading.hr_bpm:.0f} bpm", "bold")
    text.append(bounds_text(reading))
    text.append(f"  {reading.words}", _STYLE.get(reading.quality or "", "red"))
    return text


def bounds_text(reading: "LiveReading") -> str:
    """Write between which rates the true one lies in 90 of 100 windows; "" where none is known."""
    rate = reading.rate
    if rate is None or rate.low_bpm is None or rate.high_bpm is None:
        return ""
    return f" ({interval_text(rate.low_bpm, rate.high_bpm)})"


def curve(snapshot: "LiveSnapshot", *, width: int, rows: int) -> list[Text]:
    """Draw the camera's pulse; dim while no heart rate is read from it."""
    steps = np.diff(snapshot.trace_s[:2])
    rate_hz = 1 / float(steps[0]) if len(steps) else 1.0
    lines = trace(
        np.arange(len(snapshot.trace)), snapshot.trace, rate_hz, width=width, rows=rows, least=1e-9
    )
    style = "dim" if snapshot.reading.hr_bpm is None else "magenta"
    return [Text(line, style) for line in lines]


def labelled(rows: Sequence[tuple[str, Text]]) -> Table:
    """Return a table with a name before each text."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=6, no_wrap=True)
    table.add_column(no_wrap=True, overflow="crop")
    for name, text in rows:
        table.add_row(name, text)
    return table


def render_live(
    snapshot: "LiveSnapshot", name: str, finger: FingerTrace | None, rates: Sequence[float], *,
    elapsed_s: float, width: int, height: int = 24,
) -> Group:
    """Draw the panel: each line cut at `width`, fewer lines than `height` (at least 10)."""
    head = Text.assemble(
        ("● ", "bold green"), ("live ", "bold"), clock(elapsed_s), (f"   {name}", "dim")
    )
    spare = height - 1 - (9 if finger is None else 11)
    rows = max(1, min(ROWS, spare if finger is None else spare // 2))
    lines: list = [head, Rule(style="dim"), labelled([("face", pulse_text(snapshot.reading))]),
                   *curve(snapshot, width=width - 1, rows=rows)]
    if finger is not None:
        finger_text = (
            Text("no pulse yet", "dim")
            if finger.pulse is None
            else Text.assemble(
                (finger.pulse.rate_text, "bold"),
                (f"  {finger.pulse.quality}", _STYLE.get(finger.pulse.quality, "red")),
            )
        )
        wave = trace(finger.sequence, finger.value, finger.rate_hz, width=width - 1, rows=rows)
        lines += [labelled([("finger", finger_text)]), *(Text(line, "cyan") for line in wave)]
    so_far = (
        f"{np.mean(rates):.1f} bpm, the mean of {counted(len(rates), 'window')} of 10 s"
        if rates
        else "no heart rate yet"
    )
    lines += [
        Rule(style="dim"),
        labelled(
            [
                (
                    "video",
                    Text(
                        f"{snapshot.fps:.1f} frames/s, {counted(snapshot.frames, 'frame')}; "
                        f"{snapshot.ms_per_frame:.1f} ms each"
                    ),
                ),
                ("so far", Text(so_far)),
            ]
        ),
        Rule(style="dim"),
        Text("Ctrl-C ends it", "dim"),
    ]
    for line in lines:
        if isinstance(line, Text):
            line.no_wrap, line.overflow = True, "crop"
    return Group(*lines)


def plain(reading: "LiveReading", finger_bpm: float | None) -> str:
    """Print a reading as one line."""
    if reading.hr_bpm is None:
        return f"{reading.state}: {reading.words}"
    beside = "" if finger_bpm is None else f"; finger {finger_bpm:.0f} bpm"
    return f"{reading.hr_bpm:.0f} bpm{bounds_text(reading)}, {reading.words}{beside}"


class LiveScreen:
    """Show what is read; a context manager.

    On a terminal a panel, else a line when the state changes and every five seconds.
    """

    def __init__(self, name: str, *, console: Console | None = None) -> None:
        from rich.live import Live  # not loaded by a quiet recording

        self._name = name
        self._console = console or make_console(stderr=True)
        self._is_drawn = self._console.is_terminal and not self._console.is_dumb_terminal
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True)
            if self._is_drawn
            else None
        )
        self._begun = self._drawn = time.monotonic()
        self._said, self._state = -SAY_S, ""

    def is_due(self) -> bool:
        """Return whether the panel is due to be drawn; never where there is none."""
        return self._live is not None and time.monotonic() - self._drawn >= DRAW_S

    def draw(
        self, snapshot: "LiveSnapshot", finger: FingerTrace | None, rates: Sequence[float]
    ) -> None:
        """Draw the panel anew."""
        if self._live is None:
            return
        self._drawn = time.monotonic()
        size = self._console.size
        with suppress(OSError):  # the terminal may go
            self._live.update(
                render_live(
                    snapshot, self._name, finger, rates, elapsed_s=self._drawn - self._begun,
                    width=size.width, height=size.height,
                ),
                refresh=True,
            )

    def say(self, reading: "LiveReading", finger_bpm: float | None) -> None:
        """Print a line where no panel is, when it is time for one."""
        now = time.monotonic() - self._begun
        if self._live is None and (reading.state != self._state or now - self._said >= SAY_S):
            self._said, self._state = now, reading.state
            line = visible(f"{clock(now)} {plain(reading, finger_bpm)}")
            print(line, file=self._console.file, flush=True)

    def __enter__(self) -> "LiveScreen":
        if self._live is not None:
            self._live.start()
            self._live.update(Text("waiting for the first frames", "dim"), refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            with suppress(OSError):
                self._live.stop()
