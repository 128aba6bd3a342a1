"""The rig file: the result of a calibration, kept for the sessions recorded with the same camera.

`data/rig.json` is one calibration, of one camera, one picture size, one rate and one pipeline. With
any other the stamps may mean something else, so such a session gets no offset.
`light_ns = time_ns - light_offset_ns`.
"""

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.atomic import write_text
from acquire.camera.source import CameraInfo, LightOffset
from acquire.documents import Kind, read_if_there
from acquire.errors import CalibrationError, Fix

from .light_offset import EARLIEST_NS, LATEST_NS

SCHEMA, SCHEMA_VERSION = "acq-rig", 1
MAX_BOUND_NS = 2_000_000        # a calibration that is less certain is refused


@dataclass(frozen=True)
class Calibration:
    """One calibration of a rig, as `data/rig.json` holds it."""

    calibrated: str                # ISO 8601, UTC
    acq_version: str
    method: str
    simulated: bool
    camera: str                    # as CameraInfo.name
    width: int                     # [px]
    height: int                    # [px]
    fps: float                     # nominal
    pixel_format: str
    pipeline: str
    time_meaning: str
    exposure: dict[str, Any]       # as CameraInfo.exposure
    port: str
    sensor: str
    firmware: str
    light_offset_ns: int           # light_ns = time_ns - light_offset_ns
    light_offset_bound_ns: int     # fit and clock together
    fit_ns: int                    # the fit's part, three standard deviations
    exposure_ns: int               # as measured, about
    residual: float                # RMS about the fitted curves; 1 is the LED's brightness
    follows: float                 # correlation of the picture with the LED, 0 to 1
    # where the LED was in the picture, 0 top, 1 bottom: a rolling shutter exposes row after row
    row: float
    column: float                  # 0 left, 1 right
    seen: int                      # toggles seen
    toggles: int
    frames: int

    def __post_init__(self) -> None:
        if not 0 < self.light_offset_bound_ns <= MAX_BOUND_NS:
            raise ValueError(
                f"light_offset_bound_ns {self.light_offset_bound_ns}, not in 1 to {MAX_BOUND_NS}"
            )
        # the fit may end a little outside of what is tried
        lowest, highest = EARLIEST_NS - MAX_BOUND_NS, LATEST_NS + MAX_BOUND_NS
        if not lowest <= self.light_offset_ns <= highest:
            raise ValueError(
                f"light_offset_ns {self.light_offset_ns}, not in {lowest} to {highest}"
            )

    @property
    def source(self) -> str:
        """What a session stores as the source of its offset: the date, and a hash of all this."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return f"{self.calibrated} sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def difference_from(self, info: CameraInfo) -> str:
        """Return the first difference from the camera of `info`; "" where the offset holds."""
        virtual = "the virtual rig"  # every virtual subject is filmed by the same camera
        camera, other = (
            virtual if self.simulated else self.camera, virtual if info.simulated else info.name,
        )
        size, other_size = f"{self.width}x{self.height}", f"{info.width}x{info.height}"
        rate, other_rate = f"{self.fps:.2f}", f"{info.fps:.2f}"
        stamps, other_stamps = repr(self.time_meaning), repr(info.time_meaning)
        compared = (
            (camera == other, f"{camera}, not {other}"),
            (size == other_size, f"{size}, not {other_size}"),
            (rate == other_rate, f"{rate} fps, not {other_rate}"),
            (stamps == other_stamps, f"stamps of {stamps}, not {other_stamps}"),
            (self.pipeline == info.pipeline, "another pipeline"),
        )
        return next((text for same, text in compared if not same), "")


_KIND = Kind(
    Calibration, "the calibration of a rig", CalibrationError, Fix.CALIBRATE_AGAIN, SCHEMA,
    SCHEMA_VERSION,
)


def check_writable(data: Path, *, replace: bool) -> None:
    """Make the folder of the rig file, and refuse early where the file could not be written.

    Parameters
    ----------
    replace : allow that there is a calibration already

    Raises
    ------
    CalibrationError : there is one, or none can be written; nothing has been filmed yet
    """
    path = data_folder.rig_file(data)
    expected = f"to write {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        is_file = isinstance(error, FileExistsError | NotADirectoryError)
        raise CalibrationError(
            expected=expected, found="a file where its folder should be" if is_file else error,
            where="" if is_file else path.parent, fix=Fix.CHOOSE_DATA_FOLDER,
        ) from error
    if path.is_dir():
        raise CalibrationError(
            expected=expected, found="a folder of that name", fix=Fix.CHOOSE_DATA_FOLDER
        )
    if data_folder.is_there(path) and not replace:
        raise CalibrationError(expected="no calibration yet", found=path, fix=Fix.REPLACE)


def write_rig(calibration: Calibration, data: Path) -> Path:
    """Write `data/rig.json`, whole or not at all; return its path."""
    path = data_folder.rig_file(data)
    body = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(calibration)}
    write_text(path, json.dumps(body, indent=2) + "\n")
    return path


def read_rig(data: Path) -> Calibration | None:
    """Read `data/rig.json`; None where there is none.

    Raises
    ------
    CalibrationError : it is no rig file of this version, or damaged
    """
    return read_if_there(_KIND, data_folder.rig_file(data))


def light_offset_for(
    info: CameraInfo, data: Path
) -> tuple[LightOffset | None, CalibrationError | None]:
    """Return the offset of a session of this camera, and a warning (not raised) if there is one.

    Raises
    ------
    CalibrationError : there is a rig file that cannot be read
    """
    calibration = read_rig(data)
    if calibration is None:
        return None, None
    path = data_folder.rig_file(data)
    if difference := calibration.difference_from(info):
        facts = f"{path} was made for {difference}: no light offset for this session"
        if info.is_replay or (info.simulated and not calibration.simulated):
            # there is nothing to calibrate, or a virtual rig would replace a real one
            return None, CalibrationError(facts)
        fix = Fix.CALIBRATE_VIRTUAL_AGAIN if info.simulated else Fix.CALIBRATE_AGAIN
        return None, CalibrationError(facts, fix=fix)
    offset = LightOffset(
        calibration.light_offset_ns, calibration.light_offset_bound_ns, calibration.source
    )
    then, now = (_exposure_times(values) for values in (calibration.exposure, info.exposure))
    if then == now:
        return offset, None
    facts = (
        f"the camera's exposure is {now} and was {then} when {path} was made: the light offset is "
        "off by half the difference, unless the exposure is locked again"
    )
    return offset, CalibrationError(facts, fix=Fix.CALIBRATE_AGAIN)


def _exposure_times(values: dict[str, Any]) -> dict[str, Any]:
    """Keep what sets how long a frame gathers light; gain and white balance do not matter."""
    return {name: value for name, value in values.items() if "exposure" in name}
