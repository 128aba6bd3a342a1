"""What a recording notes as events before its first frame, and when it ends."""

from acquire.camera.source import CAMERA_COMPLAINT, IDENTICAL_FRAMES, CameraInfo

from .losses import LOST_SAMPLES
from .progress import RecordingProgress
from .sensor_source import SensorSource

KindAndText = tuple[str, str]


def first_events(camera: CameraInfo, sensor: SensorSource, doubt: str) -> list[KindAndText]:
    """Return what is known of the devices before the first frame.

    Parameters
    ----------
    doubt : about the date, in words; "" where there is none
    """
    events = [("doubtful_date", doubt)] if doubt else []
    if not camera.counts_frames:
        text = "told from the stamps: the camera does not count its frames"
        events.append(("frame_numbers", text))
    if timer := sensor.sensor.latency_timer:
        events.append(("latency_timer", f"of the sensor's USB adapter: {timer}"))
    if sensor.timing is not None:
        events += [
            ("sensor_times", sensor.timing.words), ("unseen_losses", sensor.timing.unseen),
        ]
    if camera.rate is not None:
        events.append(("camera_rate", str(camera.rate)))
    return events + [(CAMERA_COMPLAINT, complaint) for complaint in camera.complaints]


def last_events(
    progress: RecordingProgress, sensor: SensorSource, stopped_by: str, fault: str
) -> list[KindAndText]:
    """Return why a recording ended, and the totals of what it lost."""
    events = [("stopped", stopped_by)]
    if fault:
        events.append(("fault", fault))
    if damaged := sensor.damaged_packets:
        events.append(("bad_packets", f"{damaged} from the sensor, damaged on the way"))
    if identical := progress.frames.identical_frames:
        events.append((IDENTICAL_FRAMES, f"{identical} in all"))
    if unanswered := sensor.unanswered_pings:
        events.append(("unanswered_pings", str(unanswered)))
    for kind, losses in (
        ("lost_frames", progress.frames.losses), (LOST_SAMPLES, progress.samples.losses),
    ):
        events += [(kind, f"{count}: {cause}") for cause, count in losses.by_cause.items()]
    return events
