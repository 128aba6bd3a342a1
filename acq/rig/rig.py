"""One rig: looked at, recording, or neither; what every page that is open sees of it.

A thread looks four times a second at what runs, while a page is open or something is held. The
devices are let go of before a recording starts, when somebody else asks for them, and when no page
has been open for a while.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from acq.advice import in_data
from acq.running.summary_words import marked, saved, shortcomings
from acq.running.watch import WatchedRecording, find_recordings
from acquire.errors import BusyError, DeviceError
from acquire.recorder.status import RecordingSummary

from .calibrating import KeptCalibration, StartedCalibration
from .choices import Choices, Devices
from .followed import FollowedRecording
from .messages import Picture
from .preview import Preview
from .started import StartedVerb

IDLE, LOOKING, STARTING, RECORDING = "idle", "looking", "starting", "recording"
CALIBRATING = "calibrating"
_TICK_S = 0.25
_ALONE_S = 15.0                  # after which the devices are let go of


class Rig:
    """What runs on the devices of this machine, for one data folder."""

    def __init__(self, data: Path, choices: Choices) -> None:
        self.data = data
        self.choices = choices
        self.viewers = 0
        self._lock = threading.RLock()          # of what is held and recorded; may take seconds
        self._pages = threading.Lock()          # of the count of pages; never held for long
        self._preview: Preview | None = None
        self._started: StartedVerb | None = None
        self._calibration: StartedCalibration | None = None      # the last that was started here
        self._kept = KeptCalibration(data)
        self._known: dict[Path, WatchedRecording] = {}
        self._watched: WatchedRecording | None = None
        self._followed: FollowedRecording | None = None
        self._said = ""                     # what happened last, in words
        self._ended: dict[str, Any] | None = None
        self._thread: threading.Thread | None = None
        self._seen_s = time.monotonic()

    # -- what pages see

    @property
    def phase(self) -> str:
        """What goes on."""
        if self._watched is not None:
            return RECORDING
        if self._started is not None:
            return STARTING
        if self._calibration is not None and not self._calibration.has_ended:
            return CALIBRATING
        return IDLE if self._preview is None else LOOKING

    @property
    def picture(self) -> Picture | None:
        """The newest picture."""
        source = self._followed or self._preview
        return None if source is None else source.picture

    def state(self) -> dict[str, Any]:
        """Return what a page shows now."""
        state: dict[str, Any] = {
            "phase": self.phase, "said": self._said, "ended": self._ended, "rows": [],
            "view": None, "finger": None, "face": None, "kept": self._kept.tell(),
            "calibration": None if self._calibration is None else self._calibration.tell(),
        }
        if (preview := self._preview) is not None:
            state |= preview.state
            state["devices"] = vars(preview.devices)
        if (watched := self._watched) is not None:
            state["recording"] = watched.begin
            state["said"] = watched.said or self._said
            if (status := watched.status) is not None:
                state |= {key: status[key] for key in ("finger", "face")}
                state["rows"] = status["rows"]
                state["elapsed_s"] = status["elapsed_s"]
                state["marks"] = status["marks"]
            if (followed := self._followed) is not None:
                state["view"] = followed.view
                state["rows"] = _merged(state["rows"], followed.rows)
        return state

    def open_page(self) -> None:
        """Note that a page looks; what runs is looked for from now on."""
        with self._pages:
            self.viewers += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._tend, name="rig", daemon=True)
                self._thread.start()

    def close_page(self) -> None:
        """Note that a page looks no more."""
        with self._pages:
            self.viewers -= 1

    # -- what pages ask for

    def look(self, devices: Devices) -> None:
        """Show what devices deliver.

        Raises
        ------
        DeviceError : they are not among the choices
        BusyError : a recording or a calibration runs
        """
        self.choices.check(devices)
        with self._lock:
            self._make_free()
            self._preview = Preview(devices, self.data)

    def let_go(self) -> None:
        """Let go of the devices."""
        with self._lock:
            self._let_go()

    def record(self, devices: Devices, options: Sequence[str]) -> None:
        """Start `acq record` with these devices and options; let go of the devices before.

        Raises
        ------
        DeviceError : they are not among the choices
        BusyError : a recording or a calibration runs
        """
        self.choices.check(devices)
        with self._lock:
            self._make_free()
            self._started = StartedVerb("record", [
                *devices.options, "--data", str(self.data), *options,
            ])

    def blink(self, *, is_on: bool) -> None:
        """Have the LED blink in the picture that is shown, or be dark.

        Raises
        ------
        DeviceError : no picture is shown
        """
        with self._lock:
            if self._preview is None:
                raise DeviceError(
                    expected="a picture that is shown", found="none", fix="Show picture first"
                )
            self._preview.blink(is_on=is_on)

    def calibrate(self, devices: Devices, toggles: int) -> None:
        """Start `acq calibrate` with these devices; let go of the devices before.

        Raises
        ------
        DeviceError : they are not among the choices
        BusyError : a recording or a calibration runs
        AcqError : the LED cannot be switched so often
        """
        self.choices.check(devices)
        with self._lock:
            self._make_free()
            self._calibration = StartedCalibration(devices, self.data, toggles)

    def stop_calibrating(self) -> None:
        """End a calibration that is under way; that which was there before stays."""
        with self._lock:
            if self._calibration is not None:
                self._calibration.stop()

    def ask(self, do: str, number: int | None = None) -> None:
        """Ask the recording that runs for a mark, an undo or its end.

        Raises
        ------
        BusyError : none runs
        """
        with self._lock:
            if self._watched is not None:
                self._watched.ask(do, number)
            elif self._started is not None and do == "stop":
                self._started.stop()
            else:
                raise BusyError(
                    expected="a recording that runs", found="none", fix="start one"
                )

    def _make_free(self) -> None:
        """Let go of the devices, for what needs them now; refuse while something runs on them."""
        if self.phase in (STARTING, RECORDING, CALIBRATING):
            what = "calibration" if self.phase == CALIBRATING else "recording"
            raise BusyError(
                expected=f"no {what} under way", found="one that runs",
                fix="stop it first, or wait until it has ended",
            )
        self._let_go()
        self._said, self._ended = "", None

    def _let_go(self) -> None:
        if self._preview is not None:
            self._preview.stop()
            self._preview = None

    # -- what goes on

    def _tend(self) -> None:
        while not self._is_left():
            # before the lock is taken: one that does not answer takes two seconds
            running = find_recordings(self.data, self._known)
            with self._lock:
                try:
                    self._update(running)
                except Exception as error:      # no odd message ends what all pages see
                    self._forget_recording()
                    self._said = f"what runs cannot be told: {error!r}"
            time.sleep(_TICK_S)

    def _is_left(self) -> bool:
        """Return whether no page has been open for a while; then all is let go of."""
        with self._pages:
            if self.viewers:
                self._seen_s = time.monotonic()
                return False
        if time.monotonic() - self._seen_s <= _ALONE_S:
            return False
        with self._lock:
            self._let_go()
            self._forget_recording()
        with self._pages:
            if not self.viewers:                # one may have come meanwhile
                self._thread = None
            return not self.viewers

    def _update(self, running: list[WatchedRecording]) -> None:
        if self._watched is None and running:
            self._let_go()
            self._watched = running[0]
            self._followed = FollowedRecording(self.data, self._watched.begin["subject"])
            self._ended = None
        elif self._watched is not None and self._watched.has_ended:
            self._end_recording(self._watched)
        if self._started is not None and self._started.has_ended and self._watched is None:
            self._said = self._started.fault() or self._said
            self._started = None
        if (preview := self._preview) is not None and preview.has_ended:
            preview.stop()
            self._preview = None
            self._said = preview.state.get("fault") or (
                "the devices were let go of: another program asked for them"
            )

    def _end_recording(self, watched: WatchedRecording) -> None:
        self._forget_recording()
        if watched.end is None:
            self._ended = {
                "saved": "the recording ended without a summary: its process was killed",
                "shortcomings": [in_data("acq recover makes the file whole")], "session": "",
            }
            return
        if error := watched.end.get("error"):
            self._ended = {
                "saved": f"the recording ended with an error: {error}", "shortcomings": [],
                "session": "",
            }
            return
        # one of another version may tell more
        known = {field.name for field in fields(RecordingSummary)}
        values = {key: value for key, value in watched.end.items() if key in known}
        summary = RecordingSummary(**{**values, "path": Path(values["path"])})
        fault = [] if summary.complete else [f"incomplete: {summary.fault}"]
        self._ended = {
            "saved": saved(summary), "shortcomings": [*fault, *shortcomings(summary)],
            "session": summary.path.stem, "marks": marked(watched.end.get("marks", ())),
        }

    def _forget_recording(self) -> None:
        if self._followed is not None:
            self._followed.stop()
        self._watched = self._followed = None


def _merged(rows: list[dict[str, str]], seen: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of a recording, those of its picture in the place of the face's."""
    if not seen:
        return rows
    return [row for row in rows if row["name"] != "face"] + seen
