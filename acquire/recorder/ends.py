"""What a device lost before the recording's end, which no sequence in the file shows."""

from collections.abc import Sequence

from acquire.errors import DeviceError

from .camera_thread import CameraThread
from .frame_stream import FrameStream
from .host_watch import HostPause, overlap_ns
from .losses import HOST_BUSY, HOST_STOPPED, SILENT_END, SILENT_END_S
from .sample_stream import SampleStream

# A device that is silent for this long when the recording is stopped has failed.
_FAILED_END_S = 1.0


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


def count_sensor_end(
    samples: SampleStream, end_ns: int, pauses: Sequence[HostPause]
) -> DeviceError | None:
    """Count the samples that the sensor lost by its silence before the recording's end.

    Parameters
    ----------
    end_ns : when it was stopped; of a replay, its last frame
    pauses : when this process did not run

    Returns
    -------
    why the recording has failed: the sensor was silent for more than a second; else None
    """
    last_ns, period_s = samples.last_arrival_ns, 1 / samples.hello.rate_hz
    silent_s = (end_ns - last_ns) / 1e9
    paused_s = overlap_ns(pauses, last_ns, end_ns) / 1e9
    if silent_s > max(SILENT_END_S, 3 * period_s):
        cause = samples.gap_cause or (HOST_STOPPED if paused_s > 0 else SILENT_END)
        samples.losses.by_cause[cause] += int(silent_s / period_s)
    return _failed_end("sensor", silent_s - paused_s, period_s, "silent")


def _failed_end(device: str, away_s: float, period_s: float, how: str) -> DeviceError | None:
    if away_s <= max(_FAILED_END_S, 5 * period_s):
        return None
    return DeviceError(
        expected=f"the {device} to deliver until the end", found=f"its last {away_s:.1f} s {how}"
    )
