"""The status of a recording that goes well, and what the panel adds to it."""

import numpy as np

from acq.terminal.panel_view import PanelState
from acquire.camera.source import CameraInfo
from acquire.recorder.status import RecordingStatus
from dataset.signals.pulse_quality import GOOD, PulseReading


def recording_status(**changes):
    """Return the status of a recording that goes well, but for `changes`."""
    numbers = np.arange(250)
    return RecordingStatus(
        **{
            "start_ns": 0, "elapsed_s": 65.0, "frames": 1625, "samples": 1624, "lost_frames": {},
            "lost_samples": {}, "fps": 24.98, "sync_bound_ms": 0.52, "free_bytes": 20_000_000_000,
            "file_bytes": 195_000_000,
            "camera": CameraInfo("csi", 640, 360, 25.0, "I420", "end of frame"), "frame": None,
            "ppg_rate_hz": 25, "ppg_sequence": numbers,
            "ppg_value": 30000 + 5000 * np.sin(numbers / 25 * 2 * np.pi * 1.2),
            "camera_silent_s": 0.02, "sensor_silent_s": 0.02, "states": {}, "no_finger_s": 0.0,
            **changes,
        }
    )


def panel_state(**changes):
    return PanelState(
        **{
            "subject": "S01", "sensor": "/dev/ttyACM0", "pulse": PulseReading(72.2, 0.9, GOOD),
            "face": True, **changes,
        }
    )
