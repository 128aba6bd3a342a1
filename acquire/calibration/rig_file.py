"""The rig file: what `acq calibrate` found out about a camera, kept for the sessions that are
recorded with it.

`data/rig.json` is one calibration, of one camera, one picture size, one rate and one pipeline. With
any other the stamps may mean something else, so the offset is not given to such a session.
`light_ns = time_ns - light_offset_ns`.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from acquire import data_folder
from acquire.camera.source import CameraInfo, FrameSource, LightOffset
from acquire.errors import CalibrationError
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import SENSOR_NAMES, SENSOR_VIRTUAL

from .blink import TOGGLES, record_blinks
from .light_offset import MAX_BOUND_NS, find_light, fit_light_offset

SCHEMA, SCHEMA_VERSION = "acq-rig", 1
METHOD = (
    "the LED of pin 13, switched at random; midway between the monotone fits of its rise and fall"
)
_HOW = "acq calibrate makes it"


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
    exposure: dict[str, Any]       # what the camera said of its exposure, gain, white balance
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

    @property
    def source(self) -> str:
        """What a session says its offset is from: the date, and a hash of all of this."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return f"{self.calibrated} sha256:{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def differs(self, info: CameraInfo) -> str:
        """Say what was calibrated where it is not the camera of `info`, the first difference only;
        "" where the offset holds.
        """
        virtual = "the virtual rig"  # every virtual subject is filmed by the same camera
        camera, other = (
            virtual if self.simulated else self.camera, virtual if info.simulated else info.name,
        )
        size, other_size = f"{self.width}x{self.height}", f"{info.width}x{info.height}"
        rate, other_rate = f"{self.fps:.2f}", f"{info.fps:.2f}"
        compared = (
            (camera == other, f"{camera}, not {other}"),
            (size == other_size, f"{size}, not {other_size}"),
            (rate == other_rate, f"{rate} fps, not {other_rate}"),
            (
                self.time_meaning == info.time_meaning,
                f"stamps of {self.time_meaning!r}, not {info.time_meaning!r}",
            ),
            (self.pipeline == info.pipeline, "another pipeline"),
        )
        return next((text for same, text in compared if not same), "")


def check_new(data: Path, *, force: bool) -> None:
    """Refuse to calibrate over an earlier calibration without `force`, and where none can be
    written; make the folder.

    Raises
    ------
    CalibrationError : see above; nothing has been filmed yet
    """
    path = data_folder.rig_file(data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        is_file = isinstance(error, (FileExistsError, NotADirectoryError))
        found = (
            "a file where its folder should be" if is_file else f"{error.strerror} in {path.parent}"
        )
        raise CalibrationError(
            f"expected to write {path}, found {found}; name another folder with --data"
        ) from error
    if path.is_dir():
        raise CalibrationError(
            f"expected to write {path}, found a folder; move it away, or name another folder with "
            "--data"
        )
    if path.exists() and not force:
        raise CalibrationError(
            f"expected no calibration yet, found {path}; replace it with --force"
        )


def calibrate(
    camera: FrameSource,
    sensor: Sensor,
    *,
    toggles: int = TOGGLES,
    seed: int | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Calibration:
    """Blink, film, fit; neither camera nor sensor may have been started.

    Raises
    ------
    DeviceError : camera or sensor failed
    CalibrationError : the LED is not seen well enough, or the offset not certain enough
    """
    blinks = record_blinks(camera, sensor, toggles=toggles, seed=seed, on_progress=on_progress)
    brightness, place = find_light(blinks.cells, blinks.frame_ns, blinks.toggles)
    fit = fit_light_offset(brightness, blinks.frame_ns, blinks.toggles, coarse_ns=place.offset_ns)
    if fit.bound_ns > MAX_BOUND_NS:
        raise CalibrationError(
            f"expected an offset within {MAX_BOUND_NS / 1e6:g} ms, found {fit.offset_ns / 1e6:.2f} "
            f"± {fit.bound_ns / 1e6:.2f} "
            f"({fit.fit_ns / 1e6:.2f} of it from the picture, the rest from the sensor's clock); "
            "make the LED larger or brighter "
            "in the picture, dim the room, or ask for more --toggles"
        )
    info, hello = camera.info, sensor.hello
    return Calibration(
        calibrated=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        acq_version=version("acq"), method=METHOD,
        simulated=info.simulated or hello.sensor == SENSOR_VIRTUAL, camera=info.name,
        width=info.width, height=info.height, fps=info.fps, pixel_format=info.pixel_format,
        pipeline=info.pipeline, time_meaning=info.time_meaning, exposure=dict(info.exposure),
        port=sensor.port, sensor=SENSOR_NAMES.get(hello.sensor, str(hello.sensor)),
        firmware=hello.firmware, light_offset_ns=fit.offset_ns, light_offset_bound_ns=fit.bound_ns,
        fit_ns=fit.fit_ns, exposure_ns=fit.exposure_ns, residual=round(fit.residual, 4),
        follows=round(place.follows, 4), row=round(place.row, 4), column=round(place.column, 4),
        seen=fit.seen, toggles=fit.toggles, frames=len(blinks.frame_ns),
    )


def write_rig(calibration: Calibration, data: Path) -> Path:
    """Write `data/rig.json` under a temporary name, then rename; give its path."""
    path = data_folder.rig_file(data)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(
            json.dumps(
                {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(calibration)},
                indent=2,
            )
            + "\n"
        )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def read_rig(data: Path) -> Calibration | None:
    """Read `data/rig.json`; None where there is none.

    Raises
    ------
    CalibrationError : it is no rig file of this version, or damaged
    """
    path = data_folder.rig_file(data)
    again = f"in {path}; move it away, and {_HOW} anew"
    try:
        body = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise CalibrationError(f"expected a calibration as JSON, got: {error}, {again}") from error
    if not isinstance(body, dict) or (
        body.pop("schema", None), body.pop("schema_version", None),
    ) != (SCHEMA, SCHEMA_VERSION):
        raise CalibrationError(
            f"expected schema {SCHEMA} {SCHEMA_VERSION}, found something else {again}"
        )
    try:
        calibration = Calibration(**body)
    except TypeError as error:
        raise CalibrationError(f"expected a whole calibration, got: {error}, {again}") from error
    numbers = (calibration.light_offset_ns, calibration.light_offset_bound_ns)
    if (
        not all(type(number) is int for number in numbers)
        or not 0 < calibration.light_offset_bound_ns <= MAX_BOUND_NS
    ):
        raise CalibrationError(f"expected an offset and its bound in ns, found {numbers} {again}")
    return calibration


def light_offset_for(info: CameraInfo, data: Path) -> tuple[LightOffset | None, str]:
    """Give the offset that a session of this camera gets, and a warning, empty where there is
    nothing to warn of.

    Raises
    ------
    CalibrationError : there is a rig file that cannot be read
    """
    calibration = read_rig(data)
    if calibration is None:
        return None, ""
    if difference := calibration.differs(info):
        if info.is_replay or (info.simulated and not calibration.simulated):
            advice = ""  # there is nothing to calibrate, or a virtual rig would replace a real one
        else:
            advice = f"; acq calibrate{' --simulate' if info.simulated else ''} --force calibrates this one"
        return (
            None,
            f"{data_folder.rig_file(data)} was made for {difference}: no light offset for this "
            f"session{advice}",
        )
    offset = LightOffset(
        calibration.light_offset_ns, calibration.light_offset_bound_ns, calibration.source
    )
    here, there = (_exposure_times(values) for values in (calibration.exposure, info.exposure))
    if here != there:
        return offset, (
            f"the camera's exposure is {there} and was {here} when {data_folder.rig_file(data)} "
            "was made: the light offset is off by "
            "half the difference; lock the exposure, or acq calibrate --force"
        )
    return offset, ""


def _exposure_times(values: dict[str, Any]) -> dict[str, Any]:
    """Keep what sets how long a frame gathers light; gain and white balance do not move the middle
    of it.
    """
    return {name: value for name, value in values.items() if "exposure" in name}
