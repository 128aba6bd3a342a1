"""Checks of the camera: its rate, the light, the face, and the offset of its stamps."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquire import host_time
from acquire.calibration.rig_file import light_offset_for, read_rig
from acquire.calibration.sighting import LedSighting
from acquire.camera.source import CameraInfo, CameraRate, FrameSource
from acquire.camera.stamps import rate_from_stamps
from acquire.errors import CalibrationError, DeviceError, Fix

from .result import FAIL, OK, WARN, Check, check_from_error
from .view import View, look_at

CAMERA_S = 2.0
_SETTLE_S = 1.0                    # exposure, white balance


@dataclass(frozen=True)
class CameraSample:
    """What a camera delivered in a few seconds."""

    rate: CameraRate
    lost: int                      # numbers skipped; 0 where the camera does not count
    image: np.ndarray | None       # the last


def sample_camera(
    camera: FrameSource, asked_fps: float, seconds: float = CAMERA_S, *, settle_s: float = _SETTLE_S
) -> CameraSample:
    """Take frames from a started camera, and compute their rate from their stamps.

    Parameters
    ----------
    settle_s : at the beginning, not counted
    """
    stamps: list[tuple[int, int]] = []
    image = None
    begin = time.monotonic() + settle_s
    while time.monotonic() < begin + seconds:
        frame = camera.read(0.2)
        if frame is None:
            continue
        image = frame.image
        if time.monotonic() >= begin:
            stamps.append((frame.time_ns, frame.sequence))
    return CameraSample(*rate_and_losses(stamps, asked_fps, camera.info), image)


def rate_and_losses(
    stamps: Sequence[tuple[int, int]], asked_fps: float, info: CameraInfo
) -> tuple[CameraRate, int]:
    """Return the rate of frames by their stamps, and how many of their numbers are missing.

    Parameters
    ----------
    stamps : time [ns] and number of each frame
    """
    lost = 0
    if stamps and info.counts_frames:
        lost = stamps[-1][1] - stamps[0][1] - len(stamps) + 1
    times_ns = np.array([time_ns for time_ns, _ in stamps], dtype=np.int64)
    return rate_from_stamps(times_ns, asked_fps), lost


def check_camera(
    camera: FrameSource, fps: float, *, with_subject: bool,
    on_view: Callable[[np.ndarray, View], None] | None = None,
) -> list[Check]:
    """Start the camera; check its rate, the light and the face.

    Parameters
    ----------
    on_view : is handed the last frame, as the camera delivers it, and what is seen in it
    """
    info = camera.info
    control = info.exposure.get("control", "")
    opened = Check(
        "camera", WARN if control.startswith("not locked") else OK,
        f"{info.name}, {info.width}x{info.height} {info.pixel_format}"
        + (f", exposure and white balance {control}" if control else ""),
    )
    try:
        camera.start(host_time.now_ns())
        sample = sample_camera(camera, fps)
    except DeviceError as error:
        return [opened, check_from_error("rate", error)]
    if sample.image is None:
        text = f"no frame within {_SETTLE_S + CAMERA_S:g} s"
        return [opened, Check("rate", FAIL, text, "replug the camera, or name another")]
    view = look_at(sample.image, info, with_subject=with_subject)
    if on_view is not None:
        on_view(sample.image, view)
    return [opened, check_rate(sample.rate, sample.lost, fps), *view.checks]


def check_rate(rate: CameraRate, lost: int, fps: float) -> Check:
    """Check whether frames come at the rate that was asked for, and none is missing."""
    share = rate.fps / fps
    text = f"{rate.fps:.2f} of {fps:g} frames/s asked for"
    if lost:
        text += f", {lost} lost"
    if rate.complaint:
        return Check("rate", FAIL, text, Fix.MORE_LIGHT)
    if share < 0.97 or share > 1.03 or lost:
        return Check("rate", WARN, text, Fix.CHOOSE_RATE)
    return Check("rate", OK, text)


def check_light_offset(info: CameraInfo | None, data: Path) -> list[Check]:
    """Check which light offset a session of this camera would get.

    Without a camera only a rig file that cannot be read is reported.
    """
    name = "light offset"
    try:
        if info is None:
            read_rig(data)
            return []
        offset, warning = light_offset_for(info, data)
    except CalibrationError as error:
        return [check_from_error(name, error)]
    if warning is not None:
        return [check_from_error(name, warning, WARN)]
    if offset is None:
        fix = Fix.CALIBRATE_VIRTUAL if info.simulated else Fix.CALIBRATE
        text = "none: how late the stamps are is not known"
        return [Check(name, WARN, text, "" if info.is_replay else fix)]
    side = "later" if offset.offset_ns >= 0 else "earlier"
    offset_ms, bound_ms = abs(offset.offset_ns) / 1e6, offset.bound_ns / 1e6
    return [Check(name, OK, f"stamps {offset_ms:.2f} ms {side} than the light, ± {bound_ms:.2f}")]


def check_led(sighting: LedSighting) -> tuple[Check, tuple[float, float] | None]:
    """Check whether the camera sees the LED that is switched, as a calibration needs it.

    Returns
    -------
    the check; how far down and across the picture the LED is (0 to 1), or None
    """
    try:
        position = sighting.find()
    except CalibrationError as error:
        return check_from_error("LED", error, WARN), None
    if position is None:
        return Check("LED", WARN, "it blinks; looking for it in the picture, for ten seconds"), None
    at = position.row, position.column
    return Check("LED", OK, f"seen, {at[0]:.0%} down and {at[1]:.0%} across the picture"), at
