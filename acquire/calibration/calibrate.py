"""Calibrate a rig: switch the LED, film it, fit the offset between light and frames."""

from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version

from acquire.camera.source import FrameSource
from acquire.errors import CalibrationError, Fix
from acquire.sensor.port import Sensor
from acquire.sensor.protocol import SENSOR_NAMES, SENSOR_VIRTUAL

from .blink import MOST_TOGGLES, TOGGLES, record_blinks
from .light_offset import LightFit, find_light, fit_light_offset
from .rig_file import MAX_BOUND_NS, Calibration

METHOD = (
    "the LED of pin 13, switched at random; midway between the monotone fits of its rise and fall"
)


def calibrate(
    camera: FrameSource, sensor: Sensor, *, toggles: int = TOGGLES, seed: int | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Calibration:
    """Switch the LED, film it and fit the offset; neither device may have been started.

    Raises
    ------
    DeviceError : camera or sensor failed
    CalibrationError : the LED is not seen well enough, or the offset not certain enough
    """
    blinks = record_blinks(camera, sensor, toggles=toggles, seed=seed, on_progress=on_progress)
    try:
        brightness, position = find_light(blinks.cells, blinks.frame_ns, blinks.toggles)
        fit = fit_light_offset(
            brightness, blinks.frame_ns, blinks.toggles, coarse_ns=position.offset_ns
        )
    except CalibrationError as error:
        if camera.info.simulated:           # its LED is in view, and cannot be moved
            error.fix = "calibrate again while the computer does less"
        raise
    check_certain(fit, toggles, is_virtual=camera.info.simulated)
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
        follows=round(position.follows, 4), row=round(position.row, 4),
        column=round(position.column, 4), seen=fit.seen, toggles=fit.toggles,
        frames=len(blinks.frame_ns),
    )


def check_certain(fit: LightFit, toggles: int, *, is_virtual: bool) -> None:
    """Refuse an offset whose bound is too wide; the LED of a virtual rig can only blink more often.

    Raises
    ------
    CalibrationError : it is not certain enough
    """
    if fit.bound_ns <= MAX_BOUND_NS:
        return
    more = min(max(TOGGLES, 2 * toggles), MOST_TOGGLES)
    if more > toggles:
        fix = Fix.SWITCH_LED_MORE if is_virtual else Fix.SEE_LED_BETTER
    else:
        more, fix = "", "calibrate again" if is_virtual else (
            "make the LED larger or brighter in the picture, or dim the room"
        )
    raise CalibrationError(
        expected=f"an offset within {MAX_BOUND_NS / 1e6:g} ms",
        found=f"{fit.offset_ns / 1e6:.2f} ± {fit.bound_ns / 1e6:.2f} ({fit.fit_ns / 1e6:.2f} of it "
              "from the picture, the rest from the sensor's clock)",
        fix=fix, of=str(more),
    )
