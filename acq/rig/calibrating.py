"""The calibration of the rig, as pages see it: that which is kept, and one that is under way."""

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from acq.advice import PAGE, advise
from acq.running.calibration_words import age_words, light_words, offset_words
from acquire.calibration.blink import MOST_TOGGLES
from acquire.calibration.rig_file import Calibration, read_rig
from acquire.data_folder import rig_file
from acquire.errors import AcqError, CalibrationError

from .choices import Devices
from .started import StartedVerb

FEWEST, MOST = 40, MOST_TOGGLES    # toggles, as of `acq calibrate`


class StartedCalibration(StartedVerb):
    """`acq calibrate` as a process; it replaces the calibration that is there once it is done."""

    def __init__(self, devices: Devices, data: Path, toggles: int) -> None:
        if not FEWEST <= toggles <= MOST or toggles % 2:
            raise AcqError(
                expected=f"to switch the LED {FEWEST} to {MOST} times, an even number",
                found=toggles, fix="choose another number",
            )
        self._is_cancelled, self._asked = False, {**asdict(devices), "toggles": toggles}
        super().__init__("calibrate", [
            *devices.options, "--data", str(data), "--toggles", str(toggles), "--force",
        ])

    def stop(self) -> None:
        """Ask it to end."""
        self._is_cancelled = True
        super().stop()

    def tell(self) -> dict[str, Any]:
        """Return how far it is, or how it ended, and what was chosen for it."""
        if not self.has_ended:
            progress = self.said.progress
            return {
                "is_running": True, "done": progress.done, "total": progress.total,
                "asked": self._asked,
            }
        fault = self.fault()
        if fault and self._is_cancelled:
            fault = "cancelled; what was kept before stays"
        return {"is_running": False, "fault": fault}


class KeptCalibration:
    """The calibration of a data folder in words; its file is read where it has changed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._seen: tuple[int, int, int] | None = None
        self._calibration: Calibration | None = None
        self._fault = ""

    def tell(self) -> dict[str, Any]:
        """Return what is kept, and how old it is."""
        if (seen := self._signature()) != self._seen:
            self._seen, self._calibration, self._fault = seen, None, ""
            try:
                self._calibration = read_rig(self._data)
            except CalibrationError as error:
                self._fault = advise(error, PAGE)
        if (kept := self._calibration) is None:
            return {"words": [], "fault": self._fault}
        return {
            "words": [offset_words(kept), light_words(kept)], "fault": "",
            "age": age_words(kept, datetime.now(timezone.utc)), "made": kept.calibrated,
            "of": f"{kept.width}x{kept.height} at {kept.fps:g} frames/s",
        }

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            stat = rig_file(self._data).stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_size, stat.st_mtime_ns
