"""What a device lost before the recording's end, which no sequence in the file shows."""

from collections.abc import Sequence

from acquire.errors import DeviceError

from .camera_thread import CameraThread
from .frame_stream import FrameStream
from .host_watch import HostPause, overlap_ns
from .losses import HOST_BUSY, HOST_STOPPED, SILENT_END, Losses

# A device that is silent for this long when the recording is stopped has failed.
_FAILED_END_S = 1.0
# One that is silent for this long, and for three periods, has lost what is counted as lost.
_SILENT_END_S = 0.1


def count_camera_end(
    frames: FrameStream, camera: CameraThread, stop_ns: int, pauses: Sequence[HostPause]
) -> DeviceError | None:
    """Count the frames that the camera had before the stop and the file has not.

    Parameters
    ----------
    camera : whose thread has ended, and whose frames are written
    pauses : when this process did not run

    Returns
    -------
    why the recording has failed: frames of more than a second are missing; else None
    """
    losses, last_ns = frames.losses, frames.last_ns
    missing = camera.missing_until(stop_ns, last=losses.last, last_ns=last_ns)
    paused_s = overlap_ns(pauses, last_ns, stop_ns) / 1e9
    if missing.frames:
        is_host = missing.cause == SILENT_END and paused_s > 0
        losses.by_cause[HOST_STOPPED if is_host else missing.cause] += missing.frames
    if missing.cause == HOST_BUSY and missing.frames:
        return _failed_end(
            "camera", missing.seconds, 1 / frames.camera.fps,
            "not read, as the machine was too busy",
        )
    return _failed_end("camera", missing.seconds - paused_s, 1 / frames.camera.fps, "silent")


def count_silent_end(
    device: str, losses: Losses, *, last_ns: int, stop_ns: int, period_s: float, cause: str,
    pauses: Sequence[HostPause],
) -> DeviceError | None:
    """Count what a device lost by its silence before the stop.

    Parameters
    ----------
    last_ns : arrival of the last that it delivered
    cause : what the losses are counted under, unless this process did not run
    pauses : when it did not run

    Returns
    -------
    why the recording has failed: the device was silent for more than a second; else None
    """
    silent_s = (stop_ns - last_ns) / 1e9
    paused_s = overlap_ns(pauses, last_ns, stop_ns) / 1e9
    if silent_s > max(_SILENT_END_S, 3 * period_s):
        is_host = cause == SILENT_END and paused_s > 0
        losses.by_cause[HOST_STOPPED if is_host else cause] += int(silent_s / period_s)
    return _failed_end(device, silent_s - paused_s, period_s, "silent")


def _failed_end(device: str, away_s: float, period_s: float, how: str) -> DeviceError | None:
    if away_s <= max(_FAILED_END_S, 5 * period_s):
        return None
    return DeviceError(
        expected=f"the {device} to deliver until the end", found=f"its last {away_s:.1f} s {how}"
    )
